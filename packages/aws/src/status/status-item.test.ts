import { unmarshall } from "@aws-sdk/util-dynamodb";
import type { BackupPlan, RestorePlan } from "@ferry/core/events/events";
import { newTaskRow, type SegmentRecord, type TaskRow } from "@ferry/core/projection/status";
import { describe, expect, it } from "vitest";
import { itemOfRecord, itemOfRow, recordOfItem, rowOfItem } from "./status-item.ts";

const TIME = "2026-11-01T02:00:00Z";

function rowWith(fields: Partial<TaskRow> = {}): TaskRow {
  return { ...newTaskRow({ action: "restore", key: "k", timestamp: 1 }, TIME), rev: 1, ...fields };
}

/** The fields of a plan that are checked when a row is read, and those that attributes derive from. */
const plan = {
  request: { action: "restore" },
  task: { id: "t", action: "restore", key: "k", timestamp: 1, "request-id": "r" },
  "total-segments": 4,
  table: { arn: "arn", keys: ["id"] },
  manifest: { items: 120, bytes: 1200 },
} as unknown as RestorePlan;

/** A restore's row in which every attribute has a value. */
const full = rowWith({
  "task-id": "k@1",
  "request-id": "r",
  reannounce: true,
  plan,
  accepted: true,
  rejected: false,
  finished: false,
  attempt: 3,
  cancelledAttempt: 1,
  failedStepAttempt: 3,
  total: 9,
  completed: [1, 4],
  failed: { 2: 3 },
  attempts: { 2: 2 },
  segmentCheckpoints: {
    1: { batches: 1, items: 10, bytes: 100, file: 2, line: 3, skipped: 4 },
    2: { batches: 2, items: 20, bytes: 200, file: 0, line: 0 },
    3: { batches: 3, items: 30, bytes: 300 },
  },
  batches: 5,
  items: 50,
  bytes: 500,
  skipped: 6,
  settings: { tags: { outcome: "refused", reason: "denied" }, stream: { outcome: "off" } },
  reasons: [
    { attempt: 3, segment: 2, cause: "c", text: "because" },
    { attempt: 3, cause: "d", text: "also" },
  ],
  acceptedTime: "2026-11-01T02:00:01Z",
  finishedTime: "2026-11-01T02:00:02Z",
});
const fullAttributes = unmarshall(itemOfRow(full));

describe("the item of a row", () => {
  it("has these attributes", () => {
    expect(fullAttributes).toEqual({
      key: "k",
      timestamp: 1,
      action: "restore",
      "task-id": "k@1",
      "request-id": "r",
      state: "running",
      reason: expect.stringContaining("because"),
      reasons: [expect.stringContaining("because"), expect.stringContaining("also")],
      "total-segments": 9,
      "completed-segments": 2,
      "failed-segments": 1,
      "transferred-batches": 11,
      "transferred-items": 110,
      "transferred-bytes": 1100,
      "skipped-items": 10,
      "expected-items": 120,
      "expected-bytes": 1200,
      accepted: true,
      rejected: false,
      finished: false,
      settings: { tags: { outcome: "refused", reason: "denied" }, stream: { outcome: "off" } },
      notes: ["The setting tags is not reapplied (refused): denied."],
      attempt: 3,
      "cancelled-attempt": 1,
      "failed-step-attempt": 3,
      rev: 1,
      reannounce: true,
      completed: new Set([1, 4]),
      failed: { 2: 3 },
      attempts: { 2: 2 },
      "segment-checkpoints": { 1: [1, 10, 100, 2, 3, 4], 2: [2, 20, 200, 0, 0], 3: [3, 30, 300] },
      causes: [
        { attempt: 3, segment: 2, cause: "c", text: "because" },
        { attempt: 3, cause: "d", text: "also" },
      ],
      "accepted-time": "2026-11-01T02:00:01Z",
      "finished-time": "2026-11-01T02:00:02Z",
      "updated-time": TIME,
      plan: JSON.stringify(plan),
      "request-fields": [],
      announcement: fullAttributes["announcement"],
    });
    expect(rowOfItem(itemOfRow(full))).toStrictEqual(full);
  });

  it("of a row without optional values has only the attributes that are always there", () => {
    const names = Object.keys(itemOfRow(rowWith({ action: "backup" }))).sort();
    const optional = [
      ...["task-id", "request-id", "skipped-items", "reannounce", "completed", "accepted-time"],
      ...["finished-time", "announcement", "expected-items", "expected-bytes"],
      ...["settings", "notes"],
    ];
    expect(names).toEqual(
      Object.keys(fullAttributes)
        .filter((name) => !optional.includes(name))
        .sort(),
    );
    expect(unmarshall(itemOfRow(rowWith()))).toMatchObject({ reason: "", reasons: [], plan: null });
  });

  it("of a backup has DynamoDB's estimate as expected items and bytes, if its plan has one", () => {
    const { manifest: _, ...backup } = plan;
    const expectedIn = (fields: object) => {
      const row = rowWith({ plan: { ...backup, ...fields } as unknown as BackupPlan });
      const item = unmarshall(itemOfRow(row));
      return [item["expected-items"], item["expected-bytes"]];
    };
    expect(expectedIn({ estimate: { items: 7, bytes: 700 } })).toEqual([7, 700]);
    expect(expectedIn({})).toEqual([undefined, undefined]);
  });

  it("of a backup has no number of skipped items, and is read as one that skipped none", () => {
    const row = rowWith({ action: "backup", segmentCheckpoints: { 1: { batches: 1, items: 1, bytes: 1 } } });
    expect(itemOfRow(row)).not.toHaveProperty("skipped-items");
    expect(rowOfItem(itemOfRow(row))).toStrictEqual(row);
  });

  it("that lacks a field is refused, and the error names the row and the field", () => {
    const { rev: _, ...item } = itemOfRow(full);
    const error = (() => {
      try {
        return rowOfItem(item);
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toMatchObject({
      kind: "transient",
      code: "malformed-row",
      operation: "read row",
      resource: "row k@1",
      message: expect.stringMatching(/row.*rev/s),
    });
  });

  it("is read with the completed segments in the order of their numbers", () => {
    const completed = [2, 9, 10, 100];
    const item = { ...itemOfRow(full), completed: { NS: ["9", "100", "10", "2"] } };
    expect(rowOfItem(item).completed).toEqual(completed);
  });

  // The full row has none of the last three.
  it.each([...Object.keys(fullAttributes), "announcement", "notes", "request-rest"])(
    "a request's field with the name %s does not replace the row's attribute, and is kept",
    (name) => {
      const row = { ...full, request: { [name]: "of the request", other: 1 } };
      const { other, "request-fields": fields, "request-rest": rest, ...item } = unmarshall(itemOfRow(row));
      const { "request-fields": _, ...without } = fullAttributes;
      expect(item).toEqual(without);
      expect({ other, fields, rest: JSON.parse(rest) }).toEqual({
        other: 1,
        fields: ["other"],
        rest: { [name]: "of the request" },
      });
      expect(rowOfItem(itemOfRow(row))).toStrictEqual(row);
    },
  );
});

describe("a request's field is an attribute", () => {
  const isAttribute = (name: string, value: string | number | boolean) => {
    const row = rowWith({ request: { [name]: value } });
    const item = unmarshall(itemOfRow(row));
    expect(rowOfItem(itemOfRow(row)).request).toStrictEqual({ [name]: value });
    const isFlat = item["request-fields"].includes(name);
    expect(item["request-rest"]).toBe(isFlat ? undefined : JSON.stringify({ [name]: value }));
    if (isFlat) expect(item[name]).toBe(value);
    return isFlat;
  };

  it.each<[string, string | number | boolean, boolean]>([
    ["table-name", "orders", true],
    ["flag", false, true],
    ["n".repeat(255), "x", true],
    ["n".repeat(256), "x", false],
    ["", "x", false],
    ["\ud800", "x", false],
    ["text", "cut \ud83d", false],
    ["text", "", true],
    ["constructor", "x", false],
    ["toString", "x", false],
    ["n", 0, true],
    ["n", -5, true],
    ["n", 0.1, true],
    ["n", -0.1, true],
    ["n", Number.MAX_SAFE_INTEGER, true],
    ["n", Number.MIN_SAFE_INTEGER, true],
    ["n", Number.MAX_SAFE_INTEGER + 1, false],
    ["n", 1.5e16, false],
    ["n", -1.5e16, false],
    ["n", 1e126, false],
    ["n", 1e-119, true],
    ["n", 1e-120, false],
    ["n", 5e-324, false],
    ["n", -1e-130, false],
  ])("given %j with %j: %s", (name, value, expected) => {
    expect(isAttribute(name, value)).toBe(expected);
  });
});

describe("the reason for the Pipe's template", () => {
  const reasonOf = (text: string) =>
    unmarshall(
      itemOfRow(
        rowWith({
          accepted: true,
          attempt: 1,
          failedStepAttempt: 1,
          reasons: [{ attempt: 1, cause: "c", text }],
        }),
      ),
    )["reason"] as string;

  it.each([
    ['say "it"', "say 'it'"],
    ["C:\\dir\\file", "C:/dir/file"],
    ["a\n\t\r\u0000b", "a b"],
    ["a\u2028b", "a b"],
    ["e\u0301 名前 1€ 🚀", "e\u0301 名前 1€ 🚀"],
    ["a\u200bb", "a b"],
  ])("%j is stored as %j", (text, expected) => expect(reasonOf(text)).toBe(expected));

  it("has at most 1,000 characters, and no half of one", () => {
    expect(reasonOf("x".repeat(1000))).toBe("x".repeat(1000));
    expect(reasonOf(`${"x".repeat(1000)}y`)).toBe("x".repeat(1000));
    expect(reasonOf("🚀".repeat(1001))).toBe("🚀".repeat(1000));
  });

  it("is that of the first of several reasons", () => {
    const reasons = ["first", "second"].map((text) => ({ attempt: 1, cause: text, text }));
    const item = unmarshall(
      itemOfRow(rowWith({ accepted: true, attempt: 1, failedStepAttempt: 1, reasons })),
    );
    expect(item["reason"]).toBe("first");
    expect(item["reasons"]).toEqual(["first", "second"]);
  });
});

describe("the item of a segment record", () => {
  const record: SegmentRecord = {
    task: "t@1",
    segment: 3,
    state: "failed",
    attempt: 2,
    batches: 4,
    items: 5,
    bytes: 6,
    updatedTime: TIME,
  };

  it("has the record's fields, its time under another name, and a rank", () => {
    expect(unmarshall(itemOfRecord(record))).toEqual({
      task: "t@1",
      segment: 3,
      state: "failed",
      attempt: 2,
      batches: 4,
      items: 5,
      bytes: 6,
      "updated-time": TIME,
      rank: expect.stringMatching(/^0\.000002\.1\.00000004\.00000000000005\.0/),
    });
    expect(recordOfItem(itemOfRecord(record))).toStrictEqual(record);
    const used = { ...record, handoffs: 2, usage: { units: 12, throttles: 1, ms: 2500 } };
    expect(recordOfItem(itemOfRecord(used))).toStrictEqual(used);
  });

  it("of a restore that selects items has their numbers", () => {
    const selective = { ...record, skipped: 1, matched: 2 };
    expect(unmarshall(itemOfRecord(selective))).toMatchObject({ skipped: 1, matched: 2 });
    expect(recordOfItem(itemOfRecord(selective))).toStrictEqual(selective);
  });

  it("is refused if an attribute was edited, with its name", () => {
    const edited = { ...itemOfRecord(record), items: { S: "five" } };
    expect(() => recordOfItem(edited)).toThrow(
      expect.objectContaining({
        kind: "transient",
        code: "malformed-row",
        resource: "segment 3 of t@1",
        message: 'record.items must be number: got "five".',
      }),
    );
  });

  it("has a reason only if the record has one, as well-formed text", () => {
    expect(itemOfRecord(record)).not.toHaveProperty("reason");
    expect(unmarshall(itemOfRecord({ ...record, reason: "cut \ud83d" }))["reason"]).toBe("cut \ufffd");
    const failed = { ...record, reason: "because" };
    expect(recordOfItem(itemOfRecord(failed))).toStrictEqual(failed);
  });
});
