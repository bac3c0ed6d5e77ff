import { intercept } from "@ferry/memory/intercept";
import {
  accepted,
  backupRequest,
  bucket,
  message,
  request,
  source,
  world,
} from "@ferry/memory/testing/tasks";
import { describe, expect, test } from "vitest";
import type { BackupPlan } from "../events/events.ts";
import { newTaskRow } from "../projection/status.ts";
import { defaultSettings } from "../settings/settings.ts";
import { work } from "../worker.ts";

const GIB = 1024 ** 3;
const keys = [{ name: "id", type: "S" }] as const;
const planOf = async (fields: object, ports = world()) =>
  (await accepted({ ...backupRequest, ...fields }, ports))[0]!.plan as BackupPlan;

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

  test.each([
    ["of 1 MiB", 1024 ** 2, 500, 1024 ** 2],
    ["of 1 MiB", 1024 ** 2, 2 * 1024 ** 2, 2 * 1024 ** 2],
    ["that is smaller", 1024 ** 2 - 1, 500, 500],
  ])("of a table %s, %i bytes, plans files of %i bytes as %i", async (_, sizeBytes, requested, planned) => {
    const ports = world();
    ports.tables.create(source, { keys, sizeBytes });
    expect((await planOf({ "batch-bytes": requested }, ports))["batch-bytes"]).toBe(planned);
  });

  test("raises batch-bytes by the size of lines, which is larger than what DynamoDB counts", async () => {
    const line = '{"Item":{"id":{"S":"1"}}}\n';
    const ports = world();
    // DynamoDB counts 3 bytes an item.
    const itemCount = 60_000_000_000;
    ports.tables.put(source, line.slice(8, -2));
    const describe = async () => ({
      ...(await ports.tables.describe(source)),
      sizeBytes: 3 * itemCount,
      itemCount,
    });
    const plan = await planOf({}, { ...ports, tables: { ...ports.tables, describe } });
    const files = (line.length * itemCount) / plan["batch-bytes"];
    expect(files).toBeLessThan(46_000);
    expect(files).toBeGreaterThan(44_000);
  });

  test("reads items only of a table that may have more than 50,000 files", async () => {
    const scansOf = async (sizeBytes: number) => {
      const ports = world();
      ports.tables.create(source, { keys, sizeBytes });
      let scans = 0;
      const tables = intercept("table", ports.tables, ["scan"], (_, run) => {
        scans++;
        return run();
      });
      await planOf({}, { ...ports, tables: { ...ports.tables, scan: tables.scan } });
      return scans;
    };
    expect(await scansOf(80 * GIB)).toBe(0);
    expect(await scansOf(100 * GIB)).toBe(1);
  });

  test("has half of a provisioned table's capacity as ceiling, with any number of segments", async () => {
    const ports = world();
    ports.tables.create(source, { keys, provisioned: { readUnits: 100, writeUnits: 7 } });
    expect((await planOf({ "total-segments": 10 }, ports))["read-units"]).toBe(50);
    expect((await planOf({ "total-segments": 10, "read-units": 20 }))["read-units"]).toBe(20);
  });

  test("is stored in task.json, from which a redelivered request reads it even if the table has grown", async () => {
    const ports = world();
    ports.tables.create(source, { keys, sizeBytes: GIB });
    const [first] = await request(backupRequest, ports);
    ports.tables.create(source, { keys, sizeBytes: 40 * GIB });
    const [again] = await request(backupRequest, ports);
    expect(again).toEqual(first);
    expect(ports.archive.keys(bucket)).toEqual(["backups/one/table.json", "backups/one/task.json"]);
  });

  test("is the same for two concurrent deliveries of a request", async () => {
    const ports = world();
    const [a, b] = await Promise.all([request(backupRequest, ports), request(backupRequest, ports)]);
    expect(a).toEqual(b);
  });
});

describe("a backup is rejected with the reason and a hint", () => {
  const rejected = (cause: string, error: object = {}) => [
    { type: "TaskRejected", detail: { cause, error } },
  ];

  test("to a prefix of another request", async () => {
    const ports = world();
    await request(backupRequest, ports, "request-1");
    expect(await request(backupRequest, ports, "another")).toMatchObject(
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
    ports.archive.store(bucket, `backups/one/${name}`, new Uint8Array(3));
    expect(await request(backupRequest, ports)).toMatchObject(rejected("prefix-taken"));
    expect(ports.archive.keys(bucket)).toEqual([`backups/one/${name}`]);
  });

  test("but not if other archives are beside or below its prefix", async () => {
    const ports = world();
    ports.archive.store(bucket, "backups/one-more/task.json", new Uint8Array(3));
    ports.archive.store(bucket, "backups/one/nested/task.json", new Uint8Array(3));
    expect(await request(backupRequest, ports)).toMatchObject([{ type: "TaskAccepted" }]);
  });

  test("of a table that does not exist", async () => {
    const ports = world();
    ports.tables.drop(source);
    expect(await request(backupRequest, ports)).toMatchObject(
      rejected("no-such-table", { operation: "DescribeTable", hint: expect.any(String), retryable: false }),
    );
  });

  test("to a bucket that does not exist", async () => {
    expect(await request({ ...backupRequest, "bucket-name": "nowhere" }, world())).toMatchObject(
      rejected("no-such-bucket"),
    );
  });

  test("if it is huge and has many invalid fields, in an event that the bus accepts", async () => {
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

  test("if its request-id was used before by another request", async () => {
    const ports = world();
    const fields = (time: string) => {
      const one = message(
        "TaskRequested",
        { request: backupRequest, "request-id": "nightly" },
        "TaskRejected",
      );
      return work({ ...one, event: { ...one.event, time } }, ports);
    };
    expect(await fields("2026-11-01T02:00:00Z")).toMatchObject([{ type: "TaskAccepted" }]);
    expect(await fields("2026-11-02T02:00:00Z")).toMatchObject(rejected("request-id-reused"));
    expect(await fields("2026-11-01T02:00:00Z")).toMatchObject([{ type: "TaskAccepted" }]);
  });

  test("if it is malformed, with every issue", async () => {
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

describe("planning a backup", () => {
  /** A world that records the options of each put. */
  function recordedPuts(plain = world()) {
    const puts: Record<string, unknown> = {};
    const archive = intercept("archive", plain.archive, ["putNew"], async ({ args }, run) => {
      puts[args[1] as string] = args[3];
      return run();
    });
    return { ports: { ...plain, archive }, puts };
  }
  const described = (change: object, ports = world()) => ({
    ...ports,
    tables: {
      ...ports.tables,
      describe: async (table: typeof source) => ({ ...(await ports.tables.describe(table)), ...change }),
    },
  });

  test("returns one event with the whole plan", async () => {
    const ports = described({ arn: "arn:cities", id: "id-1", sizeBytes: 1001, itemCount: 2 });
    const [event] = await request({ ...backupRequest, "read-units": 9, "compression-level": 3 }, ports);
    const { task } = event!.detail as { task: { timestamp: number } };
    const startedMs = Date.parse("2026-11-01T02:00:00Z");
    expect(event).toEqual({
      type: "TaskAccepted",
      detail: {
        version: 1,
        task,
        plan: {
          request: { ...backupRequest, "read-units": 9, "compression-level": 3 },
          task,
          "total-segments": 1,
          "batch-bytes": 32 * 1024 ** 2,
          compression: "gzip",
          "compression-level": 3,
          "read-units": 9,
          "item-bytes": 501,
          table: { arn: "arn:cities", keys: ["id"], id: "id-1" },
          estimate: { items: 2, bytes: 1001 },
          started: "2026-11-01T02:00:00.000Z",
        },
        attempt: 1,
        "deadline-ms": startedMs + ports.settings.taskTimeoutMs,
        segments: [0],
      },
    });
  });

  test("sets no item-bytes for a table with an item count of 0, or without a ceiling", async () => {
    expect(await planOf({ "read-units": 9 }, described({ itemCount: 0 }))).not.toHaveProperty("item-bytes");
    const plan = await planOf({}, described({ itemCount: 2, sizeBytes: 1001 }));
    expect(plan).not.toHaveProperty("read-units");
    expect(plan).not.toHaveProperty("item-bytes");
  });

  test("has DynamoDB's estimate of the table, unless that is 0 items", async () => {
    expect(await planOf({}, described({ itemCount: 2, sizeBytes: 1001 }))).toMatchObject({
      estimate: { items: 2, bytes: 1001 },
    });
    expect(await planOf({}, described({ itemCount: 0, sizeBytes: 0 }))).not.toHaveProperty("estimate");
  });

  test("sets a ceiling of at least one unit, and at most the stage's maximumSegments", async () => {
    const provisioned = { readUnits: 1, writeUnits: 1 };
    expect((await planOf({}, described({ provisioned })))["read-units"]).toBe(1);
    const settings = { ...defaultSettings, maximumSegments: 2 };
    const plan = await planOf({}, described({ sizeBytes: 100 * GIB }, world({ settings })));
    expect(plan["total-segments"]).toBe(2);
  });

  test("sets no id for a table without one", async () => {
    const plan = await planOf({}, described({ id: undefined }));
    expect(plan.table).not.toHaveProperty("id");
  });

  test.each([
    ["encrypted with the request's key", { "kms-key-id": "alias/backups" }, { kmsKeyId: "alias/backups" }],
    ["without a key", {}, {}],
  ])("puts JSON with the request-id in its metadata, %s", async (_, fields, encryption) => {
    const { ports, puts } = recordedPuts();
    await request({ ...backupRequest, ...fields }, ports);
    const options = {
      metadata: { "request-id": "request-1" },
      contentType: "application/json",
      ...encryption,
    };
    expect(puts).toEqual({ "backups/one/task.json": options, "backups/one/table.json": options });
  });

  test("returns the accepted plan of the row for the remaining segments, and puts nothing", async () => {
    const { ports, puts } = recordedPuts();
    const [segment] = await accepted(backupRequest, ports);
    const { task, plan } = segment!;
    const row = {
      ...newTaskRow(task, "2026-11-01T02:00:00Z"),
      plan,
      accepted: true,
      total: 4,
      completed: [1],
      failed: { 2: 1 },
    };
    await ports.status.write(row, undefined);
    for (const key of Object.keys(puts)) delete puts[key];
    expect(await request(backupRequest, ports)).toMatchObject([
      { type: "TaskAccepted", detail: { task, plan, attempt: 1, segments: [0, 3] } },
    ]);
    const ended = { ...row, total: 2, completed: [1], failed: { 0: 1 }, rev: 1 };
    await ports.status.write(ended, 0);
    expect(await request(backupRequest, ports)).toEqual([]);
    expect(puts).toEqual({});
  });

  test("plans the request if its row has no plan", async () => {
    const ports = world();
    const [segment] = await accepted(backupRequest, ports);
    await ports.status.write(newTaskRow(segment!.task, "2026-11-01T02:00:00Z"), undefined);
    expect(await request(backupRequest, ports)).toMatchObject([{ type: "TaskAccepted" }]);
  });
});

describe("a prefix", () => {
  const key = "backups/one/task.json";
  const taken = {
    type: "TaskRejected",
    detail: {
      cause: "prefix-taken",
      error: { operation: "use prefix", resource: "s3://archives/backups/one/" },
    },
  };

  test("that another delivery of the request claims at the same time keeps that delivery's plan", async () => {
    const ports = world();
    const first = await planOf({}, ports);
    const stored = await ports.archive.get(bucket, key);
    const other = new TextDecoder()
      .decode(stored!.body)
      .replace('"total-segments": 1', '"total-segments": 5');
    // The object is missing at the first read, and exists at the put.
    let reads = 0;
    const archive = intercept("archive", ports.archive, ["get", "list"], async ({ method }, run) => {
      if (method === "list") return [];
      if (++reads === 1) return undefined;
      return { ...((await run()) as object), body: new TextEncoder().encode(other) };
    });
    const again = await planOf({}, { ...ports, archive });
    expect(again).toEqual({ ...first, "total-segments": 5 });
  });

  test("whose task.json exists and cannot be read causes a transient error", async () => {
    const ports = world();
    await request(backupRequest, ports);
    const archive = intercept("archive", ports.archive, ["get", "list"], async ({ method }) =>
      method === "list" ? [] : undefined,
    );
    await expect(request(backupRequest, { ...ports, archive })).rejects.toThrow("exists and cannot be read");
  });

  test.each(["[]", "{", "{}", '{"task":{}}', '{"task":{"request-id":7}}'])(
    "with a task.json of %s belongs to another program",
    async (text) => {
      const ports = world();
      ports.archive.store(bucket, key, new TextEncoder().encode(text), {});
      const [event] = await request(backupRequest, ports);
      expect(event).toMatchObject(taken);
      expect(event!.detail).toMatchObject({ error: { message: expect.stringContaining("another program") } });
    },
  );

  test("of another task causes an error that names that task", async () => {
    const ports = world();
    const [segment] = await accepted(backupRequest, ports);
    const [event] = await request(backupRequest, ports, "request-2");
    expect(event).toMatchObject(taken);
    expect(event!.detail).toMatchObject({ error: { message: expect.stringContaining(segment!.task.id) } });
  });
});
