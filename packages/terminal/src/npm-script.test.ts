import { expect, test } from "vitest";
import { npmScript, oneOf, repeated, wholeNumberFrom } from "./npm-script.ts";
import { readWith } from "./testing/read-arguments.ts";

/** Reads a script's command line, and prints its options. */
const run = (...args: string[]) =>
  readWith(args, () => {
    const program = npmScript("count", "Counts.", "Ends with 0.")
      .option("--items <N>", "how many", wholeNumberFrom(1, 9), 5)
      .option("--kind <NAME>", "which", repeated(oneOf(["red", "blue"])));
    const { items, kind } = program.parse().opts();
    process.stdout.write(`${items} ${kind?.join("+") ?? "all"}\n`);
  });

test("options are read, and have defaults", () => {
  expect(run("--items", "7")).toMatchObject({ code: 0, stdout: "7 all\n" });
  expect(run()).toMatchObject({ code: 0, stdout: "5 all\n" });
});

test("an option that may be repeated has all its values", () => {
  expect(run("--kind", "blue", "--kind", "red")).toMatchObject({ code: 0, stdout: "5 blue+red\n" });
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
])("%j is refused with code 2, and nothing is printed to stdout", (args, message) => {
  const { code, stdout, stderr } = run(...args);
  expect(code).toBe(2);
  expect(stdout).toBe("");
  expect(stderr).toMatch(/^ferry count: /);
  expect(stderr).toContain(message);
  expect(stderr).toContain('"npm run count -- --help" lists the options.');
});

test("--help prints the options and what follows them", () => {
  const { code, stdout } = run("--help");
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /^Usage: npm run count -- \[options\]\n\nCounts\.[\s\S]*--items <N>[\s\S]*Ends with 0\.$/m,
  );
});
