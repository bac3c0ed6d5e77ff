/**
 * ferry prune against the local host.
 */
import { someItems, type TestClient } from "@ferry/local/e2e/test-client";
import { sharedHost } from "@ferry/local/e2e/test-host";
import type { Host } from "@ferry/local/host";
import { beforeAll, expect, test } from "vitest";
import type { PrunedArchive } from "../run/prune.ts";
import { oneProcess } from "./one-process.ts";
import { jsonLines } from "./run-ferry.ts";

let host: Host;
let client: TestClient;

beforeAll(async () => {
  ({ host, client } = await sharedHost());
});

const commands = oneProcess();
const ferry = (...args: string[]) => commands.run(args, { FERRY_LOCAL: host.endpoint });

const HOUR_MS = 3_600_000;

/** Backs up a table to `TABLE/HOURS`, as a schedule that was due so many hours ago. A task has a day. */
async function backUp(table: string, hoursAgo: readonly number[]) {
  const nowMs = Date.now();
  for (const hours of hoursAgo) {
    const request = { ...client.backupOf(table), "bucket-prefix": `${table}/${hours}`, "total-segments": 1 };
    const id = `${table}-${hours}`;
    const time = new Date(nowMs - hours * HOUR_MS).toISOString();
    await client.putEvent("TaskRequested", { request, "request-id": id, "request-time": time });
    expect(await client.ended(request, id)).toMatchObject({ state: "succeeded" });
  }
}

const decisionsOf = (lines: readonly PrunedArchive[]) =>
  Object.fromEntries(lines.map(({ url, decision }) => [url.split("/").at(-1), decision]));

test("archives that no rule keeps are removed, after a question or with --yes", async () => {
  await client.createTables("hourly", someItems(50));
  await backUp("hourly", [9, 8, 3, 2]);
  await client.putNewObject("hourly/9/notes.txt", "mine");
  const url = "s3://archives/hourly";
  const rules = ["--keep-last", "1", "--keep-within", "2h"];
  const before = await client.keys("hourly/9");

  const dry = await ferry("prune", url, ...rules, "--dry-run");
  expect(dry).toMatchObject({ code: 0, stderr: expect.stringContaining("Nothing was removed (--dry-run).") });
  expect(dry.stdout).toMatch(/remove +s3:\/\/archives\/hourly\/9 +hourly \(us-east-1\) +[0-9-]+ [0-9:]+ +50/);
  expect(dry.stdout).toMatch(/keep +s3:\/\/archives\/hourly\/2 .* last 1; within the period/);
  const lines = jsonLines<PrunedArchive>(await ferry("prune", url, ...rules, "--dry-run", "--json"));
  expect(decisionsOf(lines)).toEqual({ 9: "remove", 8: "remove", 3: "keep", 2: "keep" });
  expect(await ferry("prune", url, ...rules)).toMatchObject({
    code: 5,
    stderr: expect.stringContaining("2 archives of 4 under s3://archives/hourly will be removed"),
  });
  expect(await client.keys("hourly/9")).toEqual(before);

  const done = await ferry("prune", url, ...rules, "--yes", "--json");
  expect(done.code).toBe(0);
  expect(jsonLines<PrunedArchive>(done).filter(({ decision }) => decision === "remove")).toMatchObject([
    { url: `${url}/9`, objects: before.length - 1, foreignObjects: 1, errors: [] },
    { url: `${url}/8`, foreignObjects: 0, errors: [] },
  ]);
  expect(await client.keys("hourly/9")).toEqual(["hourly/9/notes.txt"]);
  const left = jsonLines<{ url: string }>(await ferry("archives", url, "--json"));
  expect(left.map((one) => one.url)).toEqual([`${url}/2`, `${url}/3`]);
  expect((await ferry("verify", `${url}/3`)).code).toBe(0);
  const restore = await ferry("restore", `${url}/9`, "hourly", "--table-region", "eu-west-1", "--wait");
  expect(restore.code).toBe(3);
});

test("an archive that a task reads is kept", async () => {
  await client.createTables("read", someItems(200));
  await backUp("read", [2, 1]);
  const url = "s3://archives/read";
  const slow = ["--table-region", "eu-west-1", "--write-units", "1", "--detach"];
  const restore = await ferry("restore", `${url}/2`, "read", ...slow);
  const id = restore.stdout.trim();
  const busy = await ferry("prune", url, "--keep-last", "1", "--yes");
  expect(busy).toMatchObject({ code: 0, stdout: expect.stringContaining(`in use by task ${id}`) });
  expect(busy.stderr).toContain("Nothing to remove.");
  expect((await ferry("cancel", id)).code).toBe(0);
  expect((await ferry("watch", id)).code).toBe(4);
  expect(await ferry("prune", url, "--keep-last", "1", "--yes")).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(`✓ ${url}/2: `),
  });
});

test.each([
  [[], "A prune needs at least one rule"],
  [["--keep-last", "0"], "--keep-last must be a whole number of at least 1"],
  [["--keep-within", "a month"], "--keep-within must be a period"],
])("with the rules %j nothing is removed", async (rules, message) => {
  expect(await ferry("prune", "s3://archives", ...rules, "--yes")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(message),
  });
});
