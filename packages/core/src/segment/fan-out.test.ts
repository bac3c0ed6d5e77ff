import { someTask } from "@ferry/memory/testing/tasks";
import { describe, expect, test } from "vitest";
import { noCounts, type Plan, type TaskAccepted, VERSION } from "../events/events.ts";
import { fanOut } from "./fan-out.ts";

const accepted = (action: "backup" | "restore", change: Partial<TaskAccepted> = {}): TaskAccepted => ({
  version: VERSION,
  task: someTask("us-east-1-cities", action),
  plan: { "total-segments": 4 } as Plan,
  attempt: 2,
  segments: [1, 3],
  "deadline-ms": 1_700_000_900_000,
  ...change,
});

describe("the fan-out of an accepted task", () => {
  test("puts one event for each listed segment, with everything that its worker needs", () => {
    const { task, plan } = accepted("backup");
    const expected = [1, 3].map((segment) => ({
      type: "SegmentQueued",
      detail: {
        version: VERSION,
        task,
        plan,
        attempt: 2,
        "deadline-ms": 1_700_000_900_000,
        segment,
        cursor: { batch: 0 },
        counts: noCounts,
        handoffs: 0,
        "handoffs-without-progress": 0,
      },
    }));
    expect(fanOut(accepted("backup"))).toStrictEqual(expected);
  });

  test("starts a restore's segment at its checkpoint, or at the first line if it has none", () => {
    const resume = { 1: { file: 2, line: 7, batches: 3, items: 40, bytes: 900 } };
    expect(fanOut(accepted("restore", { resume })).map(({ detail }) => detail)).toMatchObject([
      { segment: 1, cursor: { file: 2, line: 7 }, counts: { batches: 3, items: 40, bytes: 900 } },
      { segment: 3, cursor: { file: 0, line: 0 }, counts: { batches: 0, items: 0, bytes: 0 } },
    ]);
    expect(fanOut(accepted("restore"))[0]!.detail).toMatchObject({ cursor: { file: 0, line: 0 } });
  });

  test("starts a backup's segment at its first file, since its chain in the archive shows its position", () => {
    const resume = { 1: { file: 2, line: 7, batches: 3, items: 40, bytes: 900 } };
    expect(fanOut(accepted("backup", { resume }))[0]!.detail).toMatchObject({
      cursor: { batch: 0 },
      counts: noCounts,
    });
  });
});
