/**
 * The allowed imports. `npm run lint` checks every import of packages/ and stacks/ against them with dependency-cruiser.
 */

/**
 * The packages from bottom to top, with the packages that their code may import, and those that only their tests may import.
 */
const packages = [
  { name: "core", code: [], tests: ["memory"] },
  { name: "memory", code: ["core"], tests: [] },
  { name: "aws", code: ["core"], tests: ["memory"] },
  { name: "contracts", code: ["core", "memory", "aws"], tests: [] },
  { name: "emulator", code: ["core"], tests: ["memory", "aws", "contracts"] },
  { name: "terminal", code: [], tests: [] },
  { name: "client", code: ["core", "aws"], tests: ["memory"] },
  { name: "local", code: ["core", "aws", "emulator", "terminal", "client"], tests: ["memory", "contracts"] },
  { name: "simulation", code: ["core", "memory", "aws", "emulator", "terminal"], tests: ["contracts"] },
  { name: "smoke", code: ["core", "terminal", "client", "local"], tests: [] },
  { name: "cli", code: ["core", "terminal", "client"], tests: ["local"] },
];

/** The folders of stacks/ from bottom to top. A folder imports from itself and those below it. */
const stacks = [
  "settings",
  "naming",
  "queues",
  "tables",
  "bus",
  "permissions",
  "pipes",
  "schedules",
  "functions",
  "monitoring",
  "app",
  "graph",
];

/** npm run sst and npm run synth. */
const STACKS_COMMAND_LINES = "^stacks/(app/sst|graph/synth/main)\\.ts$";

const TESTS = "\\.test\\.ts$|/testing/|/e2e/";
const TEST_HELPERS = "/(testing|e2e)/(?!.*\\.test\\.ts$)";
const oneOf = (names) => `(${names.join("|")})/`;

const forbidden = (name, comment, from, to) => ({ name, severity: "error", comment, from, to });

const packageRules = packages.flatMap(({ name, code, tests }, at) => {
  const above = code.find((other) => !packages.slice(0, at).some((below) => below.name === other));
  if (above !== undefined) throw new Error(`.ci/direction.mjs: ${above} is not listed before ${name}`);
  const others = (allowed) => ({
    path: "^packages/",
    pathNot: `^packages/${oneOf([name, ...allowed])}`,
  });
  return [
    forbidden(
      `code-of-${name}`,
      `The code of packages/${name} imports from ${code.join(", ") || "no other package"}.`,
      { path: `^packages/${name}/`, pathNot: TESTS },
      others(code),
    ),
    forbidden(
      `tests-of-${name}`,
      `The tests of packages/${name} import from ${[...code, ...tests].join(", ") || "no other package"}.`,
      { path: `^packages/${name}/.*(${TESTS})` },
      others([...code, ...tests]),
    ),
    forbidden(
      `test-helpers-of-${name}`,
      `What the tests of packages/${name} share imports from packages below ${name} alone.`,
      { path: `^packages/${name}/.*${TEST_HELPERS}` },
      others(packages.slice(0, at).map((below) => below.name)),
    ),
  ];
});

const stackRules = stacks.map((folder, at) =>
  forbidden(
    `stacks-${folder}`,
    `stacks/${folder} imports from itself and the folders below it.`,
    { path: `^stacks/${folder}/` },
    { path: "^stacks/[^/]+/", pathNot: `^stacks/${oneOf(stacks.slice(0, at + 1))}` },
  ),
);

export default {
  forbidden: [
    ...packageRules,
    ...stackRules,
    forbidden(
      "unknown-folder",
      "A package or a folder of stacks/ must be listed in .ci/direction.mjs.",
      {
        path: "^(packages|stacks)/[^/]+/",
        pathNot: [`^packages/${oneOf(packages.map(({ name }) => name))}`, `^stacks/${oneOf(stacks)}`],
      },
      {},
    ),
    forbidden(
      "packages-below-stacks",
      "packages/ imports only from packages/.",
      { path: "^packages/" },
      { dependencyTypes: ["local"], pathNot: "^packages/" },
    ),
    forbidden(
      "stacks-command-lines",
      "The command lines of stacks/ import only from packages/core and packages/terminal.",
      { path: STACKS_COMMAND_LINES },
      { dependencyTypes: ["local"], pathNot: "^(stacks|packages/(core|terminal))/" },
    ),
    forbidden(
      "stacks-above-core",
      "stacks/ imports only from packages/core; its functions are bundled by their paths.",
      { path: "^stacks/", pathNot: STACKS_COMMAND_LINES },
      { dependencyTypes: ["local"], pathNot: "^(stacks|packages/core)/" },
    ),
    forbidden(
      "no-cycle",
      "No file imports itself through others, not even for types.",
      {},
      { circular: true },
    ),
    forbidden(
      "resolves",
      "An import that does not resolve to a file cannot be checked.",
      {},
      { couldNotResolve: true, path: "^(\\.|@ferry/)" },
    ),
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    // The built package.
    exclude: { path: "^packages/cli/dist/" },
    // dependency-cruiser does not support TypeScript 7.
    parser: "swc",
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import"], extensions: [".ts"] },
  },
};
