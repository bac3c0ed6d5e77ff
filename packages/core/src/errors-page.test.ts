import { glob, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { type ErrorCode, errorCodes } from "./error-codes.ts";
import { type FerryError, permanent } from "./errors.ts";

const KINDS = {
  permanent:
    "Trying again cannot help. The segment or task fails with this code as the `cause` of its event, and in the `reason` of its row.",
  throttled: "A service asks for fewer calls. Ferry slows down and continues; no task fails for it.",
  transient:
    "It may pass. The message is delivered again; the code is in the worker's log. When the attempts run out, the task fails with `attempts-exhausted`.",
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

Generated from [error-codes.ts](../packages/core/src/error-codes.ts); \`npm test -- --update\` writes it anew. An error also names
the operation, the resource, what happened and a hint: the fields of \`error\` in [events.md](events.md).

${sections.join("\n")}`;
}

test("docs/errors.md has each code once: npm test -- --update writes it anew", async () => {
  await expect(page()).toMatchFileSnapshot("../../../docs/errors.md");
});

test("each code of the engine and its AWS host is thrown somewhere, and the list is sorted", async () => {
  const root = fileURLToPath(new URL("../../..", import.meta.url));
  let text = "";
  for await (const path of glob("packages/{core,aws}/src/**/*.ts", { cwd: root }))
    if (!/\.test\.ts$|error-codes\.ts$|\/testing\//.test(path)) text += await readFile(root + path, "utf8");
  const codes = Object.keys(errorCodes);
  expect(codes.filter((code) => !text.includes(`"${code}"`))).toEqual([]);
  expect(codes).toEqual(codes.toSorted());
});

test("a code that is not in the list does not compile", () => {
  const about = { operation: "o", resource: "r", message: "m", hint: "h" };
  // @ts-expect-error: the code has a typing error.
  const error: FerryError = permanent("no-such-tabel", about);
  const code: ErrorCode = error.code;
  expect(Object.keys(errorCodes)).not.toContain(code);
});
