import { somePlan, someTask, world } from "@ferry/memory/testing/tasks";
import { describe, expect, test } from "vitest";
import { FerryError } from "../errors/errors.ts";
import { type RestorePlan, type SegmentWork, VERSION } from "../events/events.ts";
import { newTaskRow, type TaskRow } from "../projection/status.ts";
import { handoffEvent, segmentCompleted, segmentProgressed } from "../segment/checkpoint.ts";
import { intervalTimer, invocationLeftMs, sliceEndMs } from "../segment/slice-budget.ts";
import { defaultSettings } from "../settings/settings.ts";
import { assertBeforeDeadline, openCancellationCheck } from "./cancellation.ts";

const task = someTask("us-east-1-cities", "backup", "request-1");
const counts = { batches: 2, items: 30, bytes: 400 };
const work: SegmentWork = {
  version: VERSION,
  task,
  plan: { "total-segments": 8 } as SegmentWork["plan"],
  attempt: 2,
  segment: 3,
  cursor: { batch: 2 },
  counts,
  handoffs: 5,
  "handoffs-without-progress": 1,
  "deadline-ms": 1e15,
};
const resource = `${task.id} segment 3`;

describe("a slice's time budget", () => {
  test.each([
    [60_000, 15_000],
    [45_001, 1],
    [45_000, 0],
    [10_000, 0],
  ])("of an invocation with %i ms left is %i ms, less the margin for its conclusion", (remainingMs, ms) => {
    const ports = world();
    expect(invocationLeftMs({ ...ports, time: ports.clock.invocation(remainingMs) })).toBe(ms);
  });

  test.each([
    [900_000, 240_000],
    [100_000, 55_000],
  ])("of an invocation of %i ms ends after %i ms", (remainingMs, ms) => {
    const ports = world();
    const time = ports.clock.invocation(remainingMs);
    expect(sliceEndMs({ ...ports, time }) - ports.clock.now()).toBe(ms);
  });

  test("ends at its attempt's deadline", () => {
    const ports = world();
    const checkDeadline = (deadlineMs: number) => () =>
      assertBeforeDeadline({ ...work, "deadline-ms": deadlineMs }, ports);
    expect(checkDeadline(ports.clock.now() + 1)).not.toThrow();
    const late = { kind: "permanent", code: "deadline-exceeded", operation: "work on segment", resource };
    expect(checkDeadline(ports.clock.now())).toThrow(expect.objectContaining(late));
  });
});

describe("the event of a slice", () => {
  const usage = { units: 12, throttles: 1, ms: 2500 };
  const checkpoint = { cursor: { batch: 4 }, counts: { batches: 4, items: 30, bytes: 400 }, usage };

  test("that completes its segment has the counts of all slices, and what they used if that is known", () => {
    const { counts } = checkpoint;
    const detail = { version: VERSION, task, plan: work.plan, attempt: 2, segment: 3, counts, handoffs: 5 };
    expect(segmentCompleted(work, counts)).toStrictEqual({ type: "SegmentCompleted", detail });
    expect(segmentCompleted(work, counts, usage).detail).toStrictEqual({ ...detail, usage });
  });

  test("in progress has its checkpoint and no handoff", () => {
    expect(segmentProgressed(work, checkpoint)).toStrictEqual({
      type: "SegmentProgressed",
      detail: { ...work, ...checkpoint, handoff: false },
    });
  });

  test("that hands off has the checkpoint from which the next slice continues", () => {
    expect(handoffEvent(work, checkpoint, false, world())).toStrictEqual({
      type: "SegmentProgressed",
      detail: { ...work, ...checkpoint, handoffs: 6, "handoffs-without-progress": 0, handoff: true },
    });
  });

  test.each([
    ["items", { ...counts, items: 31 }, false, 0],
    ["batches", { ...counts, batches: 3 }, false, 0],
    ["nothing", counts, false, 2],
    ["nothing", counts, true, 1],
    ["items", { ...counts, items: 31 }, true, 0],
  ])(
    "with progress of %s, to %j (throttled: %s), counts %i handoffs without progress",
    (_, after, throttled, idle) => {
      const event = handoffEvent(work, { cursor: work.cursor, counts: after }, throttled, world());
      expect(event.detail).toMatchObject({ "handoffs-without-progress": idle });
    },
  );

  test("is a failure after too many handoffs in a row without progress", () => {
    const ports = world({ settings: { ...defaultSettings, maxHandoffsWithoutProgress: 3 } });
    const handOff = (idle: number) => () =>
      handoffEvent(
        { ...work, "handoffs-without-progress": idle },
        { cursor: work.cursor, counts },
        false,
        ports,
      );
    expect(handOff(2)).not.toThrow();
    const stuck = { kind: "permanent", code: "no-progress", operation: "work on segment", resource };
    expect(handOff(3)).toThrow(expect.objectContaining(stuck));
  });
});

describe("a segment", () => {
  const stillNeeded = async (change: Partial<TaskRow> | undefined, fields: Partial<SegmentWork> = {}) => {
    const ports = world();
    const row = newTaskRow(task, "2026-11-01T02:00:00Z");
    if (change !== undefined)
      await ports.status.write({ ...row, accepted: true, total: 8, attempt: 2, ...change }, undefined);
    return openCancellationCheck({ ...work, ...fields }, ports).stillNeeded();
  };

  test.each<[string, Partial<TaskRow> | undefined]>([
    ["does not exist", undefined],
    ["is running", {}],
    ["belongs to another task", { "task-id": "us-east-1-cities@17-0", cancelledAttempt: 2 }],
    ["has a cancel of an earlier attempt", { cancelledAttempt: 1 }],
    ["has other complete segments", { completed: [2, 4] }],
    ["has the segment in this attempt", { attempts: { 3: 2 } }],
    ["has other segments in a later attempt", { attempts: { 2: 3 } }],
    ["has a rejection and not yet the acceptance", { accepted: false, rejected: true }],
    ["has a failure of an earlier attempt", { attempt: 1, failedStepAttempt: 1 }],
  ])("is needed if the row %s", async (_, change) => {
    expect(await stillNeeded(change)).toBe(true);
  });

  test.each<[string, Partial<TaskRow>]>([
    ["has it as complete", { completed: [2, 3] }],
    ["has it in a later attempt", { attempts: { 3: 3 } }],
    ["has failed", { failedStepAttempt: 2 }],
    ["has failed in a later attempt", { attempt: 3, failedStepAttempt: 3 }],
    ["has succeeded", { finished: true }],
  ])("is not needed if the row %s", async (_, change) => {
    expect(await stillNeeded(change)).toBe(false);
  });

  describe("of a later window of a series", () => {
    const single = somePlan(someTask("a", "restore"), 8) as RestorePlan;
    /** The segments 0 to 2, 3 to 7. */
    const plan = { ...single, increments: [{ ...single.manifest, segments: 5 }] };

    const later = "does not show yet that the window before is complete";

    test.each<[string, boolean | string, Partial<TaskRow>]>([
      [
        "has an earlier window as failed, since a completion is projected late",
        later,
        { failed: { 1: 2 }, completed: [0, 2] },
      ],
      [
        "has a later attempt as failed in an earlier window",
        later,
        { attempt: 3, failed: { 1: 3 }, completed: [0, 2] },
      ],
      [
        "has its own window as failed",
        false,
        { completed: [0, 1, 2], failed: { 3: 2, 4: 2, 5: 2, 6: 2, 7: 2 } },
      ],
      ["has a failed step", false, { completed: [0, 2], failedStepAttempt: 2 }],
    ])("if the row %s, is needed: %s", async (_, needed, change) => {
      const answer = stillNeeded({ plan, ...change }, { plan });
      if (typeof needed === "string") await expect(answer).rejects.toThrow(needed);
      else expect(await answer).toBe(needed);
    });
  });

  test("is not needed in its first attempt if the row has it in the second", async () => {
    expect(await stillNeeded({ attempt: 1, attempts: { 3: 2 } }, { attempt: 1 })).toBe(false);
    expect(await stillNeeded({ attempt: 1, attempts: {} }, { attempt: 1 })).toBe(true);
  });

  test.each([2, 3])("fails as cancelled in attempt 2 if attempt %i is cancelled", async (cancel) => {
    const cancelled = { kind: "permanent", code: "cancelled", operation: "work on segment", resource };
    await expect(stillNeeded({ cancelledAttempt: cancel, completed: [3] })).rejects.toMatchObject(cancelled);
  });

  test("fails as deadline-exceeded after its attempt's deadline", async () => {
    await expect(stillNeeded({}, { "deadline-ms": 0 })).rejects.toMatchObject({ code: "deadline-exceeded" });
  });
});

describe("a cancellation check", () => {
  /** A check that polls a row every five seconds, and the number of polls. `end` completes the segment in the row. */
  const checked = () => {
    const plain = world();
    let polls = 0;
    let isComplete = false;
    const read = async () => {
      polls++;
      const row = newTaskRow(task, "2026-11-01T02:00:00Z");
      return { ...row, accepted: true, total: 8, attempt: 2, ...(isComplete && { completed: [3] }) };
    };
    const check = openCancellationCheck(work, { ...plain, status: { ...plain.status, read } });
    const end = () => {
      isComplete = true;
    };
    return { check, clock: plain.clock, polls: () => polls, end };
  };

  test("polls once at the start, and again one interval after the last poll", async () => {
    const { check, clock, polls } = checked();
    expect(await check.stillNeeded()).toBe(true);
    clock.advance(4_999);
    expect(await check.stillNeeded()).toBe(true);
    expect(polls()).toBe(1);
    clock.advance(1);
    expect(await check.stillNeeded()).toBe(true);
    expect(polls()).toBe(2);
    clock.advance(4_999);
    await check.stillNeeded();
    expect(polls()).toBe(2);
  });

  test("waits until a time and polls while it waits", async () => {
    const { check, clock, polls } = checked();
    const now = clock.now();
    expect(await check.waitUntil(now + 12_000)).toBe(true);
    expect(clock.now()).toBe(now + 12_000);
    expect(polls()).toBe(3);
  });

  test("neither waits nor polls for a time that has passed", async () => {
    const { check, clock, polls, end } = checked();
    end();
    const now = clock.now();
    expect(await check.waitUntil(now)).toBe(true);
    expect(clock.now()).toBe(now);
    expect(polls()).toBe(1);
  });

  test("stops waiting when the segment is no longer needed", async () => {
    const { check, clock, end } = checked();
    await check.stillNeeded();
    end();
    const now = clock.now();
    expect(await check.waitUntil(now + 60_000)).toBe(false);
    expect(clock.now()).toBe(now + 5_000);
  });

  test("rejects for each caller if its poll fails, and leaves no rejection unhandled", async () => {
    const ports = world();
    const away = new FerryError("transient", "service-error", {
      operation: "GetItem",
      resource: "",
      message: "",
      hint: "",
    });
    const read = () => Promise.reject(away);
    const check = openCancellationCheck(work, { ...ports, status: { ...ports.status, read } });
    await new Promise((resolve) => setImmediate(resolve));
    await expect(check.stillNeeded()).rejects.toBe(away);
    await expect(check.stillNeeded()).rejects.toBe(away);
  });
});

test("an interval timer is due at most once per interval, for the first time after one interval", () => {
  const ports = world();
  const isDue = intervalTimer(1000, ports);
  expect(isDue()).toBe(false);
  ports.clock.advance(999);
  expect(isDue()).toBe(false);
  ports.clock.advance(1);
  expect(isDue()).toBe(true);
  expect(isDue()).toBe(false);
  ports.clock.advance(1500);
  expect(isDue()).toBe(true);
  ports.clock.advance(999);
  expect(isDue()).toBe(false);
});
