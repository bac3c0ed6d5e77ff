import { execFile } from "node:child_process";
import path from "node:path";
import { expect, test } from "vitest";

const runScale = (...args: string[]) =>
  new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
    execFile(
      process.execPath,
      [path.join(import.meta.dirname, "main.ts"), ...args],
      (error, stdout, stderr) => resolve({ code: error?.code ?? 0, stdout, stderr }),
    );
  });

test.each([["x"], ["0"], ["1", "1001"]])(
  "given the sizes %s %s, nothing is measured, and the error names the wrong one",
  async (...sizes) => {
    const { code, stdout, stderr } = await runScale(...sizes.filter(Boolean));
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(`It must be a whole number from 1 to 1000: got ${sizes.at(-1)}`);
  },
);
