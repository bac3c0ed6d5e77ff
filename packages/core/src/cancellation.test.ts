import { describe, expect, test } from "vitest";
import { assertBeforeDeadline, openCancellationCheck } from "./cancellation.ts";
import { handoffEvent, segmentCompleted, segmentProgressed } from "./checkpoint.ts";
import { FerryError } from "./errors.ts";
import { type SegmentWork, VERSION } from "./events.ts";
import { newTaskRow, type TaskRow } from "./projection/status.ts";
import { defaultSettings } from "./settings.ts";
import { intervalTimer, invocationLeftMs, sliceEndMs } from "./slice-budget.ts";
import { someTask, world } from "./testing/tasks.ts";

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

describe("a slice's time", () => {
  test.each([
    [60_000, 15_000],
    [45_001, 1],
    [45_000, 0],
    [10_000, 0],
  ])("of an invocation that has %i ms left is %i ms: the rest is for the end", (remainingMs, ms) => {
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

  test("ends with its attempt's", () => {
    const ports = world();
    const until = (deadlineMs: number) => () =>
      assertBeforeDeadline({ ...work, "deadline-ms": deadlineMs }, ports);
    expect(until(ports.clock.now() + 1)).not.toThrow();
    const late = { kind: "permanent", code: "deadline-exceeded", operation: "work on segment", resource };
    expect(until(ports.clock.now())).toThrow(expect.objectContaining(late));
  });
});

describe("how a slice ends", () => {
  const standing = { cursor: { batch: 4 }, counts: { batches: 4, items: 30, bytes: 400 } };

  test("complete: with the counts of all its slices", () => {
    expect(segmentCompleted(work, standing.counts)).toStrictEqual({
      type: "SegmentCompleted",
      detail: { version: VERSION, task, plan: work.plan, attempt: 2, segment: 3, counts: standing.counts },
    });
  });

  test("in progress: where it stands, not handed off", () => {
    expect(segmentProgressed(work, standing)).toStrictEqual({
      type: "SegmentProgressed",
      detail: { ...work, ...standing, handoff: false },
    });
  });

  test("handed off: where the next slice goes on", () => {
    expect(handoffEvent(work, standing, false, world())).toStrictEqual({
      type: "SegmentProgressed",
      detail: { ...work, ...standing, handoffs: 6, "handoffs-without-progress": 0, handoff: true },
    });
  });

  test.each([
    ["items", { ...counts, items: 31 }, false, 0],
    ["batches", { ...counts, batches: 3 }, false, 0],
    ["nothing", counts, false, 2],
    ["nothing", counts, true, 1],
    ["items", { ...counts, items: 31 }, true, 0],
  ])("having moved %s, to %j (held up: %s), it has %i idle hops in a row", (_, after, heldUp, idle) => {
    const event = handoffEvent(work, { cursor: work.cursor, counts: after }, heldUp, world());
    expect(event.detail).toMatchObject({ "handoffs-without-progress": idle });
  });

  test("fails when too many in a row moved nothing", () => {
    const ports = world({ settings: { ...defaultSettings, maxHandoffsWithoutProgress: 3 } });
    const idle = (hops: number) => () =>
      handoffEvent(
        { ...work, "handoffs-without-progress": hops },
        { cursor: work.cursor, counts },
        false,
        ports,
      );
    expect(idle(2)).not.toThrow();
    const stuck = { kind: "permanent", code: "no-progress", operation: "work on segment", resource };
    expect(idle(3)).toThrow(expect.objectContaining(stuck));
  });
});

describe("a segment is stillNeeded", () => {
  const stillNeeded = async (change: Partial<TaskRow> | undefined, about: Partial<SegmentWork> = {}) => {
    const ports = world();
    const row = newTaskRow(task, "2026-11-01T02:00:00Z");
    if (change !== undefined)
      await ports.status.write({ ...row, accepted: true, total: 8, attempt: 2, ...change }, undefined);
    return openCancellationCheck({ ...work, ...about }, ports).stillNeeded();
  };

  test.each<[string, Partial<TaskRow> | undefined]>([
    ["that there is none", undefined],
    ["nothing of an end", {}],
    ["that it is another task's", { "task-id": "us-east-1-cities@17-0", cancelledAttempt: 2 }],
    ["a cancel of an earlier attempt", { cancelledAttempt: 1 }],
    ["that other segments are complete", { completed: [2, 4] }],
    ["this attempt of it", { attempts: { 3: 2 } }],
    ["a later attempt of others", { attempts: { 2: 3 } }],
    ["a rejection, and not yet the acceptance", { accepted: false, rejected: true }],
    ["that an earlier attempt failed", { attempt: 1, failedStepAttempt: 1 }],
  ])("where the row tells %s", async (_, change) => {
    expect(await stillNeeded(change)).toBe(true);
  });

  test.each<[string, Partial<TaskRow>]>([
    ["that it is complete", { completed: [2, 3] }],
    ["a later attempt of it", { attempts: { 3: 3 } }],
    ["that the task failed", { failedStepAttempt: 2 }],
    ["that a later attempt failed", { attempt: 3, failedStepAttempt: 3 }],
    ["that the task succeeded", { finished: true }],
  ])("no more where the row tells %s", async (_, change) => {
    expect(await stillNeeded(change)).toBe(false);
  });

  test("no more of its first attempt where a second one has it", async () => {
    expect(await stillNeeded({ attempt: 1, attempts: { 3: 2 } }, { attempt: 1 })).toBe(false);
    expect(await stillNeeded({ attempt: 1, attempts: {} }, { attempt: 1 })).toBe(true);
  });

  test.each([2, 3])("no more where attempt %i is cancelled: it fails as such", async (cancel) => {
    const cancelled = { kind: "permanent", code: "cancelled", operation: "work on segment", resource };
    await expect(stillNeeded({ cancelledAttempt: cancel, completed: [3] })).rejects.toMatchObject(cancelled);
  });

  test("no more past its attempt's deadline: it fails as such", async () => {
    await expect(stillNeeded({}, { "deadline-ms": 0 })).rejects.toMatchObject({ code: "deadline-exceeded" });
  });
});

describe("a watch", () => {
  /** A watch that looks every five seconds at a row which is cancelled when `cancel` is called; and how often it looked. */
  const watched = () => {
    const plain = world();
    let looks = 0;
    let isCancelled = false;
    const read = async () => {
      looks++;
      const row = newTaskRow(task, "2026-11-01T02:00:00Z");
      return { ...row, accepted: true, total: 8, attempt: 2, ...(isCancelled && { completed: [3] }) };
    };
    const watch = openCancellationCheck(work, { ...plain, status: { ...plain.status, read } });
    const end = () => {
      isCancelled = true;
    };
    return { watch, clock: plain.clock, looks: () => looks, end };
  };

  test("looks once at the start, and again when its last look is an interval old", async () => {
    const { watch, clock, looks } = watched();
    expect(await watch.stillNeeded()).toBe(true);
    clock.advance(4_999);
    expect(await watch.stillNeeded()).toBe(true);
    expect(looks()).toBe(1);
    clock.advance(1);
    expect(await watch.stillNeeded()).toBe(true);
    expect(looks()).toBe(2);
    clock.advance(4_999);
    await watch.stillNeeded();
    expect(looks()).toBe(2);
  });

  test("waits until a time, looking on the way", async () => {
    const { watch, clock, looks } = watched();
    const now = clock.now();
    expect(await watch.waitUntil(now + 12_000)).toBe(true);
    expect(clock.now()).toBe(now + 12_000);
    expect(looks()).toBe(3);
  });

  test("does not wait for a time that has come, and does not look either", async () => {
    const { watch, clock, looks, end } = watched();
    end();
    const now = clock.now();
    expect(await watch.waitUntil(now)).toBe(true);
    expect(clock.now()).toBe(now);
    expect(looks()).toBe(1);
  });

  test("stops waiting when the segment is not stillNeeded any more", async () => {
    const { watch, clock, end } = watched();
    await watch.stillNeeded();
    end();
    const now = clock.now();
    expect(await watch.waitUntil(now + 60_000)).toBe(false);
    expect(clock.now()).toBe(now + 5_000);
  });

  test("rejects for each caller when its look fails, and leaves no rejection unhandled", async () => {
    const ports = world();
    const away = new FerryError("transient", "service-error", {
      operation: "GetItem",
      resource: "",
      message: "",
      hint: "",
    });
    const read = () => Promise.reject(away);
    const watch = openCancellationCheck(work, { ...ports, status: { ...ports.status, read } });
    await new Promise((resolve) => setImmediate(resolve));
    await expect(watch.stillNeeded()).rejects.toBe(away);
    await expect(watch.stillNeeded()).rejects.toBe(away);
  });
});

test("something is due at most once an interval, the first time after one", () => {
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
