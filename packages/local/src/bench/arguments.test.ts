import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { readWith } from "@ferry/terminal/testing/read-arguments";
import { expect, test } from "vitest";
import { readBenchArguments } from "./arguments.ts";

test.each([
  { args: ["--mix", "fog"], why: "option '--mix <NAME>' argument 'fog' is invalid. It must be one of " },
  { args: ["--action", "move"], why: "It must be one of backup, restore: got move" },
  {
    args: ["--compression", "gzip-6", "--compression", "lz4"],
    why: "It must be one of gzip-6, gzip-1, zstd-3: got lz4",
  },
  { args: ["--beside", "floor"], why: "It must be one of http, sdk: got floor" },
  { args: ["--pages", "0"], why: "It must be a whole number from 1 to 4096: got 0" },
  { args: ["--file-mib", "257"], why: "It must be a whole number from 1 to 256: got 257" },
  { args: ["--scan-ms", "fast"], why: "It must be a whole number from 0 to 60000: got fast" },
  { args: ["--slices", "0"], why: "It must be a whole number from 1 to 64: got 0" },
  { args: ["--runs", "1001"], why: "It must be a whole number from 1 to 1000: got 1001" },
])("given $args, the bench measures nothing and exits with 2", ({ args, why }) => {
  const { code, stdout, stderr } = readWith(args, readBenchArguments);
  expect(code).toBe(2);
  expect(stdout).toBe("");
  expect(stderr).toContain(why);
});

test("--help lists the options, and the exit code is 0", async () => {
  const main = path.join(import.meta.dirname, "main.ts");
  const { stdout } = await promisify(execFile)(process.execPath, [main, "--help"]);
  for (const option of ["--mix", "--action", "--compression", "--https", "--pages", "--runs", "--quick"])
    expect(stdout).toContain(option);
});

test.each([
  { args: [], ways: ["floor", "ferry", "http", "sdk"] },
  { args: ["--quick"], ways: ["floor", "ferry"] },
  { args: ["--quick", "--beside", "http"], ways: ["floor", "ferry", "http"] },
  { args: ["--beside", "sdk"], ways: ["floor", "ferry", "sdk"] },
])("given $args, the ways $ways are measured", ({ args, ways }) => {
  let options: ReturnType<typeof readBenchArguments> | undefined;
  readWith(args, () => {
    options = readBenchArguments();
  });
  expect(options?.ways).toEqual(ways);
});
