/**
 * What the ferry command shows on a real pseudo terminal of 80 columns.
 */
import { stripVTControlCharacters } from "node:util";
import { someItems } from "@ferry/local/e2e/test-client";
import { sharedHost } from "@ferry/local/e2e/test-host";
import type { Host } from "@ferry/local/host";
import { beforeAll, expect, test } from "vitest";
import { runOnTerminal } from "./on-terminal.ts";

const CTRL_C = "\x03";
const TABLE = "on-terminal";
const GREEN = "\x1b[32m";

let host: Host;
/** A backup of it at one read unit a second takes minutes. */
let large: string;
beforeAll(async () => {
  const { client, ...shared } = await sharedHost();
  host = shared.host;
  large = await shared.largeTable();
  await client.createTables(TABLE, someItems(3));
  await client.runTask({ ...client.backupOf(TABLE), "bucket-prefix": `${TABLE}/one` }, TABLE);
});

test("Ctrl-C stops watching, not the task, and says so; the commands that it prints work", async () => {
  const words = ["backup", large, `s3://archives/${TABLE}/slow`, "--local", "--table-region", "us-east-1"];
  const { code, shown } = await runOnTerminal([...words, "--read-units", "1"], {
    at: "running",
    types: CTRL_C,
    env: { FERRY_LOCAL: host.endpoint },
  });
  expect(code).toBe(130);
  // The terminal breaks the line, not ferry.
  const [, watch, cancel] =
    /Stopped watching\. The task goes on: `ferry (watch [^`]+ --local)` shows it, `ferry (cancel [^`]+ --local)` stops it\.\n/.exec(
      stripVTControlCharacters(shown),
    )!;
  const env = { FERRY_LOCAL: host.endpoint };
  expect(await runOnTerminal(cancel!.split(" "), { env })).toMatchObject({ code: 0 });
  const watched = await runOnTerminal(watch!.split(" "), { env });
  expect(watched.code).toBe(4);
  expect(stripVTControlCharacters(watched.shown)).toMatch(
    /`ferry retry [^`]+ --local` continues where it stopped\./,
  );
});

test("colours are on a terminal unless NO_COLOR is set, and no line of a list is broken", async () => {
  const env = { FERRY_LOCAL: host.endpoint };
  for (const words of [
    ["archives", `s3://archives/${TABLE}/one`],
    ["tasks", "--state", "succeeded", "--table", TABLE],
  ]) {
    const coloured = await runOnTerminal(words, { env });
    expect(coloured.shown).toContain(GREEN);
    const plain = await runOnTerminal(words, { env: { ...env, NO_COLOR: "1" } });
    expect(plain.shown).not.toContain("\x1b[3");
    for (const line of plain.shown.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  }
});

test("a stack trace is there only with --debug", async () => {
  const env = { FERRY_LOCAL: host.endpoint };
  const words = ["status", "no-such-task", "--local"];
  const short = await runOnTerminal(words, { env });
  expect(stripVTControlCharacters(short.shown)).toBe(
    "ferry status: Stage local has no task no-such-task.\n`ferry tasks --local` lists the tasks with their ids.\n",
  );
  const { shown, code } = await runOnTerminal([...words, "--debug"], { env });
  expect(shown).toMatch(/^ {4}at findTask /m);
  expect(code).toBe(3);
});
