/**
 * `npm run mutation`: changes the code in one place at a time, and lists the changes that no test detects.
 * docs/mutation.md explains the result.
 */
import { spawnSync } from "node:child_process";
import { suites } from "./suites.ts";

const USAGE = `npm run mutation [-- core | aws | FILE…] [--tests TEST…]

  core, aws    one package; default: both, one after the other
  FILE…        files of one package, for instance packages/core/src/archive/cutter.ts
  --tests      run only these test files, which is much faster; default: all tests of the package`;

const [given, tests] = splitAt(process.argv.slice(2), "--tests");
const named = Object.keys(suites).filter((name) => given.includes(name));
const files = given.filter((argument) => !named.includes(argument));
const owners = [...new Set(files.map((file) => /^packages\/([^/]+)\/src\//.exec(file)?.[1] ?? ""))];

if (files.some((file) => file.startsWith("-")) || !owners.every((owner) => owner in suites)) {
  console.error(USAGE);
  process.exit(1);
}

for (const name of files.length > 0 ? owners : named.length > 0 ? named : Object.keys(suites)) {
  const { sources, leastScore } = suites[name]!;
  const mutate = files.length > 0 ? files.filter((file) => file.startsWith(`packages/${name}/`)) : sources;
  // The limit applies to the score of a whole package, not of single files.
  const least = files.length > 0 ? undefined : leastScore;
  const { status } = spawnSync(
    "stryker",
    ["run", ".ci/mutation/stryker.config.ts", "--mutate", mutate.join(",")],
    {
      stdio: "inherit",
      env: {
        ...process.env,
        FERRY_MUTATED_PACKAGE: name,
        ...(tests.length > 0 && { FERRY_MUTATION_TESTS: tests.join(",") }),
        ...(least !== undefined && { FERRY_MUTATION_LEAST_SCORE: String(least) }),
      },
    },
  );
  if (status !== 0) process.exit(status ?? 1);
}

/** The elements before and after the first `separator`. */
function splitAt(all: readonly string[], separator: string): [string[], string[]] {
  const at = all.indexOf(separator);
  return at < 0 ? [[...all], []] : [all.slice(0, at), all.slice(at + 1)];
}
