import { describe, expect, test } from "vitest";
import type { BackupPlan } from "../events.ts";
import { accepted, backupRequest, bucket, message, request, source, world } from "../testing/tasks.ts";
import { work } from "../worker.ts";

const GIB = 1024 ** 3;
const keys = [{ name: "id", type: "S" }] as const;
const planOf = async (asked: object, ports = world()) =>
  (await accepted({ ...backupRequest, ...asked }, ports))[0]!.plan as BackupPlan;

describe("a backup's plan", () => {
  test("has one segment per 4 GiB of the table, at most 64, unless the request says otherwise", async () => {
    for (const [sizeBytes, segments] of [
      [0, 1],
      [9 * GIB, 3],
      [9000 * GIB, 64],
    ] as const) {
      const ports = world();
      ports.tables.create(source, { keys, sizeBytes });
      expect((await planOf({}, ports))["total-segments"]).toBe(segments);
    }
    expect((await planOf({ "total-segments": 7 }))["total-segments"]).toBe(7);
  });

  test("raises batch-bytes so that a large table stays under ImportTable's 50,000 files", async () => {
    const ports = world();
    ports.tables.create(source, { keys, sizeBytes: 2000 * GIB });
    const plan = await planOf({ "batch-bytes": 1024 }, ports);
    expect((2000 * GIB) / plan["batch-bytes"]).toBeLessThan(50_000);
  });

  test("takes half of what a provisioned table has, whatever its segments", async () => {
    const ports = world();
    ports.tables.create(source, { keys, provisioned: { readUnits: 100, writeUnits: 7 } });
    expect((await planOf({ "total-segments": 10 }, ports))["read-units"]).toBe(50);
    expect((await planOf({ "total-segments": 10, "read-units": 20 }))["read-units"]).toBe(20);
  });

  test("is in task.json, which a redelivered request takes it from, even if the table has grown", async () => {
    const ports = world();
    ports.tables.create(source, { keys, sizeBytes: GIB });
    const [first] = await request(backupRequest, ports);
    ports.tables.create(source, { keys, sizeBytes: 40 * GIB });
    const [again] = await request(backupRequest, ports);
    expect(again).toEqual(first);
    expect(ports.archive.keys(bucket)).toEqual(["backups/one/table.json", "backups/one/task.json"]);
  });

  test("of two at once is one plan", async () => {
    const ports = world();
    const [a, b] = await Promise.all([request(backupRequest, ports), request(backupRequest, ports)]);
    expect(a).toEqual(b);
  });
});

describe("a backup is refused, with the reason and what to do", () => {
  const rejected = (cause: string, error: object = {}) => [
    { type: "TaskRejected", detail: { cause, error } },
  ];

  test("to a prefix where another request writes", async () => {
    const ports = world();
    await request(backupRequest, ports, "request-1");
    expect(await request(backupRequest, ports, "request-2")).toMatchObject(
      rejected("prefix-taken", { message: expect.stringContaining("us-east-1-cities@") }),
    );
  });

  test.each([
    "0x0000/0x00000000.json.gz",
    "manifest-summary.json",
    "manifest-files.json",
    "table.json",
    "task.json",
  ])("to a prefix with another program's %s", async (name) => {
    const ports = world();
    ports.archive.plant(bucket, `backups/one/${name}`, new Uint8Array(3));
    expect(await request(backupRequest, ports)).toMatchObject(rejected("prefix-taken"));
    expect(ports.archive.keys(bucket)).toEqual([`backups/one/${name}`]);
  });

  test("beside another archive, not below it, it is not refused", async () => {
    const ports = world();
    ports.archive.plant(bucket, "backups/one-more/task.json", new Uint8Array(3));
    ports.archive.plant(bucket, "backups/one/nested/task.json", new Uint8Array(3));
    expect(await request(backupRequest, ports)).toMatchObject([{ type: "TaskAccepted" }]);
  });

  test("of a table that is not there", async () => {
    const ports = world();
    ports.tables.drop(source);
    expect(await request(backupRequest, ports)).toMatchObject(
      rejected("no-such-table", { operation: "DescribeTable", hint: expect.any(String), retryable: false }),
    );
  });

  test("to a bucket that is not there", async () => {
    expect(await request({ ...backupRequest, "bucket-name": "nowhere" }, world())).toMatchObject(
      rejected("no-such-bucket"),
    );
  });

  test("when it is huge and wrong all over, in an event that the bus takes", async () => {
    const fields = Object.fromEntries(Array.from({ length: 30_000 }, (_, n) => [`field-number-${n}`, 1]));
    const huge = { ...fields, blob: "x".repeat(300_000), ...backupRequest };
    const [event] = await request(huge, world());
    expect(event).toMatchObject({
      type: "TaskRejected",
      detail: {
        cause: "invalid-request",
        error: { message: expect.stringContaining("and 29901 more"), issues: expect.any(Array) },
        work: { request: backupRequest, "request-id": "request-1" },
      },
    });
    expect(JSON.stringify(event).length).toBeLessThan(500_000);
  });

  test("when its request-id was used before by another request: its own backup was never made", async () => {
    const ports = world();
    const asked = (time: string) => {
      const one = message(
        "TaskRequested",
        { request: backupRequest, "request-id": "nightly" },
        "TaskRejected",
      );
      return work({ ...one, event: { ...one.event, time } }, ports);
    };
    expect(await asked("2026-11-01T02:00:00Z")).toMatchObject([{ type: "TaskAccepted" }]);
    expect(await asked("2026-11-02T02:00:00Z")).toMatchObject(rejected("prefix-taken"));
    expect(await asked("2026-11-01T02:00:00Z")).toMatchObject([{ type: "TaskAccepted" }]);
  });

  test("when it is malformed, with every issue", async () => {
    const [event] = await request({ ...backupRequest, "table-name": 5, extra: 1 }, world());
    expect(event).toMatchObject({
      type: "TaskRejected",
      detail: {
        cause: "invalid-request",
        step: "TaskRequested",
        error: { issues: [{ field: "table-name" }, { field: "extra" }] },
        "event-id": "event-1",
      },
    });
  });
});
