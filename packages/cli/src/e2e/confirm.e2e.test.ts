/**
 * The question of a restore into a table that holds items, answered on a real pseudo terminal.
 */
import { stripVTControlCharacters } from "node:util";
import { someItems, type TestClient } from "@ferry/local/e2e/test-client";
import { sharedHost } from "@ferry/local/e2e/test-host";
import type { Host } from "@ferry/local/host";
import { beforeAll, expect, test } from "vitest";
import { runOnTerminal } from "./on-terminal.ts";

const CTRL_C = "\x03";
const CTRL_D = "\x04";

let host: Host;
let client: TestClient;
beforeAll(async () => {
  ({ host, client } = await sharedHost());
  await client.createTables("asked", someItems(3));
  await client.putInCopy("asked", someItems(1));
  await client.runTask({ ...client.backupOf("asked"), "bucket-prefix": "asked" }, "asked");
});

/** Restores on a terminal, types `answer` when the question is there, and returns what the terminal showed. */
async function restore(answer: string) {
  const words = ["restore", "s3://archives/asked", "asked", "--table-region", "eu-west-1"];
  const options = ["--restore-mode", "merge", "--detach"];
  const { code, shown } = await runOnTerminal([...words, ...options], {
    at: "[y/N] ",
    types: answer,
    env: { FERRY_LOCAL: host.endpoint },
  });
  return { code, shown: stripVTControlCharacters(shown) };
}

const QUESTION = "asked holds items. The restore overwrites items with the same keys. Continue? [y/N] ";

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
  expect(await client.rows({ ...client.restoreOf("asked"), "bucket-prefix": "asked" })).toEqual([]);
});

test("given y, the request is sent and accepted", async () => {
  const { code, shown } = await restore("y\r");
  expect(shown).toContain(`${QUESTION}y\n`);
  expect(code).toBe(0);
  expect(shown).toMatch(/\n\S+-archives-asked@\d{13}-[0-9a-f]{16}\n$/);
});
