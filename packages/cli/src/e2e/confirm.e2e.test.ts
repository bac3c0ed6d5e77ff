/**
 * The question of a restore into a table that holds items, answered on a real pseudo terminal.
 */
import { stripVTControlCharacters } from "node:util";
import { createTestClient, someItems, type TestClient } from "@ferry/local/e2e/test-client";
import { type Host, startHost } from "@ferry/local/host";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runOnTerminal } from "./on-terminal.ts";

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
  const { code, shown } = await runOnTerminal([...words, ...options], {
    at: "[y/N] ",
    types: answer,
    env: { FERRY_LOCAL: host.endpoint },
  });
  return { code, shown: stripVTControlCharacters(shown) };
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
