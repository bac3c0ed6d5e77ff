import { expect, test } from "vitest";
import { claimedPart } from "./claimed-part.ts";
import type { Slice } from "./ports.ts";
import { someTask } from "./testing/tasks.ts";

const task = someTask("us-east-1-cities");
const slice = (segments: number, id?: string) =>
  ({
    task,
    plan: {
      "total-segments": segments,
      table: { arn: "arn", keys: ["id"], ...(id !== undefined && { id }) },
    },
    segment: 3,
    attempt: 1,
    handoffs: 0,
    "deadline-ms": 0,
  }) as unknown as Slice;

test("a claim is of a task's segment, of so many, in one creation of the table", () => {
  expect(claimedPart(slice(8, "id-1"))).toBe(`backup ${task.id} segment 3 of 8 in id-1`);
});

test("a claim names no table where the engine has no ids", () => {
  expect(claimedPart(slice(8))).toBe(`backup ${task.id} segment 3 of 8`);
});
