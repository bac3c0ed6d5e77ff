import { someTask } from "@ferry/memory/testing/tasks";
import { expect, test } from "vitest";
import type { Slice } from "../ports.ts";
import { claimedPart } from "./claimed-part.ts";

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

test("a claim's key has the task, the segment, the number of segments and the table's id", () => {
  expect(claimedPart(slice(8, "id-1"))).toBe(`backup ${task.id} segment 3 of 8 in id-1`);
});

test("a claim's key has no table if the table has no id", () => {
  expect(claimedPart(slice(8))).toBe(`backup ${task.id} segment 3 of 8`);
});
