import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

test("given a size that is too large, nothing is measured, and the error names it", async () => {
  const main = path.join(import.meta.dirname, "main.ts");
  await expect(promisify(execFile)(process.execPath, [main, "1", "1001"])).rejects.toMatchObject({
    code: 2,
    stdout: "",
    stderr: expect.stringContaining("It must be a whole number from 1 to 1000: got 1001"),
  });
});
