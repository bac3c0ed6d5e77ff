/**
 * Tests the checks: each mutant is caught by the seed that is stored with it.
 */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { faultNames } from "../scenario/fault-rates.ts";
import { runSeeds } from "../seeds.ts";
import type { SeedResult } from "../seeds-thread.ts";
import { mutants } from "./all.ts";
import { edited } from "./loader.ts";

const root = join(import.meta.dirname, "../../../..");

/**
 * Mutants whose seeds run quickly; the tests of the command below run two more. A nightly workflow runs every mutant, and
 * searches a seed if the stored one no longer shows it.
 */
const QUICK = [
  "unconditional-put",
  "foreign-file-adopted",
  "adopt-without-cursor",
  "retry-undoes-cancel",
  "items-not-counted",
  "keys-not-compared",
  "lost-announcement-not-repeated",
];

/** The command, as a user runs it: its exit code and what it printed. */
async function simulate(...args: string[]) {
  const main = join(root, "packages/simulation/src/main.ts");
  return promisify(execFile)(process.execPath, [main, ...args], { maxBuffer: 1e8 }).then(
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
const namesIn = (code: string) => code.match(/[A-Za-z_]\w*/g) ?? [];

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

describe("the seed that is stored with a mutant", () => {
  test.each(QUICK)("shows %s", async (name) => {
    const { seed } = mutants.find((one) => one.name === name)!;
    const results: SeedResult[] = [];
    await runSeeds({ from: seed!, count: 1, mutantName: name, done: (result) => results.push(result) > 0 });
    expect(results, `npm run simulate -- --mutant ${name}`).toHaveLength(1);
    expect(results[0]!.violations, `npm run simulate -- --mutant ${name}`).not.toEqual([]);
  });
});

describe("npm run simulate", () => {
  test("given a mutant and a seed that shows it, exits with 1", async () => {
    const { code, stdout } = await simulate("--mutant", "no-end-mark", "--seed", "1", "--json");
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

  test("given a number of seeds, runs as many, and prints one line of JSON", async () => {
    const { code, stdout } = await simulate("--seeds", "6", "--from", "10", "--json");
    expect(code).toBe(0);
    expect(stdout.trim().split("\n")).toHaveLength(1);
    expect(JSON.parse(stdout)).toMatchObject({ seeds: 6, violations: 0, failed: [], counts: { runs: 6 } });
  });

  test("given one seed, prints its trace", async () => {
    const { code, stdout } = await simulate("--seed", "3");
    expect(code).toBe(0);
    expect(stdout).toContain("the fault phase is over");
    expect(stdout.trimEnd().endsWith("Every check holds.")).toBe(true);
  });

  test("given --without, a fault of the seeds does not happen", async () => {
    const seeds = ["--seeds", "6", "--json"];
    const { counts } = JSON.parse((await simulate(...seeds)).stdout);
    expect(counts.duplicateMessage).toBeGreaterThan(0);
    const { stdout } = await simulate(...seeds, "--without", "duplicateMessage", "--without", "delay");
    const narrowed = JSON.parse(stdout).counts;
    expect(narrowed).toMatchObject({ runs: 6, crashBefore: expect.any(Number) });
    expect(narrowed.duplicateMessage).toBeUndefined();
    expect(narrowed.delay).toBeUndefined();
  });

  test("given --only, no other fault of the seed happens", async () => {
    const { code, stdout } = await simulate(
      "--seed",
      "3",
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

  test.each([
    [["--seeds", "many"], "--seeds must be a whole number"],
    [["--seed", "1", "--seeds", "2"], "--seed is one seed"],
    [["--mutant", "nothing"], "--mutant must be all, list or a name"],
    [["--frobnicate"], "--frobnicate"],
    [["--seed", "1", "--without", "rain"], "--without must be one of duplicateEvent, duplicateMessage"],
    [["--seeds", "1", "--only", "stall", "--only", "rain"], "got rain"],
    [["--seed", "1", "--without", "stall", "--only", "delay"], "exclude each other"],
    [["--mutant", "no-end-mark", "--without", "stall"], "need --seed or --seeds"],
  ])("given %j, exits with 2 and an explanation", async (args, why) => {
    expect(await simulate(...args)).toMatchObject({ code: 2, stderr: expect.stringContaining(why) });
  });
});
