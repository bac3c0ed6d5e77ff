import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { controlRefused, readControl } from "./control.ts";
import { FerryError, permanent } from "./errors.ts";
import { busEvent } from "./testing/tasks.ts";

const row = { action: "restore", key: "k", timestamp: 17 } as const;
const event = (detail: unknown) => busEvent("TaskRetryRequested", detail);
const deep = (levels: number) => JSON.parse("[".repeat(levels) + "]".repeat(levels)) as unknown;

describe("a number in an operator's event", () => {
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
  ])("%j is read as %s", (given, number) => {
    expect(read(given)).toBe(number);
  });
});

test("an operator's event names a row and may name the task's id, its request-id and an attempt", () => {
  expect(readControl(event({ task: row }))).toStrictEqual({ task: row });
  const all = { task: { ...row, id: "k@17-0", "request-id": "r" }, attempt: 2 };
  expect(readControl(event({ ...all, attempt: "2" }))).toStrictEqual(all);
});

test("what is wrong with an operator's event is told field by field, all of it at once", () => {
  const refusal = (detail: unknown) => {
    try {
      readControl(event(detail));
    } catch (error) {
      return (error as FerryError).issues;
    }
    throw new Error("it was read");
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
  expect(refusal({ task: { ...row, key: "k".repeat(2049) } })).toMatchObject([{ field: "task.key" }]);
  expect(refusal({ task: row, attempt: 0 })).toMatchObject([{ field: "attempt" }]);
});

test("whatever the detail, it is read or refused by name, in an event that can be put", () =>
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
          JSON.stringify(controlRefused("retry", event(detail), error));
        }
      },
    ),
  ));

test("a refusal of a large detail has the beginning of it", () => {
  const error = permanent("invalid-request", { operation: "o", resource: "r", message: "m", hint: "h" });
  const refused = controlRefused("cancel", event({ task: "x".repeat(900_000) }), error);
  expect(refused).toMatchObject({
    detail: { control: "cancel", cause: "invalid-request", reason: "m", hint: "h" },
  });
  expect(JSON.stringify(refused).length).toBeLessThan(40_000);
});
