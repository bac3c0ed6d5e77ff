import { glob, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { type ErrorCode, errorCodes } from "./error-codes.ts";
import { type FerryError, permanent } from "./errors.ts";

const KINDS = {
  permanent:
    "Trying again cannot help. The segment or task fails; the code is the `cause` of its event, and is in the `reason` of its row.",
  throttled:
    "A service limits the rate of calls. Ferry slows down and continues; no task fails for this reason.",
  transient:
    "The error may be temporary. The message is delivered again; the code is in the worker's log. When its attempts run out, the task fails with `attempts-exhausted`.",
} as const;

function page(): string {
  const sections = Object.entries(KINDS).map(([kind, meaning]) => {
    const rows = Object.entries(errorCodes)
      .filter(([, entry]) => entry.kind === kind)
      .map(([code, { cause, remedy }]) => `| \`${code}\` | ${cause} | ${remedy} |`);
    const title = kind.charAt(0).toUpperCase() + kind.slice(1);
    return `## ${title}\n\n${meaning}\n\n| code | cause | what to do |\n| --- | --- | --- |\n${rows.join("\n")}\n`;
  });
  return `# Error codes

Generated from [error-codes.ts](../packages/core/src/errors/error-codes.ts); \`npm test -- --update\` regenerates it. An error also has an operation,
a resource, a message and a hint: the fields of \`error\` in [events.md](events.md).

${sections.join("\n")}`;
}

test("docs/errors.md matches the list of codes (npm test -- --update regenerates it)", async () => {
  await expect(page()).toMatchFileSnapshot("../../../../docs/errors.md");
});

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
