import { busEvent } from "@ferry/memory/testing/tasks";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FerryError, permanent } from "../errors/errors.ts";
import { controlRefused, readControl } from "./control.ts";

const row = { action: "restore", key: "k", timestamp: 17 } as const;
const event = (detail: unknown) => busEvent("TaskRetryRequested", detail);
const deep = (levels: number) => JSON.parse("[".repeat(levels) + "]".repeat(levels)) as unknown;

describe("a number in a control event", () => {
  const read = (timestamp: unknown) => {
    try {
      return readControl(event({ task: { ...row, timestamp } })).task.timestamp;
    } catch {
      return undefined;
    }
  };

  test.each([
    [0, 0],
    [1_700_000_000_123, 1_700_000_000_123],
    ["1700000000123", 1_700_000_000_123],
    ["0", 0],
    ["12345678901234567", undefined],
    ["x1", undefined],
    ["1x", undefined],
    ["", undefined],
    [1.5, undefined],
    [-1, undefined],
    [1e300, undefined],
    [null, undefined],
  ])("%j is read as %s", (received, number) => {
    expect(read(received)).toBe(number);
  });
});

test("a control event names a row, and may name the task's id, its request-id and an attempt", () => {
  for (const action of ["backup", "restore"] as const)
    expect(readControl(event({ task: { ...row, action } }))).toStrictEqual({ task: { ...row, action } });
  const all = { task: { ...row, id: "k@17-0", "request-id": "r" }, attempt: 2 };
  expect(readControl(event({ ...all, attempt: "2" }))).toStrictEqual(all);
});

test("an invalid control event has all its issues reported at once, by field", () => {
  const refusal = (detail: unknown) => {
    try {
      readControl(event(detail));
    } catch (error) {
      return (error as FerryError).issues;
    }
    throw new Error("the event was accepted");
  };
  expect(refusal({ task: { action: "x", key: "", timestamp: -1, more: 1 }, atempt: 2 })).toEqual([
    { field: "task.action", message: 'task.action must be backup or restore: got "x"' },
    { field: "task.key", message: 'task.key must not be empty: got ""' },
    { field: "task.timestamp", message: "task.timestamp must be 0 or higher: got -1" },
    { field: "task.more", message: expect.stringContaining("not a field of this event") },
    { field: "atempt", message: expect.stringContaining("not a field of this event") },
  ]);
  expect(refusal(7)).toEqual([{ field: "detail", message: "detail must be an object: got 7" }]);
  expect(refusal({})).toEqual([{ field: "task", message: "task is required but missing" }]);
  expect(refusal({ task: { ...row, key: "k".repeat(2049) } })).toMatchObject([
    { field: "task.key", message: expect.stringContaining("task.key must have at most 2048 bytes: got") },
  ]);
  expect(readControl(event({ task: { ...row, key: "k".repeat(2048) } })).task.key).toHaveLength(2048);
  const long = "n".repeat(121);
  expect(refusal({ task: row, [long]: 1 })).toMatchObject([{ field: `${"n".repeat(119)}…` }]);
  const odd = Object.fromEntries(Array.from({ length: 101 }, (_, n) => [`odd-${n}`, 1]));
  expect(refusal({ task: row, ...odd })).toHaveLength(100);
});

test.each([
  [{ task: "songs" }, 'task must be an object: got "songs"'],
  [{ task: null }, "task must be an object: got null"],
  [undefined, "detail is required but missing"],
  [{ task: { ...row, action: undefined } }, "task.action is required but missing"],
  [{ task: { key: "k", timestamp: 1 } }, "task.action is required but missing"],
  [{ task: { ...row, key: 7 } }, "task.key must be a string: got 7"],
  [{ task: { ...row, id: 7 } }, "task.id must be a string: got 7"],
  [{ task: { ...row, "request-id": 7 } }, "task.request-id must be a string: got 7"],
  [{ task: { ...row, timestamp: "soon" } }, 'task.timestamp must be a whole number: got "soon"'],
  [{ task: { ...row, timestamp: true } }, "task.timestamp must be a whole number: got true"],
  [
    { task: { ...row, timestamp: "9999999999999999" } },
    "task.timestamp must be a whole number: got 10000000000000000",
  ],
  [{ task: { ...row, timestamp: 1.5 } }, "task.timestamp must be a whole number: got 1.5"],
  [{ task: row, attempt: 0 }, "attempt must be 1 or higher: got 0"],
  [{ task: row, attempt: "x" }, 'attempt must be a whole number: got "x"'],
  [{ task: row, more: { a: 1 } }, "more is not a field of this event: remove it, or check its spelling"],
])("a control event with the detail %j is refused: %s", (detail, message) => {
  expect(() => readControl(event(detail))).toThrow(
    expect.objectContaining({
      kind: "permanent",
      code: "invalid-request",
      operation: "TaskRetryRequested",
      resource: "detail",
      message: `${message}.`,
      hint: expect.stringContaining("status table"),
    }),
  );
});

test("the error's message joins all issues of a control event", () => {
  expect(() => readControl(event({ task: { ...row, action: "x", key: "" } }))).toThrow(
    'task.action must be backup or restore: got "x"; task.key must not be empty: got "".',
  );
});

test("a detail of any shape is read, or refused in an event that can be put", () =>
  fc.assert(
    fc.property(
      fc.oneof(
        fc.jsonValue(),
        fc.record({ task: fc.jsonValue(), attempt: fc.jsonValue() }, { requiredKeys: [] }),
        fc.record({
          task: fc.record({ action: fc.constant("backup"), key: fc.jsonValue(), timestamp: fc.jsonValue() }),
        }),
        fc.constantFrom(deep(40), deep(100_000), { task: deep(6000) }),
      ),
      (detail) => {
        try {
          readControl(event(detail));
        } catch (error) {
          if (!(error instanceof FerryError)) throw error;
          expect(error).toMatchObject({ kind: "permanent", code: "invalid-request" });
          expect(error.issues!.length).toBeGreaterThan(0);
          JSON.stringify(controlRefused("retry", event(detail), error, []));
        }
      },
    ),
  ));

const error = permanent("invalid-request", { operation: "o", resource: "r", message: "m", hint: "h" });

test("a refusal has the reason, the hint, the issues, the nearest rows and the refused event", () => {
  const nearest = [{ ...row, state: "running" }];
  const refused = event({ task: row });
  const fields = {
    version: 1,
    control: "retry",
    cause: "invalid-request",
    reason: "m",
    hint: "h",
    nearest,
    asked: { task: row },
    "event-id": refused.id,
    time: refused.time,
  };
  expect(controlRefused("retry", refused, error, nearest)).toStrictEqual({
    type: "TaskControlRefused",
    detail: { ...fields, issues: [] },
  });
  const issues = [{ field: "task", message: "task is odd" }];
  const named = permanent("invalid-request", {
    operation: "o",
    resource: "r",
    message: "m",
    hint: "h",
    issues,
  });
  expect(controlRefused("retry", refused, named, nearest)).toStrictEqual({
    type: "TaskControlRefused",
    detail: { ...fields, issues },
  });
});

test("a refusal repeats a detail of up to 16 KiB as JSON, and has none if the event has none", () => {
  const askedOf = (detail: unknown) =>
    (controlRefused("cancel", event(detail), error, []).detail as { asked?: unknown }).asked;
  const largest = "x".repeat(16 * 1024 - 2);
  expect(askedOf(largest)).toBe(largest);
  const cut = askedOf(`${largest}x`) as string;
  expect(cut).toBe(`"${largest}…`);
  expect(askedOf(undefined)).toBeUndefined();
});

test("a refusal has the start of a large detail", () => {
  const refused = controlRefused("cancel", event({ task: "x".repeat(900_000) }), error, []);
  expect(refused).toMatchObject({
    detail: { control: "cancel", cause: "invalid-request", reason: "m", hint: "h" },
  });
  expect(JSON.stringify(refused).length).toBeLessThan(40_000);
});
