import { execFile } from "node:child_process";
import path from "node:path";
import { expect, it } from "vitest";

const refused = (...args: string[]) =>
  new Promise<{ code: unknown; said: string }>((resolve) => {
    const { AWS_REGION: _, ...env } = process.env;
    execFile(
      process.execPath,
      [path.join(import.meta.dirname, "main.ts"), ...args],
      { env },
      (error, _, said) => resolve({ code: error?.code, said }),
    );
  });

it.each([
  [["--stag", "beta"], "Unknown option '--stag'"],
  [["--stage", "beta"], "Missing: --bucket, --region (or AWS_REGION)."],
  [["--local", "--stage", "beta"], "--local goes alone"],
])("given %j, says how it is called and what is wrong, and tries nothing", async (args, said) => {
  const answer = await refused(...args);
  expect(answer.code).toBe(2);
  expect(answer.said).toContain("npm run smoke -- --stage NAME --bucket NAME");
  expect(answer.said).toContain(said);
  expect(answer.said).not.toContain("    at ");
});
