import { execFileSync } from "node:child_process";
import path from "node:path";
import { expect, test } from "vitest";

test("the peak of a child process does not include the memory of its parent", () => {
  const parent = Buffer.alloc(128 * 1024 * 1024, 1);
  const module = JSON.stringify(path.join(import.meta.dirname, "resident-size.ts"));
  const code = `import(${module}).then(({ residentBytesMax }) => console.log(residentBytesMax()))`;
  const bytes = Number(execFileSync(process.execPath, ["--eval", code], { encoding: "utf8" }));
  expect(bytes).toBeGreaterThan(20e6);
  expect(bytes).toBeLessThan(parent.length);
});
