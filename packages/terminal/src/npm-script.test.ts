import { execFile } from "node:child_process";
import { expect, test } from "vitest";

const source = JSON.stringify(new URL("./npm-script.ts", import.meta.url).href);

/** Runs a script with one option; resolves with what it prints. */
function run(...args: string[]) {
  const script = `
    const { npmScript, oneOf, repeated, wholeNumberFrom } = await import(${source});
    const program = npmScript("count", "Counts.", "Ends with 0.").option("--items <N>", "how many", wholeNumberFrom(1, 9), 5)
      .option("--kind <NAME>", "which", repeated(oneOf(["red", "blue"])));
    const { items, kind } = program.parse().opts();
    console.log(items, kind?.join("+") ?? "all");`;
  return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    execFile(
      process.execPath,
      ["--input-type=module", "-e", script, "--", ...args],
      (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });
}

test("options are read, and have defaults", async () => {
  expect(await run("--items", "7")).toMatchObject({ code: 0, stdout: "7 all\n" });
  expect(await run()).toMatchObject({ code: 0, stdout: "5 all\n" });
});

test("an option that may be repeated has all its values", async () => {
  expect(await run("--kind", "blue", "--kind", "red")).toMatchObject({ code: 0, stdout: "5 blue+red\n" });
});

test.each([
  [
    ["--items", "10"],
    "option '--items <N>' argument '10' is invalid. It must be a whole number from 1 to 9: got 10",
  ],
  [["--items", "1e0"], "It must be a whole number from 1 to 9: got 1e0"],
  [["--kind", "red", "--kind", "green"], "It must be one of red, blue: got green"],
  [["--item", "5"], "unknown option '--item'"],
  [["5"], "too many arguments"],
])("%j is refused with code 2, and nothing is printed to stdout", async (args, message) => {
  const { code, stdout, stderr } = await run(...args);
  expect(code).toBe(2);
  expect(stdout).toBe("");
  expect(stderr).toMatch(/^ferry count: /);
  expect(stderr).toContain(message);
  expect(stderr).toContain('"npm run count -- --help" lists the options.');
});

test("--help prints the options and what follows them", async () => {
  const { code, stdout } = await run("--help");
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /^Usage: npm run count -- \[options\]\n\nCounts\.[\s\S]*--items <N>[\s\S]*Ends with 0\.$/m,
  );
});
