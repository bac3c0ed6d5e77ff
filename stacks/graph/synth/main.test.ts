import { execFile } from "node:child_process";
import path from "node:path";
import { expect, test } from "vitest";

/** Runs synth with options that it rejects before it builds anything. */
const runSynth = (args: readonly string[], environment: Readonly<Record<string, string>> = {}) =>
  new Promise<{ code: unknown; output: string }>((resolve) => {
    execFile(
      process.execPath,
      [path.join(import.meta.dirname, "main.ts"), ...args],
      { env: { ...process.env, ...environment } },
      (error, _, stderr) => resolve({ code: error?.code, output: stderr.trim() }),
    );
  });

test.each([
  {
    args: ["--stag", "beta"],
    code: 2,
    output:
      /^ferry synth: unknown option '--stag'\n\(Did you mean --stage\?\)\n"npm run synth -- --help" lists the options\.$/,
  },
  {
    args: ["--stage"],
    code: 2,
    output:
      /^ferry synth: option '--stage <NAME>' argument missing\n"npm run synth -- --help" lists the options\.$/,
  },
  { args: ["--stages", "no/such.ts"], code: 1, output: /^--stages: the file no\/such\.ts does not exist/ },
  {
    args: ["--stage", "beta"],
    code: 1,
    output: /^Stage "beta" has no settings: add it to stacks\/stages\.ts/,
  },
  {
    args: ["--stage", "beta", "--stages", "stacks/graph/testing/stages.ts"],
    code: 1,
    output: /^Stage "beta" has no settings: add it to stacks\/graph\/testing\/stages\.ts/,
  },
  {
    args: ["--stage", "production", "--dev"],
    code: 1,
    output: /^Stage "production" is protected, so "sst dev" is refused: /,
  },
])("given $args, synth prints the problem without a stack trace", async ({ args, code, output }) => {
  const result = await runSynth(args);
  expect(result.code).toBe(code);
  expect(result.output).toMatch(output);
  expect(result.output).not.toContain("    at ");
});

test("given another region in the environment, synth names the file of the settings", async () => {
  const file = "stacks/graph/testing/stages.ts";
  const result = await runSynth(["--stage", "production", "--stages", file], { AWS_REGION: "sa-east-1" });
  expect(result.code).toBe(1);
  expect(result.output).toMatch(
    /^Stage "production" is pinned to us-east-1 in stacks\/graph\/testing\/stages\.ts, but AWS_REGION is sa-east-1\./,
  );
});
