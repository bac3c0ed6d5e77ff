/**
 * The checks are checked: every planted bug is caught, and the seed that shows it shows it again.
 */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { edited } from "./loader.ts";
import { plants } from "./plants.ts";

const root = join(import.meta.dirname, "../../../..");

/** Some are found in the hundredth seed. */
const EVERY_PLANT_MS = 30 * 60_000;

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

describe("a plant", () => {
  test.each(plants)("$name finds what it replaces, once, and changes it", ({ name, edits }) => {
    for (const edit of edits) {
      const text = readFileSync(join(root, edit.file), "utf8");
      expect(edited(name, text, edit)).not.toBe(text);
    }
  });

  test("whose text is not there is an error that names it", () => {
    const edit = { file: "a.ts", find: "x", replace: "y" };
    expect(() => edited("some-plant", "no such thing", edit)).toThrow("some-plant: a.ts has 0 times");
    expect(() => edited("some-plant", "x x", edit)).toThrow("2 times");
  });
});

describe("npm run simulate", () => {
  test("with every plant: none survives, and each seed replays red and is green without it", {
    timeout: EVERY_PLANT_MS,
  }, async () => {
    const { code, stdout } = await simulate("--plant", "all", "--json");
    const { caught, survived } = JSON.parse(stdout) as { caught: Record<string, number>; survived: string[] };
    expect(survived).toEqual([]);
    expect(code).toBe(0);
    expect(Object.keys(caught).sort()).toEqual(plants.map(({ name }) => name).sort());
    const [name, seed] = Object.entries(caught)[0]!;
    const red = await simulate("--plant", name, "--seed", String(seed), "--json");
    expect(red.code).toBe(1);
    expect(JSON.parse(red.stdout).violations.length).toBeGreaterThan(0);
    expect((await simulate("--seed", String(seed), "--json")).code).toBe(0);
  });

  test("with seeds: runs as many as were asked for, and ends with one line of JSON", async () => {
    const { code, stdout } = await simulate("--seeds", "6", "--from", "10", "--json");
    expect(code).toBe(0);
    expect(stdout.trim().split("\n")).toHaveLength(1);
    expect(JSON.parse(stdout)).toMatchObject({ seeds: 6, violations: 0, failed: [], counts: { runs: 6 } });
  });

  test("with one seed: tells what happened", async () => {
    const { code, stdout } = await simulate("--seed", "3");
    expect(code).toBe(0);
    expect(stdout).toContain("the storm is over");
    expect(stdout.trimEnd().endsWith("Every check holds.")).toBe(true);
  });

  test.each([
    [["--seeds", "many"], "--seeds must be a whole number"],
    [["--seed", "1", "--seeds", "2"], "--seed is one seed"],
    [["--plant", "nothing"], "--plant must be all, list or a name"],
    [["--frobnicate"], "--frobnicate"],
  ])("with %j ends with 2 and says why", async (args, why) => {
    expect(await simulate(...args)).toMatchObject({ code: 2, stderr: expect.stringContaining(why) });
  });
});
