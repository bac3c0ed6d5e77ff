import { glob, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { errorCodes } from "@ferry/core/errors/error-codes";
import { expect, test } from "vitest";
import { ClientError } from "./client-error.ts";
import { type ClientErrorCode, clientErrorCodes } from "./client-error-codes.ts";

const KINDS = {
  permanent:
    "Trying again cannot help. The segment or task fails; the code is the `cause` of its event, and is in the `reason` of its row.",
  throttled:
    "A service limits the rate of calls. Ferry slows down and continues; no task fails for this reason.",
  transient:
    "The error may be temporary. The message is delivered again; the code is in the worker's log. When its attempts run out, the task fails with `attempts-exhausted`.",
} as const;

const OF_THE_CLIENT =
  "The `ferry` command and the client also have these. With `--json` an error of the command has the `code`; it may be one of those above, too.";

type Codes = Readonly<Record<string, { readonly cause: string; readonly remedy: string }>>;

function section(title: string, about: string, codes: Codes): string {
  const rows = Object.entries(codes).map(
    ([code, { cause, remedy }]) => `| \`${code}\` | ${cause} | ${remedy} |`,
  );
  return `## ${title}\n\n${about}\n\n| code | cause | what to do |\n| --- | --- | --- |\n${rows.join("\n")}\n`;
}

function page(): string {
  const ofEngine = Object.entries(KINDS).map(([kind, about]) => {
    const codes = Object.entries(errorCodes).filter(([, entry]) => entry.kind === kind);
    return section(kind.charAt(0).toUpperCase() + kind.slice(1), about, Object.fromEntries(codes));
  });
  return `# Error codes

Generated from [error-codes.ts](../packages/core/src/errors/error-codes.ts) and
[client-error-codes.ts](../packages/client/src/client-error-codes.ts); \`npm test -- --update\` regenerates it. An error also has an operation,
a resource, a message and a hint: the fields of \`error\` in [events.md](events.md).

${[...ofEngine, section("Of the ferry command", OF_THE_CLIENT, clientErrorCodes)].join("\n")}`;
}

test("docs/errors.md matches the lists of codes (npm test -- --update regenerates it)", async () => {
  await expect(page()).toMatchFileSnapshot("../../../docs/errors.md");
});

test("the client or the ferry command uses each of its codes; the list is sorted, and has none of the engine's", async () => {
  const root = fileURLToPath(new URL("../../..", import.meta.url));
  let text = "";
  for await (const path of glob("packages/{client,cli}/src/**/*.ts", { cwd: root }))
    if (!/\.test\.ts$|error-codes\.ts$|\/e2e\//.test(path)) text += await readFile(root + path, "utf8");
  const codes = Object.keys(clientErrorCodes);
  expect(codes.filter((code) => !text.includes(`"${code}"`))).toEqual([]);
  expect(codes).toEqual(codes.toSorted());
  expect(codes.filter((code) => code in errorCodes)).toEqual([]);
});

test("a code of the client that is not in the lists does not compile", () => {
  // @ts-expect-error: the code is misspelled.
  const { code } = new ClientError("usage", "no-stag", { message: "m", hint: "h" });
  const known: readonly ClientErrorCode[] = ["no-stage", "access-denied"];
  expect(known).not.toContain(code);
});
