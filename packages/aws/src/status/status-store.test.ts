import { GetItemCommand } from "@aws-sdk/client-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import type { BackupPlan } from "@ferry/core/events/events";
import type { StatusStore } from "@ferry/core/ports";
import { newTaskRow, type SegmentRecord, stateOf, type TaskRow } from "@ferry/core/projection/status";
import { anyString } from "@ferry/core/testing/any-string";
import { announcements, pipes, tables } from "@ferry/core/topology";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTable, rawClient, startDynamoDb } from "../testing/dynamodb.ts";
import type { Listening } from "../testing/stub-server.ts";
import { itemOfRecord, itemOfRow, recordOfItem, rowOfItem } from "./status-item.ts";
import { statusReader, statusStore } from "./status-store.ts";

const names = { backup: "backups", restore: "restores", segment: "segments" } as const;

const plan: BackupPlan = {
  request: {
    action: "backup",
    "table-region": "eu-west-1",
    "table-name": "orders",
    "bucket-region": "us-east-1",
    "bucket-name": "archive",
    "bucket-prefix": 'it\'s {a} "quoted" prefix/\\ é\u2028',
  },
  task: { id: "k@1", action: "backup", key: "k", timestamp: 1, "request-id": "r" },
  "total-segments": 4,
  "batch-bytes": 33_554_432,
  "compression-level": 6,
  table: { arn: "arn:aws:dynamodb:eu-west-1:123456789012:table/orders", keys: ["pk", "sk"] },
  started: "2026-11-01T02:00:00.123Z",
};

const ownNames = fc.constantFrom(
  "key",
  "timestamp",
  "action",
  "state",
  "rev",
  "plan",
  "completed",
  "total-segments",
  "request-fields",
  "request-rest",
  "__proto__",
  "constructor",
  "",
);
const finite = fc
  .double({ noNaN: true, noDefaultInfinity: true })
  .map((value) => (Object.is(value, -0) ? 0 : value));
const text = fc.oneof(anyString(0, { maxLength: 30 }), fc.constantFrom("", "\ud800", '"\\\u0000\u2028'));
const request = fc
  .uniqueArray(
    fc.tuple(
      fc.oneof(
        ownNames,
        fc.string({ maxLength: 12 }),
        fc.constantFrom("table-name", "bucket-prefix", "x".repeat(300), "\ud800"),
      ),
      fc.oneof(text, finite, fc.integer(), fc.maxSafeInteger(), fc.boolean()),
    ),
    { selector: ([name]) => name, maxLength: 10 },
  )
  .map((fields) => Object.fromEntries(fields) as Record<string, string | number | boolean>);
const segments = fc.dictionary(fc.nat(1000).map(String), fc.integer({ min: 1, max: 9 }), {
  noNullPrototype: true,
});
const time = fc.constantFrom("2026-11-01T02:00:00Z", "2026-11-02T02:00:00Z");

const anyRow: fc.Arbitrary<TaskRow> = fc.record(
  {
    action: fc.constantFrom("backup", "restore"),
    key: fc.string({ minLength: 1, maxLength: 40 }),
    timestamp: fc.integer({ min: 0, max: 9e12 }),
    "request-id": fc.string({ minLength: 1 }),
    rev: fc.nat(),
    reannounce: fc.constant(true as const),
    request,
    plan: fc.constant(plan),
    accepted: fc.boolean(),
    rejected: fc.boolean(),
    finished: fc.boolean(),
    attempt: fc.nat(9),
    cancelledAttempt: fc.nat(9),
    failedStepAttempt: fc.nat(9),
    total: fc.nat(1000),
    completed: fc.uniqueArray(fc.nat(1000), { maxLength: 50 }).map((all) => all.sort((a, b) => a - b)),
    failed: segments,
    attempts: segments,
    segmentCheckpoints: fc.dictionary(
      fc.nat(1000).map(String),
      fc
        .tuple(
          fc.record({ batches: fc.nat(), items: fc.nat(), bytes: fc.nat() }, { noNullPrototype: true }),
          fc.option(
            fc.record(
              { file: fc.nat(), line: fc.nat(), skipped: fc.nat(), matched: fc.nat() },
              { requiredKeys: ["file", "line"], noNullPrototype: true },
            ),
          ),
        )
        .map(([counts, cursor]) => ({ ...counts, ...cursor })),
      { noNullPrototype: true },
    ),
    batches: fc.nat(),
    items: fc.nat(1e15),
    bytes: fc.nat(1e15),
    skipped: fc.nat(1e15),
    matched: fc.nat(1e15),
    reasons: fc.array(
      fc.record(
        {
          attempt: fc.nat(9),
          segment: fc.nat(1000),
          cause: text.filter((t) => t.isWellFormed()),
          text: text.filter((t) => t.isWellFormed()),
        },
        { requiredKeys: ["attempt", "cause", "text"], noNullPrototype: true },
      ),
      { maxLength: 10 },
    ),
    acceptedTime: time,
    finishedTime: time,
    updatedTime: time,
  },
  {
    requiredKeys: [
      "action",
      "key",
      "timestamp",
      "rev",
      "request",
      "accepted",
      "rejected",
      "finished",
      "attempt",
      "cancelledAttempt",
      "failedStepAttempt",
      "total",
      "skipped",
      "matched",
      "completed",
      "failed",
      "attempts",
      "segmentCheckpoints",
      "batches",
      "items",
      "bytes",
      "reasons",
      "updatedTime",
    ],
    noNullPrototype: true,
  },
);

/** A backup skips nothing. */
const rowArbitrary = anyRow.map((row): TaskRow => {
  if (row.action === "restore") return row;
  const parts = Object.entries(row.segmentCheckpoints).map(([segment, { skipped: _, ...part }]) => [
    segment,
    part,
  ]);
  return { ...row, skipped: 0, segmentCheckpoints: Object.fromEntries(parts) };
});

function rowWith(fields: Partial<TaskRow>): TaskRow {
  const task = { action: "backup", key: "k", timestamp: 1 } as const;
  return { ...newTaskRow(task, "2026-11-01T02:00:00Z"), rev: 1, ...fields };
}

describe("a row as an item", () => {
  it("is read as it was written", () => {
    fc.assert(
      fc.property(rowArbitrary, (row) => {
        expect(rowOfItem(itemOfRow(row))).toStrictEqual(row);
      }),
      { numRuns: 30 },
    );
  });

  it("has notes if a backup has more files than ImportTable accepts, and no such attribute otherwise", () => {
    const row = {
      ...newTaskRow({ action: "backup", key: "k", timestamp: 1 }, "2026-11-01T02:00:00Z"),
      batches: 50_001,
    };
    expect(unmarshall(itemOfRow(row))["notes"]).toEqual([expect.stringContaining("50001 data files")]);
    expect(unmarshall(itemOfRow({ ...row, batches: 50_000 }))["notes"]).toBeUndefined();
  });

  it("fills the Pipe's template to valid JSON", () => {
    const template = pipes["announce-backups"]!.inputTemplate!;
    fc.assert(
      fc.property(rowArbitrary, (row) => {
        // Only accepted tasks are announced: their request is valid.
        const request = { ...plan.request, "bucket-prefix": "p" } as TaskRow["request"];
        const item = itemOfRow({ ...row, accepted: true, request, "request-id": "r-1", plan, key: "k" });
        const filled = template.replace(
          /<\$\.dynamodb\.NewImage\.([a-z-]+)(?:\.([SN]))?>/g,
          (_, name, type) => {
            const value = item[name] as Record<string, string> | undefined;
            // A Pipe escapes only objects; a missing value is empty.
            return type === undefined ? JSON.stringify(value) : (value?.[type] ?? "");
          },
        );
        const announcement = JSON.parse(filled);
        expect(announcement.plan).toEqual({ S: JSON.stringify(plan) });
        expect(announcement.state).toBe(stateOf({ ...row, accepted: true }));
        expect(announcement.reason.length).toBeLessThanOrEqual(2000);
      }),
      { numRuns: 30 },
    );
  });

  it("has an announcement only in the states that the topology announces", () => {
    const done = { accepted: true, total: 1, completed: [0] };
    const rows = [
      rowWith({}),
      rowWith({ rejected: true }),
      rowWith({ accepted: true, total: 1 }),
      rowWith({ accepted: true, total: 1, cancelledAttempt: 1 }),
      rowWith(done),
      rowWith({ ...done, finished: true }),
      rowWith({ accepted: true, total: 1, failed: { 0: 1 } }),
      rowWith({ accepted: true, total: 1, failed: { 0: 1 }, cancelledAttempt: 1 }),
    ];
    const announced = rows.map((row) => itemOfRow(row)["announcement"]?.S);
    const name = (row: TaskRow) => (announcements as Record<string, string | undefined>)[stateOf(row)];
    expect(announced).toEqual(rows.map(name));
    expect(new Set(announced.filter(Boolean)).size).toBe(Object.keys(announcements).length);
  });

  it("has the attributes that operators read", () => {
    const item = unmarshall(
      itemOfRow(
        rowWith({
          "request-id": "r",
          request: { action: "backup", "table-name": "orders", "total-segments": 4 },
          accepted: true,
          attempt: 2,
          total: 5,
          completed: [0, 3],
          failed: { 1: 2, 2: 1 },
          attempts: { 1: 2 },
          batches: 7,
          items: 70,
          bytes: 700,
          reasons: [{ attempt: 2, segment: 1, cause: "c", text: 'a "b"\\\n\u0000c' }],
          acceptedTime: "2026-11-01T02:00:00Z",
        }),
      ),
    );
    expect(item).toMatchObject({
      action: "backup",
      "request-id": "r",
      "table-name": "orders",
      state: "running",
      "total-segments": 5,
      "completed-segments": 2,
      "failed-segments": 1,
      "transferred-batches": 7,
      "transferred-items": 70,
      "transferred-bytes": 700,
      reason: "segment 1: a 'b'/ c",
      reasons: ['segment 1: a "b"\\\n\u0000c'],
      "accepted-time": "2026-11-01T02:00:00Z",
      plan: null,
    });
    expect(item["completed"]).toEqual(new Set([0, 3]));
  });
});

describe("a row that another system changed", () => {
  const item = itemOfRow(rowWith({ key: "k", timestamp: 5, accepted: true, plan }));
  const changed = (fields: Record<string, unknown>) => () => rowOfItem({ ...item, ...marshall(fields) });

  it.each([
    [{ plan: "{}" }, "row.plan.request is required but missing"],
    [{ plan: "not JSON" }, "row.plan "],
    [{ plan: JSON.stringify({ ...plan, "total-segments": "4" }) }, "row.plan.total-segments must be number"],
    [{ "total-segments": "4" }, 'row.total-segments must be number: got "4"'],
    [{ "segment-checkpoints": { 0: [1, 2] } }, "row.segment-checkpoints.0 must be >=3"],
    [{ "request-rest": "[[]]" }, "row.request-rest must be an object of strings, numbers and booleans"],
  ])("with %j gives a transient error that names the row and the attribute", (fields, message) => {
    expect(changed(fields)).toThrow(
      expect.objectContaining({
        kind: "transient",
        code: "malformed-row",
        resource: "row k@5",
        message: expect.stringContaining(message),
      }),
    );
  });
});

describe("a reason that was truncated inside a character", () => {
  it("is stored as well-formed text, which DynamoDB accepts", () => {
    const row = rowWith({ rejected: true, reasons: [{ attempt: 1, cause: "c", text: "cut \ud83d" }] });
    const record: SegmentRecord = {
      task: "t",
      segment: 0,
      state: "failed",
      attempt: 1,
      batches: 0,
      items: 0,
      bytes: 0,
      reason: "cut \ud83d",
      updatedTime: "2026-11-01T02:00:00Z",
    };
    for (const item of [itemOfRow(row), itemOfRecord(record)])
      expect(JSON.stringify(item)).not.toContain("\\ud83d");
    expect(rowOfItem(itemOfRow(row)).reasons[0]?.text).toBe("cut \ufffd");
  });
});

describe("the status tables on a DynamoDB engine", () => {
  let engine: Listening;
  let store: StatusStore;
  let made = 0;

  beforeAll(async () => {
    engine = await startDynamoDb();
    const client = rawClient(engine.endpoint);
    for (const [table, name] of [
      ["backup-table", names.backup],
      ["restore-table", names.restore],
      ["segment-table", names.segment],
    ] as const) {
      const { hash, range } = tables[table];
      await createTable(client, name, { [hash.name]: hash.type, [range.name]: range.type });
    }
    store = statusStore(client, names);
  });
  afterAll(() => engine.close());

  async function recordAt(task: string, segment: number): Promise<SegmentRecord | undefined> {
    const Key = { task: { S: task }, segment: { N: String(segment) } };
    const { Item } = await rawClient(engine.endpoint).send(
      new GetItemCommand({ TableName: names.segment, Key }),
    );
    return Item && recordOfItem(Item);
  }

  it("given any row, it is read as it was written", async () => {
    await fc.assert(
      fc.asyncProperty(rowArbitrary, async (some) => {
        const row = { ...some, key: `key-${made++}` };
        expect(await store.write(row, undefined)).toBe(true);
        expect(await store.read(row)).toStrictEqual(row);
      }),
      { numRuns: 30 },
    );
  });

  it("given 1,000 segments, the row is read as it was written", async () => {
    const all = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [i, 3]));
    const completed = Array.from({ length: 1000 }, (_, i) => i);
    const row = rowWith({ key: "large", total: 1000, failed: all, attempts: all, completed, plan });
    await store.write(row, undefined);
    expect(await store.read(row)).toStrictEqual(row);
  });

  it("a row is written only by a writer that read its latest revision", async () => {
    const row = rowWith({ key: "revised", request: { rev: 7 } });
    expect(await store.write(row, 1)).toBe(false);
    expect(await store.write(row, undefined)).toBe(true);
    expect(await store.write(row, undefined)).toBe(false);
    expect(await store.write({ ...row, rev: 8 }, 7)).toBe(false);
    expect(await store.write({ ...row, rev: 2, items: 5 }, 1)).toBe(true);
    expect(await store.write({ ...row, rev: 2 }, 1)).toBe(false);
    expect(await store.read(row)).toMatchObject({ rev: 2, items: 5 });
  });

  it("given another action, key or timestamp, read returns undefined", async () => {
    const row = rowWith({ key: "alone" });
    await store.write(row, undefined);
    expect(await store.read({ ...row, action: "restore" })).toBeUndefined();
    expect(await store.read({ ...row, timestamp: 2 })).toBeUndefined();
    expect(await store.read({ ...row, key: "alon" })).toBeUndefined();
  });

  it("given records in any order, the one with the highest rank is kept unchanged", async () => {
    const task = "t@1";
    const base = {
      task,
      segment: 3,
      items: 1,
      bytes: 1,
      batches: 1,
      updatedTime: "2026-11-01T02:00:00Z",
    } as const;
    const failed: SegmentRecord = { ...base, state: "failed", attempt: 1, reason: "gone" };
    const again: SegmentRecord = { ...base, state: "running", attempt: 2 };
    for (const record of [failed, again, failed]) await store.raise(record);
    await store.raise({ ...again, updatedTime: "2026-11-03T02:00:00Z" });
    expect(await recordAt(task, 3)).toStrictEqual(again);
    expect(recordOfItem(itemOfRecord(failed))).toStrictEqual(failed);
  });

  it("given a missing table, the error names it", async () => {
    const withoutTable = statusStore(rawClient(engine.endpoint), { ...names, backup: "nowhere" });
    const error = { kind: "permanent", code: "no-such-table", resource: expect.stringContaining("nowhere") };
    await expect(withoutTable.read(rowWith({}))).rejects.toMatchObject({ ...error, operation: "GetItem" });
    await expect(withoutTable.write(rowWith({}), undefined)).rejects.toMatchObject({
      ...error,
      operation: "PutItem",
    });
  });

  it("given a task whose table is not linked, the reader's error names the table", async () => {
    const reader = statusReader(rawClient(engine.endpoint), { backup: names.backup });
    await expect(reader.read(rowWith({ action: "restore" }))).rejects.toThrow("restore-table");
  });
});
