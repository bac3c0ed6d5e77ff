/**
 * The question of a restore into a table that holds items, answered on a real pseudo terminal.
 */
import { once } from "node:events";
import path from "node:path";
import { stripVTControlCharacters } from "node:util";
import { createTestClient, someItems, type TestClient } from "@ferry/local/e2e/test-client";
import { type Host, startHost } from "@ferry/local/host";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startOnTerminal } from "./on-terminal.ts";

const MAIN = path.join(import.meta.dirname, "../main.ts");
const CTRL_C = "\x03";
const CTRL_D = "\x04";

let host: Host;
let client: TestClient;
beforeAll(async () => {
  host = await startHost({ settings: { retryDelaySeconds: 0 } });
  client = await createTestClient(host);
  await client.createTables("orders", someItems(3));
  await client.putInCopy("orders", someItems(1));
  await client.runTask({ ...client.backupOf("orders"), "bucket-prefix": "asked" }, "asked");
});
afterAll(() => host.stop());

/** Restores on a terminal, types `answer` when the question is there, and returns what the terminal showed. */
async function restore(answer: string) {
  const words = ["restore", "s3://archives/asked", "orders", "--table-region", "eu-west-1"];
  const options = ["--restore-mode", "merge", "--detach"];
  const command = [process.execPath, MAIN, ...words, ...options].map((word) => `'${word}'`).join(" ");
  const terminal = startOnTerminal(command, {
    PATH: process.env["PATH"],
    NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"],
    HOME: "/nonexistent",
    FERRY_LOCAL: host.endpoint,
  });
  let shown = "";
  let isAnswered = false;
  terminal.stdout!.setEncoding("utf8").on("data", (chunk: string) => {
    shown += chunk;
    if (isAnswered || !shown.includes("[y/N] ")) return;
    isAnswered = true;
    terminal.stdin!.write(answer);
  });
  const [code] = (await once(terminal, "close")) as [number | null];
  return { code, shown: stripVTControlCharacters(shown).replaceAll("\r", "") };
}

const QUESTION = "orders holds items. The restore overwrites items with the same keys. Continue? [y/N] ";

test.each([
  ["n", "n\r"],
  ["Enter", "\r"],
  ["another word", "yess\r"],
  ["the end of the input", CTRL_D],
  ["Ctrl-C", CTRL_C],
])("given %s, nothing is sent, and the code is that of a refusal", async (_, answer) => {
  const { code, shown } = await restore(answer);
  expect(shown).toContain(QUESTION);
  expect(shown).toMatch(/\nNothing was sent\.\n$/);
  expect(code).toBe(5);
  expect(await client.rows({ ...client.restoreOf("orders"), "bucket-prefix": "asked" })).toEqual([]);
});

test("given y, the request is sent and accepted", async () => {
  const { code, shown } = await restore("y\r");
  expect(shown).toContain(`${QUESTION}y\n`);
  expect(code).toBe(0);
  expect(shown).toMatch(/\n\S+-archives-asked@\d{13}-[0-9a-f]{16}\n$/);
});
