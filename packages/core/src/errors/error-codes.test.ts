import { glob, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { type ErrorCode, errorCodes } from "./error-codes.ts";
import { type FerryError, permanent } from "./errors.ts";

test("the engine or its AWS host uses each code, and the list is sorted", async () => {
  const root = fileURLToPath(new URL("../../../..", import.meta.url));
  let text = "";
  for await (const path of glob("packages/{core,aws}/src/**/*.ts", { cwd: root }))
    if (!/\.test\.ts$|error-codes\.ts$|\/testing\//.test(path)) text += await readFile(root + path, "utf8");
  const codes = Object.keys(errorCodes);
  expect(codes.filter((code) => !text.includes(`"${code}"`))).toEqual([]);
  expect(codes).toEqual(codes.toSorted());
});

test("a code that is not in the list does not compile", () => {
  const details = { operation: "o", resource: "r", message: "m", hint: "h" };
  // @ts-expect-error: the code is misspelled.
  const error: FerryError = permanent("no-such-tabel", details);
  const code: ErrorCode = error.code;
  expect(Object.keys(errorCodes)).not.toContain(code);
});
