// Runs on any Node version, so that a wrong one gets a message instead of a syntax error.
const major = Number(process.versions.node.split(".")[0]);
if (major < 24) {
  console.error(
    `Ferry needs Node 24, which "npm ci" brings along; this is ${process.version} at ${process.execPath}: run "npm ci" again with install scripts allowed, then use "npm run".`,
  );
  process.exit(1);
}
