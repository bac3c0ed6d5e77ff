import { stateOf } from "@ferry/core/projection/status";
import { work } from "@ferry/core/worker";
import { throttled } from "@ferry/memory/errors";
import {
  accepted,
  backupRequest,
  bucket,
  destination,
  message,
  restoreRequest,
  sliceToEnd,
  source,
  world,
} from "@ferry/memory/testing/tasks";
import { describe, expect, test } from "vitest";
import { numberedItems, smallCloud } from "../testing/small-cloud.ts";

const keys = [{ name: "id", type: "S" }] as const;
const request = { ...backupRequest, "total-segments": 4 };

/** Deletes a table, and creates it again with other items. */
function replace(cloud: ReturnType<typeof smallCloud>, table: typeof source, items: readonly string[]): void {
  cloud.ports.tables.drop(table);
  cloud.ports.tables.create(table, { keys });
  cloud.ports.tables.put(table, ...items);
}

async function backedUp() {
  const cloud = smallCloud();
  cloud.ports.tables.put(source, ...numberedItems(200));
  cloud.put("TaskRequested", { request });
  await cloud.run();
  expect(cloud.rows("backup").map(stateOf)).toEqual(["succeeded"]);
  return cloud;
}

const reasons = (row: { reasons: readonly { cause: string; text: string }[] }) => row.reasons;
const segmentIsStored = (cloud: ReturnType<typeof smallCloud>, segment: string) =>
  cloud.ports.archive.keys(bucket).some((key) => key.includes(`/${segment}/`));

describe("a table that is deleted and created again", () => {
  test("between two segments of a backup fails the backup with a reason that names both ids", async () => {
    const cloud = smallCloud();
    cloud.ports.tables.put(source, ...numberedItems(200, "old table"));
    const old = await cloud.ports.tables.identify(source);
    cloud.put("TaskRequested", { request });
    await cloud.run({ until: () => segmentIsStored(cloud, "0x0001") });
    replace(cloud, source, numberedItems(200, "new table"));
    await cloud.run();
    const [row] = cloud.rows("backup");
    expect(stateOf(row!)).toBe("failed");
    const replaced = reasons(row!).filter(({ cause }) => cause === "table-replaced");
    expect(replaced).not.toEqual([]);
    expect(replaced[0]!.text).toContain(`id ${old}`);
    expect(replaced[0]!.text).toContain(`id ${await cloud.ports.tables.identify(source)}`);
  });

  test("during the last read of a segment fails the segment, although its file is stored", async () => {
    const cloud = smallCloud();
    cloud.ports.tables.put(source, ...numberedItems(20));
    const { scan } = cloud.ports.tables;
    let scans = 0;
    cloud.ports.tables.scan = async (page) => {
      if (++scans === 1) replace(cloud, source, numberedItems(20, "new table"));
      return scan(page);
    };
    cloud.put("TaskRequested", { request: { ...request, "total-segments": 1 } });
    await cloud.run();
    expect(segmentIsStored(cloud, "0x0000")).toBe(true);
    const [row] = cloud.rows("backup");
    expect([stateOf(row!), reasons(row!)[0]?.cause]).toEqual(["failed", "table-replaced"]);
    cloud.put("TaskRetryRequested", {
      task: { action: "backup", key: row!.key, timestamp: row!.timestamp },
      attempt: 1,
    });
    await cloud.run();
    const [retried] = cloud.rows("backup");
    expect([stateOf(retried!), retried!.attempt, reasons(retried!)[0]?.cause]).toEqual([
      "failed",
      2,
      "table-replaced",
    ]);
  });

  test("given a complete segment whose table id cannot be read, continues before the segment's end", async () => {
    const ports = world();
    ports.tables.put(source, ...numberedItems(20));
    const [segment] = await accepted({ ...request, "total-segments": 1 }, ports);
    await sliceToEnd(segment!, ports);
    const { identify } = ports.tables;
    ports.tables.identify = () => Promise.reject(throttled("DescribeTable", "table cities"));
    const [event] = await work(message("SegmentQueued", segment), ports);
    expect(event).toMatchObject({ type: "SegmentProgressed", detail: { cursor: { batch: 0 } } });
    ports.tables.identify = identify;
    expect(await work(message("SegmentProgressed", event!.detail), ports)).toMatchObject([
      { type: "SegmentCompleted", detail: { counts: { items: 20 } } },
    ]);
  });

  test("after a backup's last segment is complete does not fail it, because all its items were read before", async () => {
    const cloud = smallCloud();
    cloud.ports.tables.put(source, ...numberedItems(200));
    cloud.put("TaskRequested", { request });
    await cloud.run({ until: () => cloud.rows("backup").some((row) => stateOf(row) === "finishing") });
    cloud.ports.tables.drop(source);
    await cloud.run();
    expect(cloud.rows("backup").map(stateOf)).toEqual(["succeeded"]);
  });

  test("between two segments of a restore fails the restore", async () => {
    const cloud = await backedUp();
    cloud.put("TaskRequested", { request: { ...restoreRequest, "total-segments": 4 } });
    await cloud.run({ until: () => cloud.ports.tables.items(destination).length >= 50 });
    replace(cloud, destination, []);
    await cloud.run();
    const [row] = cloud.rows("restore");
    expect([stateOf(row!), reasons(row!)[0]?.cause]).toEqual(["failed", "table-replaced"]);
    expect(cloud.ports.tables.items(destination)).toEqual([]);
  });

  test("after a restore's last segment is complete fails the restore", async () => {
    const cloud = await backedUp();
    cloud.put("TaskRequested", { request: restoreRequest });
    await cloud.run({ until: () => cloud.rows("restore").some((row) => stateOf(row) === "finishing") });
    replace(cloud, destination, []);
    await cloud.run();
    const [row] = cloud.rows("restore");
    expect([stateOf(row!), reasons(row!)[0]?.cause]).toEqual(["failed", "table-replaced"]);
  });
});
