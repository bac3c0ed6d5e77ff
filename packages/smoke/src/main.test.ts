import { execFile } from "node:child_process";
import path from "node:path";
import { nodeArguments } from "@ferry/terminal/testing/node-process";
import { expect, it } from "vitest";

const run = (...args: string[]) =>
  new Promise<{ code: unknown; stderr: string }>((resolve) => {
    const { AWS_REGION: _, ...env } = process.env;
    execFile(
      process.execPath,
      [...nodeArguments, path.join(import.meta.dirname, "main.ts"), ...args],
      { env },
      (error, _, stderr) => resolve({ code: error?.code, stderr }),
    );
  });

it.each([
  [["--stag", "beta"], "unknown option '--stag'"],
  [["--stage", "beta"], "Missing: --bucket, --region (or AWS_REGION)."],
  [["--local", "--stage", "beta"], "--local cannot be combined"],
])("given %j, prints the reason and how to list the options, and runs no step", async (args, reason) => {
  const result = await run(...args);
  expect(result.code).toBe(2);
  const [line, ...more] = result.stderr.trimEnd().split("\n");
  expect(line).toContain(reason);
  expect(more.at(-1)).toBe('"npm run smoke -- --help" lists the options.');
  expect(result.stderr).not.toContain("    at ");
});
