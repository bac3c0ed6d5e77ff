/**
 * Tests the checks: each mutant is caught by a stored seed.
 */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { nodeArguments } from "@ferry/terminal/testing/node-process";
import { readWith } from "@ferry/terminal/testing/read-arguments";
import { beforeAll, describe, expect, test } from "vitest";
import { readArguments } from "../arguments.ts";
import { faultNames } from "../scenario/fault-rates.ts";
import { runSeeds } from "../seeds.ts";
import type { SeedRun } from "../seeds-thread.ts";
import { mutants } from "./all.ts";
import { edited } from "./loader.ts";

const root = join(import.meta.dirname, "../../../..");

/** The command, as a user runs it: its exit code and what it printed. */
async function simulate(...args: string[]) {
  const main = join(root, "packages/simulation/src/main.ts");
  return promisify(execFile)(process.execPath, [...nodeArguments, main, ...args], { maxBuffer: 1e8 }).then(
    ({ stdout }) => ({ code: 0, stdout }),
    ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({
      code,
      stdout,
      stderr,
    }),
  );
}

/** Names of JavaScript's own that mutants use. */
const LANGUAGE_NAMES = ["true", "false", "undefined", "Math", "floor", "flatMap", "size", "slice"];
const namesIn = (code: string) => code.match(/\b[A-Za-z_]\w*/g) ?? [];

describe("a mutant", () => {
  test.each(mutants)(
    "$name finds the text that it replaces exactly once, and changes it",
    ({ name, edits }) => {
      for (const edit of edits) {
        const text = readFileSync(join(root, edit.file), "utf8");
        expect(edited(name, text, edit)).not.toBe(text);
      }
    },
  );

  // A renamed member that a replacement still sets by its old name would leave the engine as it is.
  test.each(mutants)("$name uses no name that its file does not have", ({ edits }) => {
    // One edit may use a variable that another declares.
    const declared = edits.flatMap(({ replace }) =>
      [...replace.matchAll(/\b(?:const|let) (\w+)/g)].map(([, name]) => name!),
    );
    for (const { file, replace } of edits) {
      const known = new Set([...namesIn(readFileSync(join(root, file), "utf8")), ...LANGUAGE_NAMES]);
      const used = namesIn(replace.replaceAll(/"[^"]*"|'[^']*'/g, ""));
      expect(used.filter((name) => !known.has(name) && !declared.includes(name))).toEqual([]);
    }
  });

  test("whose text is missing or repeated throws an error with its name", () => {
    const edit = { file: "a.ts", find: "x", replace: "y" };
    expect(() => edited("some-mutant", "no such thing", edit)).toThrow("some-mutant: a.ts has 0 times");
    expect(() => edited("some-mutant", "x x", edit)).toThrow("2 times");
  });
});

/** Seeds that are tried for a mutant that no stored seed shows. */
const FIRST_SEEDS = 200;

describe("a mutant is shown", () => {
  const shown = new Set<string>();
  /** Runs seeds in one thread, which loads the engine once. Returns for each whether it shows its mutant. */
  async function run(runs: Iterable<SeedRun>): Promise<boolean[]> {
    const areShown: boolean[] = [];
    await runSeeds({
      runs,
      threads: 1,
      done({ mutantName, violations }) {
        areShown.push(violations.length > 0);
        if (violations.length > 0) shown.add(mutantName!);
        return false;
      },
    });
    return areShown;
  }

  /** Seed 1 shows the first of these mutants alone. */
  const consecutive = [
    { mutantName: "no-end-mark", seed: 1 },
    { mutantName: "compression-not-in-summary", seed: 1 },
    { mutantName: "compression-not-in-summary", seed: 0 },
  ];
  let areConsecutiveShown: boolean[];

  /**
   * A change of the engine moves random numbers: then the seeds that are stored with other mutants are tried, too, and after
   * them the first seeds.
   */
  function* otherSeeds(): Generator<SeedRun> {
    const first = Array.from({ length: FIRST_SEEDS }, (_, seed) => seed);
    for (const { name } of mutants)
      for (const seed of new Set([...mutants.map((one) => one.seed), ...first]))
        if (!shown.has(name)) yield { seed, mutantName: name };
  }

  beforeAll(async () => {
    const stored = mutants.map(({ name, seed }) => ({ seed, mutantName: name }));
    areConsecutiveShown = (await run([...consecutive, ...stored])).slice(0, consecutive.length);
    await run(otherSeeds());
  });

  test.each(mutants)("by a stored seed: $name", ({ name }) => {
    expect(shown, `a seed for it: npm run simulate -- --mutant ${name}`).toContain(name);
  });

  test("until the next one begins in the same thread", () => {
    expect(areConsecutiveShown).toEqual([true, false, true]);
  });
});

describe("npm run simulate", () => {
  const twoSeeds = ["--seeds", "2", "--from", "27", "--json"];
  /** A seed that runs quickly, also in a process that has compiled nothing yet. */
  const quickSeed = "66";
  let ofTwoSeeds: Awaited<ReturnType<typeof simulate>>;

  beforeAll(async () => {
    ofTwoSeeds = await simulate(...twoSeeds);
  });

  test("given a mutant and a seed that shows it, exits with 1", async () => {
    const seed = mutants.find(({ name }) => name === "no-end-mark")!.seed;
    const { code, stdout } = await simulate("--mutant", "no-end-mark", "--seed", String(seed), "--json");
    expect(code).toBe(1);
    expect(JSON.parse(stdout).violations.length).toBeGreaterThan(0);
  });

  test("given a mutant, tries the seed that is stored with it first", async () => {
    const { code, stdout } = await simulate("--mutant", "adopt-keeps-page", "--json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      mutants: 1,
      caught: { "adopt-keeps-page": mutants.find(({ name }) => name === "adopt-keeps-page")!.seed },
      survived: [],
    });
  });

  test("given a number of seeds, runs as many, and prints one line of JSON", () => {
    const { code, stdout } = ofTwoSeeds;
    expect(code).toBe(0);
    expect(stdout.trim().split("\n")).toHaveLength(1);
    expect(JSON.parse(stdout)).toMatchObject({ seeds: 2, violations: 0, failed: [], counts: { runs: 2 } });
  });

  test("given one seed, prints its trace", async () => {
    const { code, stdout } = await simulate("--seed", quickSeed);
    expect(code).toBe(0);
    expect(stdout).toContain("the fault phase is over");
    expect(stdout.trimEnd().endsWith("Every check holds.")).toBe(true);
  });

  test("given --without, a fault of the seeds does not happen", async () => {
    const { counts } = JSON.parse(ofTwoSeeds.stdout);
    expect(counts.duplicateMessage).toBeGreaterThan(0);
    expect(counts.delay).toBeGreaterThan(0);
    const { stdout } = await simulate(...twoSeeds, "--without", "duplicateMessage", "--without", "delay");
    const narrowed = JSON.parse(stdout).counts;
    expect(narrowed).toMatchObject({ runs: 2, crashBefore: expect.any(Number) });
    expect(narrowed.duplicateMessage).toBeUndefined();
    expect(narrowed.delay).toBeUndefined();
  });

  test("given --only, no other fault of the seed happens", async () => {
    const { code, stdout } = await simulate(
      "--seed",
      quickSeed,
      "--only",
      "duplicateEvent",
      "--only",
      "clockSkew",
      "--json",
    );
    expect(code).toBe(0);
    const { counts } = JSON.parse(stdout);
    expect(faultNames.filter((name) => name in counts).sort()).toEqual(["clockSkew", "duplicateEvent"]);
  });

  test("given a wrong call, exits with 2 and an explanation", async () => {
    expect(await simulate("--frobnicate")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--frobnicate"),
    });
  });

  test.each([
    [["--seeds", "many"], "'--seeds <N>' argument 'many' is invalid. It must be a whole number"],
    [["--seed", "1", "--seeds", "2"], "--seed is one seed"],
    [["--mutant", "nothing"], "It must be all, list or a name of --mutant list: got nothing"],
    [["--seed", "1", "--without", "rain"], "It must be one of duplicateEvent, duplicateMessage"],
    [["--seeds", "1", "--only", "stall", "--only", "rain"], "got rain"],
    [["--seed", "1", "--without", "stall", "--only", "delay"], "exclude each other"],
    [["--mutant", "no-end-mark", "--without", "stall"], "need --seed or --seeds"],
  ])("given %j, exits with 2 and an explanation", (args, why) => {
    expect(readWith(args, readArguments)).toMatchObject({ code: 2, stderr: expect.stringContaining(why) });
  });
});
