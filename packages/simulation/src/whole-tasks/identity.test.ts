/**
 * Two different requests are never one task: each has its own row, with any request-ids.
 */
import { seeded } from "@ferry/core/hash";
import { stateOf, type TaskRow } from "@ferry/core/projection/status";
import { identify } from "@ferry/core/request/task";
import { memoryTables } from "@ferry/memory/tables";
import { backupRequest, bucket, destination, restoreRequest, source } from "@ferry/memory/testing/tasks";
import { describe, expect, test } from "vitest";
import { numberedItems, type Pick, type SmallCloud, shuffled, smallCloud } from "../testing/small-cloud.ts";

const ITEMS = 60;
const other = { region: destination.region, name: "copies-two" };
const backup = { ...backupRequest, "total-segments": 3, "batch-bytes": 500 };
const restoreInto = (table: { name: string }) => ({
  ...restoreRequest,
  "table-name": table.name,
  "total-segments": 3,
});

/** A cloud with an archive, and two empty tables as destinations. */
async function withArchive(): Promise<SmallCloud> {
  const cloud = smallCloud();
  cloud.ports.tables.create(other, { keys: [{ name: "id", type: "S" }] });
  cloud.ports.tables.put(source, ...numberedItems(ITEMS));
  cloud.put("TaskRequested", { request: backup, "request-id": "nightly" });
  await cloud.run();
  cloud.ports.clock.advance(3_600_000);
  return cloud;
}

/** Picks all requests first, so that each is planned before any row is written; then any message. */
function plansFirst(seed: number): Pick {
  const rest = shuffled(seeded(seed));
  return (waiting) => {
    const request = waiting.findIndex(({ message }) => message.event["detail-type"] === "TaskRequested");
    return request >= 0 ? request : rest(waiting);
  };
}

const countIn = (cloud: SmallCloud, table: typeof other) => cloud.ports.tables.items(table).length;
const causes = (rows: readonly TaskRow[]) => rows.flatMap(({ reasons }) => reasons.map(({ cause }) => cause));
const ends = (cloud: SmallCloud, after: number) =>
  cloud.events
    .slice(after)
    .map((event) => event["detail-type"])
    .filter((type) => /^Task(Succeeded|Failed|Cancelled|Rejected)$/.test(type))
    .sort();

/** Request-ids with which the requests choose the same slot of their second. */
function colliding(requests: readonly object[]): string[] {
  const slotOf = (request: object, id: string) =>
    Number.parseInt(identify({ request, "request-id": id }, { id, time: "" }).digest.slice(0, 8), 16) % 1000;
  const first = slotOf(requests[0]!, "id-0");
  return requests.map((request, i) => {
    for (let n = i === 0 ? 0 : 1; ; n++) if (slotOf(request, `id-${n}`) === first) return `id-${n}`;
  });
}

describe.each([1, 2, 3, 4])("in order %i", (seed) => {
  test("given one request-id for restores of one archive into two tables, one is restored and the other rejected", async () => {
    const cloud = await withArchive();
    const before = cloud.events.length;
    for (const table of [destination, other])
      cloud.put("TaskRequested", { request: restoreInto(table), "request-id": "drill-42" });
    await cloud.run({ pick: plansFirst(seed) });
    expect(countIn(cloud, destination)).toBe(ITEMS);
    expect(countIn(cloud, other)).toBe(0);
    const rows = cloud.rows("restore");
    expect(rows.map(stateOf).sort()).toEqual(["rejected", "succeeded"]);
    expect(causes(rows)).toEqual(["request-id-reused"]);
    expect(rows.find((row) => row.rejected)?.reasons[0]?.text).toContain("drill-42");
    expect(ends(cloud, before)).toEqual(["TaskRejected", "TaskSucceeded"]);
    expect(cloud.deadLetters).toEqual([]);
  });

  test("given one request-id for backups to two prefixes, one is made and the other rejected", async () => {
    const cloud = smallCloud();
    cloud.ports.tables.put(source, ...numberedItems(ITEMS));
    for (const prefix of ["backups/x", "backups/y"])
      cloud.put("TaskRequested", {
        request: { ...backup, "bucket-prefix": prefix },
        "request-id": "nightly",
      });
    await cloud.run({ pick: plansFirst(seed) });
    expect(cloud.rows("backup").map(stateOf).sort()).toEqual(["rejected", "succeeded"]);
    expect(causes(cloud.rows("backup"))).toEqual(["request-id-reused"]);
    expect(cloud.ports.archive.keys(bucket).filter((key) => key.startsWith("backups/y"))).toEqual([]);
    expect(cloud.deadLetters).toEqual([]);
  });

  test("given two restores of one second whose request-ids choose one row, each is restored and has its own row", async () => {
    const cloud = await withArchive();
    const before = cloud.events.length;
    const requests = [destination, other].map(restoreInto);
    const ids = colliding(requests);
    for (const [i, request] of requests.entries())
      cloud.put("TaskRequested", { request, "request-id": ids[i] });
    await cloud.run({ pick: plansFirst(seed) });
    expect([countIn(cloud, destination), countIn(cloud, other)]).toEqual([ITEMS, ITEMS]);
    expect(cloud.rows("restore")).toMatchObject([
      { finished: true, items: ITEMS },
      { finished: true, items: ITEMS },
    ]);
    expect(ends(cloud, before)).toEqual(["TaskSucceeded", "TaskSucceeded"]);
    expect(cloud.deadLetters).toEqual([]);
  });

  test("given two backups of one second whose request-ids choose one row, each is made", async () => {
    const cloud = smallCloud();
    cloud.ports.tables.put(source, ...numberedItems(ITEMS));
    const requests = ["backups/x", "backups/y"].map((prefix) => ({ ...backup, "bucket-prefix": prefix }));
    const ids = colliding(requests);
    for (const [i, request] of requests.entries())
      cloud.put("TaskRequested", { request, "request-id": ids[i] });
    await cloud.run({ pick: plansFirst(seed) });
    expect(cloud.rows("backup").map(({ items, finished }) => [items, finished])).toEqual([
      [ITEMS, true],
      [ITEMS, true],
    ]);
    expect(cloud.deadLetters).toEqual([]);
  });

  test("given a request that is delivered again at any time, there is one task", async () => {
    const cloud = smallCloud();
    cloud.ports.tables.put(source, ...numberedItems(ITEMS));
    const event = cloud.put("TaskRequested", { request: backup, "request-id": "nightly" });
    const random = seeded(seed);
    const pick = shuffled(random);
    let deliveries = 0;
    await cloud.run({
      pick(waiting) {
        if (deliveries < 5 && random() < 0.2) {
          deliveries++;
          cloud.deliver(event);
        }
        return pick(waiting);
      },
    });
    expect(cloud.rows("backup")).toMatchObject([{ finished: true, items: ITEMS, attempt: 1 }]);
    expect(ends(cloud, 0)).toEqual(["TaskSucceeded"]);
  });
});

const putRequest = (cloud: SmallCloud, request: object, id = "nightly") =>
  cloud.put("TaskRequested", { request, "request-id": id });
const dated = { ...backup, "bucket-prefix": "backups/{date}T{time}" };

test("given a request that is repeated within minutes, there is one task with the time of the first", async () => {
  const cloud = smallCloud();
  cloud.ports.tables.put(source, ...numberedItems(ITEMS));
  putRequest(cloud, dated);
  cloud.ports.clock.advance(60_000);
  putRequest(cloud, dated);
  await cloud.run();
  cloud.ports.clock.advance(60_000);
  putRequest(cloud, dated);
  await cloud.run();
  expect(cloud.rows("backup")).toMatchObject([
    { finished: true, request: { "bucket-prefix": "backups/2026-11-01T02-00-00" } },
  ]);
});

test("given a request that is repeated a day later under its request-id, the second is rejected", async () => {
  const cloud = smallCloud();
  putRequest(cloud, dated);
  await cloud.run();
  cloud.ports.clock.advance(24 * 3_600_000);
  const again = putRequest(cloud, dated);
  cloud.deliver(again);
  await cloud.run();
  const rows = cloud.rows("backup");
  expect(rows.map(stateOf)).toEqual(["succeeded", "rejected"]);
  expect(rows[1]?.reasons).toMatchObject([
    { cause: "request-id-reused", text: expect.stringContaining("2026-11-01T02:00:00") },
  ]);
});

test("given a request that was rejected as malformed, the corrected one is accepted under its request-id", async () => {
  const cloud = smallCloud();
  putRequest(cloud, { ...backup, "total-segments": "three" });
  await cloud.run();
  putRequest(cloud, backup);
  await cloud.run();
  expect(cloud.rows("backup").map(stateOf)).toEqual(["rejected", "succeeded"]);
});

test("given requests that no worker can process, each is rejected in its own row", async () => {
  const down = () => Promise.reject(new Error("no connection"));
  const broken = smallCloud({ tables: { ...memoryTables(), describe: down } });
  const requests = ["backups/x", "backups/y"].map((prefix) => ({ ...backup, "bucket-prefix": prefix }));
  const ids = colliding(requests);
  const events = requests.map((request, i) => putRequest(broken, request, ids[i]));
  await broken.run();
  expect(broken.deadLetters.map(({ type }) => type)).toEqual(["TaskRequested", "TaskRequested"]);
  expect(broken.rows("backup").map(stateOf)).toEqual(["rejected", "rejected"]);
  // Delivered again, their messages become dead letters again, and change the same rows.
  for (const event of events) broken.deliver(event);
  await broken.run();
  expect(broken.rows("backup").map((row) => row.request["bucket-prefix"])).toEqual([
    "backups/x",
    "backups/y",
  ]);
});
