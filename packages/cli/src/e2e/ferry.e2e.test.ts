/**
 * The ferry command against the local host.
 */
import type { ComparedTable } from "@ferry/client/archive/compare-table";
import type { Estimate } from "@ferry/client/price/estimate";
import type { TaskProgress } from "@ferry/client/task/progress";
import type { SegmentStatus, TaskStatus } from "@ferry/client/task/task-status";
import { someItems, type TestClient } from "@ferry/local/e2e/test-client";
import { sharedHost } from "@ferry/local/e2e/test-host";
import type { Host } from "@ferry/local/host";
import { beforeAll, expect, test } from "vitest";
import { oneProcess } from "./one-process.ts";
import { endOf, jsonLines, startFerry } from "./run-ferry.ts";

let host: Host;
let client: TestClient;
let largeTable: () => Promise<string>;
const SOURCE = ["--table-region", "us-east-1"];
const COPY = ["--table-region", "eu-west-1"];

beforeAll(async () => {
  ({ host, client, largeTable } = await sharedHost());
});

const commands = oneProcess();
const ferry = (...args: string[]) => commands.run(args, { FERRY_LOCAL: host.endpoint });

async function done(...args: string[]) {
  const ended = await ferry(...args);
  expect(
    ended.stderr.includes("✗") ? ended.stderr : ended.code,
    `ferry ${args.join(" ")}\n${ended.stderr}`,
  ).toBe(0);
  return ended;
}

test("a table is backed up, listed, inspected, read, restored and compared", async () => {
  await client.createTables("sales", someItems(500));
  const backup = await done(
    "backup",
    "sales",
    "s3://archives/{table}/one",
    "--wait",
    "--total-segments",
    "3",
    ...SOURCE,
  );
  expect(backup.stdout).toMatch(/^succeeded: 500 items, .* in 3 data files/m);

  const [task] = jsonLines<TaskStatus>(await done("tasks", "--table", "sales", "--json"));
  expect(task).toMatchObject({
    action: "backup",
    state: "succeeded",
    items: 500,
    segments: { total: 3, completed: 3 },
  });
  expect((await done("tasks", "--table", "sales")).stdout).toContain(task!.id);
  const [status] = jsonLines<{ task: TaskStatus; segments: SegmentStatus[] }>(
    await done("status", task!.id!, "--json"),
  );
  expect(status!.task).toEqual(task);
  expect(status!.segments.map(({ segment, state }) => [segment, state])).toEqual(
    [0, 1, 2].map((segment) => [segment, "completed"]),
  );
  // The id of the request, and the task id without its digest, name the task too.
  expect((await done("status", task!.requestId!)).stdout).toContain(task!.id);
  expect((await done("status", task!.id!.replace(/-[0-9a-f]{16}$/, ""))).stdout).toContain(task!.id);

  const url = "s3://archives/sales/one";
  expect((await done("archives", "s3://archives/sales")).stdout).toMatch(
    /s3:\/\/archives\/sales\/one +sealed +sales \(us-east-1\).* 500 /,
  );
  expect((await done("inspect", url)).stdout).toMatch(/3 data files in 3 segments/);
  const cat = await done("cat", url, "--key", '{"id":"item-00017"}');
  expect((await done("cat", url, "--only", '{"id":{"S":"item-00017"}}')).stdout).toBe(cat.stdout);
  expect(JSON.parse(cat.stdout)).toMatchObject({ number: { N: "12345678901234567890123456789012345678" } });
  expect((await done("cat", url, "--limit", "7", "--select", "of")).stdout).toBe(
    '{"S":"source"}\n'.repeat(7),
  );
  expect((await done("verify", url)).stdout).toMatch(/^✓ .*: 3 data files, 500 items/m);

  const restore = await done("restore", url, "sales", "--wait", "--local", ...COPY);
  // The command that it prints works as it is.
  const [, printed] = /^Compare it with the archive: `ferry (.*)`$/m.exec(restore.stderr)!;
  expect(printed).toBe(`verify ${url} --against sales --table-region eu-west-1 --local`);
  expect((await done(...printed!.split(" "))).stdout).toMatch(/^✓ sales in eu-west-1: 500 items/m);
});

test("a restore with --create-table makes its table, and --dry-run shows what it would make", async () => {
  await client.createTables("made-from", someItems(50));
  const url = "s3://archives/made-from/one";
  await done("backup", "made-from", url, "--wait", ...SOURCE);
  const restore = ["restore", url, "made", ...COPY];
  const missing = await ferry(...restore, "--dry-run");
  expect(missing).toMatchObject({ code: 3, stderr: expect.stringContaining("made") });
  expect((await done(...restore, "--create-table", "--dry-run")).stdout).toMatch(
    /made in eu-west-1: to be created, about 0 items/,
  );
  const wrong = await ferry(...restore, "--table-class", "standard");
  expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining("add create-table true") });

  const ended = await done(...restore, "--create-table", "--table-settings", "keys", "--wait");
  expect(ended.stdout).toMatch(/^succeeded: 50 items/m);
  expect((await done("verify", url, "--against", "made", ...COPY)).stdout).toMatch(/^✓ made in eu-west-1/m);
  const [task] = jsonLines<TaskStatus>(
    await done("tasks", "--table", "made", "--action", "restore", "--json"),
  );
  expect(task!.settings).toMatchObject({
    "billing-mode": { outcome: "left-out", reason: "the request has table-settings keys" },
    tags: { outcome: "off" },
  });

  const again = await ferry(...restore, "--create-table", "--wait");
  expect(again.code).not.toBe(0);
  expect(`${again.stdout}${again.stderr}`).toContain("table-exists");
});

test("a restore with --only writes the items that cat --only prints, and no others", async () => {
  await client.createTables("lost", someItems(200));
  const url = "s3://archives/lost/one";
  await done("backup", "lost", url, "--wait", ...SOURCE);
  const only = ["--only", '{"id":"item-00017"}', "--only", '{"id":{"S":"item-00120"}}'];
  const none = await ferry("cat", url, "--only", '{"id":"item-1"}');
  expect(none).toMatchObject({ code: 3, stdout: "" });
  const printed = (await done("cat", url, ...only)).stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(printed.map(({ id }) => id.S).sort()).toEqual(["item-00017", "item-00120"]);

  const dry = await done("restore", url, "lost", ...COPY, ...only, "--dry-run");
  expect(dry.stdout).toMatch(/only +the items of 2 keys; it reads all \d+ data files?/);
  const ended = await done("restore", url, "lost", "--wait", ...COPY, ...only);
  // The table does not hold what the archive holds.
  expect(ended.stderr).not.toContain("Compare it");
  expect(ended.stdout).toMatch(/^succeeded: 2 items of 200 read/m);
  expect((await client.copied("lost")).map(({ id }) => id!.S)).toEqual(["item-00017", "item-00120"]);
  const [task] = jsonLines<TaskStatus>(
    await done("tasks", "--table", "lost", "--action", "restore", "--json"),
  );
  expect(task).toMatchObject({ state: "succeeded", items: 200, matchedItems: 2 });
  expect((await done("status", task!.id!)).stdout).toContain("2 items matched of 200 of 200 items read");

  const wrong = await ferry("restore", url, "lost", "--wait", ...COPY, "--only", '{"id":{"N":"1"}}');
  expect(wrong.code).toBe(5);
  expect(wrong.stdout).toContain("only[0] has id of type N, but the table's is of type S");
});

test("status finds a task by the id of the event or of the message that requested it", async () => {
  await client.createTables("requested", someItems(5));
  const request = (prefix: string) => ({
    action: "backup",
    "table-region": "us-east-1",
    "table-name": "requested",
    "bucket-region": "us-east-1",
    "bucket-name": "archives",
    "bucket-prefix": prefix,
  });
  const byEvent = request("requested/by-event");
  const eventId = await client.putEvent("TaskRequested", { request: byEvent });
  await client.ended(byEvent, eventId);
  const byMessage = request("requested/by-message");
  const messageId = await client.send(JSON.stringify(byMessage));
  await client.ended(byMessage, messageId);
  for (const [id, { "bucket-prefix": prefix }] of [
    [eventId, byEvent],
    [messageId, byMessage],
  ] as const) {
    const [status] = jsonLines<{ task: TaskStatus }>(await done("status", id, "--json"));
    expect(status!.task).toMatchObject({ requestId: id, state: "succeeded", archive: { prefix } });
  }
  const unknown = await ferry("status", "00000000-0000-0000-0000-000000000000");
  expect([unknown.code, unknown.stderr]).toEqual([3, expect.stringContaining("has no task")]);
});

test("--detach prints the id of the accepted task, and watch follows it to its end", async () => {
  await client.createTables("detached", someItems(50));
  const { stdout } = await done("backup", "detached", "s3://archives", "--detach", ...SOURCE);
  const id = stdout.trim();
  expect(id).toMatch(/^us-east-1-detached@\d{13}-[0-9a-f]{16}$/);
  const progress = jsonLines<TaskProgress>(await done("watch", id, "--json"));
  expect(progress.at(-1)).toMatchObject({ task: { id, state: "succeeded", items: 50 }, percent: 100 });
  expect(progress.at(-1)!.task.archive.prefix).toMatch(/^detached\/\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d$/);
});

test("--dry-run shows the event and the destination, and sends nothing", async () => {
  await client.createTables("dry", someItems(5));
  const dry = await done("backup", "dry", "s3://archives/dry", "--dry-run", "--json", ...SOURCE);
  const [{ event, destinationEmpty }] = jsonLines<{ event: { Detail: string }; destinationEmpty: boolean }>(
    dry,
  ) as [never];
  expect(destinationEmpty).toBe(true);
  expect(JSON.parse((event as { Detail: string }).Detail).request).toEqual({
    ...client.backupOf("dry"),
    "bucket-region": host.homeRegion,
  });
  expect((await ferry("tasks", "--table", "dry")).stdout).toBe("");
});

test("a running task is cancelled, watched to its end, and retried", async () => {
  const { stdout } = await done(
    "backup",
    await largeTable(),
    "s3://archives/slow",
    "--detach",
    "--read-units",
    "1",
    ...SOURCE,
  );
  const id = stdout.trim();
  const watching = startFerry(["watch", id], { FERRY_LOCAL: host.endpoint });
  const watched = endOf(watching);
  expect((await done("cancel", id)).stdout).toMatch(/: (cancelling|cancelled)\n$/);
  expect(await watched).toMatchObject({ code: 4, stdout: expect.stringMatching(/^cancelled: /m) });
  expect((await done("retry", id)).stdout).toMatch(/attempt 2\n$/);
  // A second cancel, of the second attempt.
  await done("cancel", id);
  expect((await ferry("watch", id)).code).toBe(4);
});

test("Ctrl-C stops watching, not the task, and says so", async () => {
  const { stdout } = await done(
    "backup",
    await largeTable(),
    "s3://archives/watched",
    "--detach",
    "--read-units",
    "1",
    ...SOURCE,
  );
  const id = stdout.trim();
  const watching = startFerry(["watch", id], { FERRY_LOCAL: host.endpoint });
  const ended = endOf(watching);
  watching.stdout!.once("data", () => watching.kill("SIGINT"));
  expect(await ended).toMatchObject({
    code: 130,
    stderr: expect.stringContaining(`The task goes on: \`ferry watch ${id}\``),
  });
  const [status] = jsonLines<{ task: TaskStatus }>(await done("status", id, "--json"));
  expect(status!.task.state).toBe("running");
  await done("cancel", id);
});

test("doctor checks the stage, a table and a bucket, and says what to do", async () => {
  await client.createTables("checked", someItems(1));
  const good = await done("doctor", "--table", "checked", "--bucket", "archives", ...SOURCE);
  for (const name of [
    "credentials",
    "backup-table",
    "segment-table",
    "PutEvents",
    "table checked",
    "bucket archives",
  ])
    expect(good.stdout).toMatch(new RegExp(`^✓ ${name}: `, "m"));
  expect(good.stdout).toContain("- quotas: the local host has none");
  const bad = await ferry("doctor", "--table", "nothing", "--bucket", "nothing");
  expect(bad.code).toBe(1);
  expect(bad.stdout).toContain(
    "✗ table nothing: There is no table nothing in eu-central-2.\n  Check its name",
  );
  expect(bad.stdout).toContain("✗ bucket nothing: There is no bucket nothing.");
});

test("estimate compares a backup and a restore with DynamoDB's own ways", async () => {
  await client.createTables("estimated", someItems(1));
  expect((await done("estimate", "estimated", ...SOURCE)).stdout).toMatch(/^Cheapest: .*\. Fastest/m);
  const [estimate] = jsonLines<Estimate>(
    await done("estimate", "estimated", "--restore", "--json", ...SOURCE),
  );
  expect(estimate!.ways.map(({ name }) => name)).toContain("bulk put");
});

// verify.test.ts of packages/client compares 20,000 items.
test("an item that changed, one that is missing and one that is new are found and named", async () => {
  const items = Array.from({ length: 1000 }, (_, n) => ({ id: { S: `item-${n}` }, n: { N: String(n) } }));
  await client.createTables("compared", items);
  await done("backup", "compared", "s3://archives/compared", "--wait", "--total-segments", "4", ...SOURCE);
  await done("restore", "s3://archives/compared", "compared", "--wait", ...COPY);
  await client.putInCopy("compared", [
    { id: { S: "item-711" }, n: { N: "-1" } },
    { id: { S: "item-new" }, n: { N: "0" } },
  ]);
  await client.removeFromCopy("compared", { id: { S: "item-31" } });
  const verify = await ferry("verify", "s3://archives/compared", "--against", "compared", "--json", ...COPY);
  expect(verify.code).toBe(1);
  const [{ table }] = jsonLines<{ table: ComparedTable }>(verify) as [{ table: ComparedTable }];
  expect(table).toMatchObject({
    changed: 1,
    missing: 1,
    extra: 1,
    differences: [
      { kind: "missing", key: { id: { S: "item-31" } } },
      { kind: "changed", key: { id: { S: "item-711" } } },
      { kind: "extra", key: { id: { S: "item-new" } } },
    ],
  });
});
