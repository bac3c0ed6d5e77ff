// Runs on any Node version, so that an old one gives a message instead of a syntax error.
const major = Number(process.versions.node.split(".")[0]);
if (major < 24) {
  console.error(
    `Ferry needs Node 24, which "npm ci" installs; this is ${process.version} at ${process.execPath}: run "npm ci" again with install scripts allowed, then use "npm run".`,
  );
  process.exit(1);
}
