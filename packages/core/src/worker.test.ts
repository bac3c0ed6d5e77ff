import { intercept } from "@ferry/memory/intercept";
import { memoryStatusStore } from "@ferry/memory/status-store";
import {
  accepted,
  backupRequest,
  bucket,
  busEvent,
  destination,
  message,
  request,
  restoreRequest,
  runTask,
  sliceToEnd,
  somePlan,
  someTask,
  source,
  stepFields,
  world,
} from "@ferry/memory/testing/tasks";
import { describe, expect, test } from "vitest";
import { FerryError, permanent } from "./errors/errors.ts";
import type { SegmentCompleted, SegmentWork } from "./events/events.ts";
import { type Fact, factOf } from "./projection/facts.ts";
import { project } from "./projection/project.ts";
import { newTaskRow, stateOf, type TaskRow, transferred } from "./projection/status.ts";
import { defaultSettings } from "./settings/settings.ts";
import { work } from "./worker.ts";

const gone = permanent("access-denied", { operation: "GetObject", resource: "", message: "", hint: "" });

describe("a worker", () => {
  test("queues exactly the segments of an accepted task", async () => {
    const segments = await accepted({ ...backupRequest, "total-segments": 64 }, world());
    expect(segments.map(({ segment }) => segment)).toEqual(Array.from({ length: 64 }, (_, n) => n));
    expect(segments[0]).toMatchObject({ attempt: 1, cursor: { batch: 0 }, "handoffs-without-progress": 0 });
  });

  test("throws an unknown error, so that the queue delivers the message again", async () => {
    const ports = world();
    const failing = {
      ...ports,
      tables: { ...ports.tables, describe: () => Promise.reject(new Error("socket hang up")) },
    };
    await expect(
      work(message("TaskRequested", { request: backupRequest }, "TaskRejected"), failing),
    ).rejects.toThrow("socket hang up");
  });

  test("hands a segment off from its start if the archive or the status table throttles", async () => {
    const ports = world();
    const [segment] = await accepted({ ...backupRequest, "total-segments": 1 }, ports);
    const details = { operation: "ListObjectsV2", resource: "s3://archives", message: "Slow Down", hint: "" };
    const slow = () => Promise.reject(new FerryError("throttled", "throttled", details));
    for (const throttled of [
      { ...ports, archive: { ...ports.archive, list: slow } },
      { ...ports, status: { ...ports.status, read: slow } },
    ])
      expect(await work(message("SegmentQueued", segment), throttled)).toMatchObject([
        {
          type: "SegmentProgressed",
          detail: { handoff: true, cursor: { batch: 0 }, "handoffs-without-progress": 0 },
        },
      ]);
  });

  test("throws a port's transient error unchanged, for the log", async () => {
    const ports = world();
    const [segment] = await accepted({ ...backupRequest, "total-segments": 1 }, ports);
    const details = { operation: "Scan", resource: "table", message: "Internal Server Error", hint: "" };
    const error = new FerryError("transient", "service-error", details);
    const tables = { ...ports.tables, scan: () => Promise.reject(error) };
    await expect(work(message("SegmentQueued", segment), { ...ports, tables })).rejects.toBe(error);
  });

  test("fails a throttled segment after its attempt's deadline instead of handing it off forever", async () => {
    const ports = world();
    const [segment] = await accepted({ ...backupRequest, "total-segments": 1 }, ports);
    const details = { operation: "ListObjectsV2", resource: "s3://archives", message: "Slow Down", hint: "" };
    const slow = () => Promise.reject(new FerryError("throttled", "throttled", details));
    const late = { ...segment!, "deadline-ms": ports.clock.now() + 1000 };
    ports.clock.advance(2000);
    expect(
      await work(message("SegmentQueued", late), { ...ports, archive: { ...ports.archive, list: slow } }),
    ).toMatchObject([{ type: "SegmentFailed", detail: { cause: "deadline-exceeded" } }]);
  });

  test("throws for a detail of another version, and for a type without a step", async () => {
    await expect(work(message("SegmentQueued", { version: 2 }), world())).rejects.toThrow(
      "detail.version must be 1: got 2",
    );
    await expect(work(message("TaskSucceeded", {}), world())).rejects.toThrow("no worker has a step");
  });
});

describe("a slice that two messages request", () => {
  const other = (delivery: ReturnType<typeof message>) => ({ ...delivery, id: "message-2" });
  const hurried = { ...defaultSettings, sliceBudgetMs: 0 };

  test("is processed only for the message that claimed it, also when that is redelivered", async () => {
    const ports = world();
    const [segment] = await accepted({ ...backupRequest, "total-segments": 1 }, ports);
    const queued = message("SegmentQueued", segment);
    await ports.claims.claim(segment!, queued.id);
    expect(await work(other(queued), ports)).toEqual([]);
    expect(await work(queued, ports)).toMatchObject([{ type: "SegmentCompleted" }]);
  });

  test("of a complete segment has the same result for either message, without what the first one used", async () => {
    const ports = world();
    ports.tables.put(source, `{"id":{"S":"a"}}`, `{"id":{"S":"b"}}`);
    await runTask({ ...backupRequest, "total-segments": 1 }, ports);
    const [segment] = await accepted({ ...restoreRequest, "total-segments": 1 }, ports);
    const queued = message("SegmentQueued", segment);
    const [completed] = await work(queued, ports);
    expect(completed).toMatchObject({ type: "SegmentCompleted", detail: { counts: { items: 2 } } });
    // The application has changed the table since then.
    ports.tables.remove(destination, { id: { S: "a" } });
    const { usage: _, ...same } = completed!.detail as SegmentCompleted;
    for (const late of [queued, other(queued)])
      expect(await work(late, ports)).toEqual([{ ...completed, detail: same }]);
    expect(ports.tables.items(destination)).toHaveLength(1);
  });

  test("of a segment that failed or was not needed may be claimed by another message", async () => {
    const ports = world();
    const [segment] = await accepted({ ...backupRequest, "total-segments": 1 }, ports);
    const queued = message("SegmentQueued", segment);
    const refused = { ...ports, archive: { ...ports.archive, list: () => Promise.reject(gone) } };
    expect(await work(queued, refused)).toMatchObject([{ type: "SegmentFailed" }]);
    expect(await work(other(queued), ports)).toMatchObject([{ type: "SegmentCompleted" }]);
    const [unneeded] = await accepted({ ...backupRequest, "bucket-prefix": "backups/two" }, ports, "another");
    const { task, plan } = unneeded!;
    const row = {
      ...newTaskRow(task, "2026-11-01T02:00:00Z"),
      plan,
      accepted: true,
      total: 1,
      attempts: { 0: 2 },
    };
    await ports.status.write(row, undefined);
    const late = message("SegmentQueued", unneeded);
    expect(await work(late, ports)).toEqual([]);
    expect(await ports.claims.claim(unneeded!, "message-3")).toEqual({ outcome: "claimed" });
  });

  test("is not processed again after its handoff; the next slice is", async () => {
    const ports = world();
    ports.tables.put(source, `{"id":{"S":"a"}}`);
    const [segment] = await accepted({ ...backupRequest, "total-segments": 1 }, ports);
    const queued = message("SegmentQueued", segment);
    const [handedOff] = await work(queued, { ...ports, settings: hurried });
    expect(handedOff).toMatchObject({ type: "SegmentProgressed", detail: { handoffs: 1, handoff: true } });
    const progressed = message("SegmentProgressed", handedOff!.detail);
    await ports.claims.claim(progressed.event.detail as SegmentWork, "message-2");
    for (const late of [queued, progressed]) expect(await work(late, ports)).toEqual([]);
    expect(await work(other(progressed), ports)).toMatchObject([{ type: "SegmentCompleted" }]);
  });

  test("may be claimed again in a later attempt, whose first slice follows all slices of the earlier one", async () => {
    const ports = world();
    const [segment] = await accepted({ ...backupRequest, "total-segments": 1 }, ports);
    await work(message("SegmentProgressed", { ...segment, handoffs: 900, handoff: true }), ports);
    const again = message("SegmentQueued", { ...segment, attempt: 2 });
    expect(await work(other(again), ports)).toMatchObject([{ type: "SegmentCompleted" }]);
  });
});

describe("a task that is cancelled", () => {
  /** A row with the task's acceptance and cancel. */
  const cancelled = ({ task, plan }: SegmentWork): TaskRow => ({
    ...newTaskRow(task, "2026-11-01T02:00:00Z"),
    plan,
    accepted: true,
    total: plan["total-segments"],
    cancelledAttempt: 1,
  });

  test("has in its row the counts of what the archive holds", async () => {
    const settings = { ...defaultSettings, batchSpacingMs: 60_000 };
    const ports = world({ settings });
    ports.tables.put(source, ...["a", "b", "c"].map((id) => `{"id":{"S":"${id}"}}`));
    const body = { ...backupRequest, "total-segments": 1, "batch-bytes": 20 };
    const [segment] = await accepted(body, ports);
    const status = memoryStatusStore();
    const startMs = ports.clock.now();
    // The cancel comes while the worker waits to put its second batch.
    const read: typeof status.read = async (task) =>
      ports.clock.now() - startMs > 20_000 ? cancelled(segment!) : status.read(task);
    const [event] = await work(message("SegmentQueued", segment), { ...ports, status: { read } });
    expect(event).toMatchObject({
      type: "SegmentFailed",
      detail: { cause: "cancelled", work: { cursor: { batch: 1 }, counts: { batches: 1, items: 1 } } },
    });
    expect(ports.clock.now() - startMs).toBeLessThan(30_000);
    const row = project(cancelled(segment!), factOf(busEvent("SegmentFailed", event!.detail)) as Fact);
    expect(stateOf(row)).toBe("cancelled");
    expect(transferred(row)).toMatchObject({ batches: 1, items: 1 });
  });

  test.each(["backup", "restore"])(
    "stops while a %s waits for a reservation of its ceiling",
    async (action) => {
      const ports = world();
      ports.tables.put(source, ...Array.from({ length: 400 }, (_, n) => `{"id":{"S":"${n}"}}`));
      if (action === "restore") await runTask(backupRequest, ports);
      const body =
        action === "backup"
          ? { ...backupRequest, "bucket-prefix": "backups/two", "read-units": 1 }
          : { ...restoreRequest, "write-units": 1 };
      const [segment] = await accepted({ ...body, "total-segments": 1 }, ports, "request-2");
      const startMs = ports.clock.now();
      // Another worker has reserved the next two minutes.
      await ports.limiter.reserve(segment!.task, { durationMs: 120_000, nowMs: startMs, latestMs: startMs });
      const read: typeof ports.status.read = async () =>
        ports.clock.now() - startMs > 20_000 ? cancelled(segment!) : undefined;
      expect(await work(message("SegmentQueued", segment), { ...ports, status: { read } })).toMatchObject([
        { type: "SegmentFailed", detail: { cause: "cancelled" } },
      ]);
      expect(ports.clock.now() - startMs).toBeLessThan(30_000);
    },
  );
});

describe("a retry", () => {
  const row = { action: "backup", key: "us-east-1-x", timestamp: 1 } as const;
  const retryMessage = ({ key, timestamp }: { key: string; timestamp: number }) =>
    message("TaskRetryRequested", { task: { action: "backup", key, timestamp } }, "TaskStepFailed");

  /** A world with a backup of four segments; the completed ones are complete in archive and row. */
  async function failed(change: Partial<TaskRow>) {
    const ports = world();
    ports.tables.put(source, '{"id":{"S":"a"}}', '{"id":{"S":"b"}}');
    const segments = await accepted({ ...backupRequest, "total-segments": 4 }, ports);
    const { task, plan } = segments[0]!;
    for (const done of change.completed ?? []) await sliceToEnd(segments[done]!, ports);
    const known = { ...newTaskRow(task, "2026-11-01T02:00:00Z"), plan, accepted: true, total: 4, ...change };
    await ports.status.write(known, undefined);
    return { ports, task };
  }

  test("of a failed task queues its unfinished segments in the next attempt, and they resume", async () => {
    const { ports, task } = await failed({ completed: [0, 2], failed: { 1: 1, 3: 1 } });
    const [event] = await work(retryMessage(task), ports);
    expect(event).toMatchObject({ type: "TaskAccepted", detail: { attempt: 2, segments: [1, 3], task } });
    const queued = await work(message("TaskAccepted", event!.detail), ports);
    for (const { detail } of queued) {
      const { event } = await sliceToEnd(detail as never, ports);
      expect(event).toMatchObject({ type: "SegmentCompleted", detail: { attempt: 2 } });
    }
    expect(ports.archive.keys(bucket).filter((key) => key.includes("/0x"))).toHaveLength(4);
  });

  test("of a task whose last step failed queues no segment and repeats the last step", async () => {
    const { ports, task } = await failed({ completed: [0, 1, 2, 3], failedStepAttempt: 1 });
    expect(await work(retryMessage(task), ports)).toMatchObject([
      { type: "TaskAccepted", detail: { attempt: 2, segments: [] } },
    ]);
  });

  test("of a stalled task queues the segments that are not complete, since a message may be lost", async () => {
    const { ports, task } = await failed({ completed: [1] });
    expect(await work(retryMessage(task), ports)).toMatchObject([
      { type: "TaskAccepted", detail: { attempt: 2, segments: [0, 2, 3] } },
    ]);
  });

  test("of a task whose TaskFinishing announcement was lost finishes it", async () => {
    const { ports, task } = await failed({ completed: [0, 1, 2, 3], items: 2 });
    const [event] = await work(retryMessage(task), ports);
    expect(await work(message("TaskAccepted", event!.detail, "TaskStepFailed"), ports)).toMatchObject([
      { type: "TaskFinished", detail: { attempt: 2, items: 2 } },
    ]);
  });

  test.each([
    ["wiped", undefined],
    ["wiped and taken by another task", "request-9"],
  ])(
    "of a backup whose prefix was %s is refused, and fails the task, which may be stalled",
    async (_, owner) => {
      const { ports, task } = await failed({ completed: [2], attempt: 3 });
      for (const key of ports.archive.keys(bucket)) ports.archive.remove(bucket, key);
      if (owner !== undefined) await request(backupRequest, ports, owner);
      const [event] = await work(retryMessage(task), ports);
      expect(event).toMatchObject({ type: "TaskStepFailed", detail: { cause: "prefix-taken" } });
      const row = await ports.status.read(task);
      expect(stateOf(row!)).toBe("running");
      expect(stateOf(project(row, factOf(busEvent("TaskStepFailed", event!.detail)) as Fact))).toBe("failed");
    },
  );

  test("of a restore continues from its segments' checkpoints", async () => {
    const ports = world({ settings: { ...defaultSettings, sliceBudgetMs: 1 } });
    ports.tables.put(source, ...Array.from({ length: 30 }, (_, n) => `{"id":{"S":"${n}"}}`));
    await runTask({ ...backupRequest, "total-segments": 1, "batch-bytes": 200 }, ports);
    const [segment] = await accepted({ ...restoreRequest, "total-segments": 1 }, ports, "r-2");
    const slow = intercept("tables", ports.tables, ["write"], (_, run) => {
      ports.clock.advance(10);
      return run();
    });
    const [handedOff] = await work(message("SegmentQueued", segment), { ...ports, tables: slow });
    const { cursor, counts } = handedOff!.detail as SegmentWork;
    expect(counts.items).toBeGreaterThan(0);
    const { task, plan } = segment!;
    const failing = { ...ports, archive: { ...ports.archive, get: () => Promise.reject(gone) } };
    const [failed] = await work(message("SegmentProgressed", handedOff!.detail), failing);
    const row = [
      busEvent("TaskAccepted", { ...stepFields, task, plan, attempt: 1 }),
      busEvent("SegmentFailed", failed!.detail),
    ].reduce<TaskRow | undefined>((before, event) => project(before, factOf(event) as Fact), undefined)!;
    expect(stateOf(row)).toBe("failed");
    await ports.status.write(row, undefined);
    const { key, timestamp } = task;
    const again = { task: { action: "restore", key, timestamp } };
    const [event] = await work(message("TaskRetryRequested", again, "TaskStepFailed"), ports);
    const queued = await work(message("TaskAccepted", event!.detail), ports);
    expect(queued).toMatchObject([{ detail: { attempt: 2, cursor, counts } }]);
    const { event: last } = await sliceToEnd(queued[0]!.detail as SegmentWork, ports);
    expect(last).toMatchObject({ type: "SegmentCompleted", detail: { counts: { items: 30 } } });
    expect(ports.tables.items(destination)).toHaveLength(30);
  });

  test.each([
    ["succeeded", { finished: true }],
    ["rejected", { accepted: false, rejected: true }],
  ])("of a task that is %s is refused", async (state, change) => {
    const { ports, task } = await failed(change);
    expect(await work(retryMessage(task), ports)).toMatchObject([
      {
        type: "TaskControlRefused",
        detail: { control: "retry", cause: "not-retryable", reason: expect.stringContaining(state) },
      },
    ]);
  });

  test.each([
    ["names no task", { task: "songs" }, "task", '"songs"'],
    ["names no action", { task: { key: "us-east-1-x", timestamp: 1 } }, "task.action", "missing"],
    ["has no time for a timestamp", { task: { ...row, timestamp: "soon" } }, "task.timestamp", '"soon"'],
    ["has an unknown field", { task: row, atempt: 2 }, "atempt", "not a field"],
    ["names attempt 0", { task: row, attempt: 0 }, "attempt", "0"],
    ["has no detail at all", null, "detail", "null"],
  ])("that %s is refused, with an issue that names the field", async (_, detail, field, text) => {
    const [event] = await work(message("TaskRetryRequested", detail, "TaskStepFailed"), world());
    expect(event).toMatchObject({
      type: "TaskControlRefused",
      detail: {
        control: "retry",
        cause: "invalid-request",
        issues: [{ field, message: expect.stringContaining(text) }],
        asked: detail,
      },
    });
  });

  test("of an unknown task is refused", async () => {
    expect(await work(retryMessage({ key: "us-east-1-x", timestamp: 1 }), world())).toMatchObject([
      {
        type: "TaskControlRefused",
        detail: { cause: "not-retryable", reason: expect.stringContaining("There is no such task.") },
      },
    ]);
  });
});

describe("a worker's errors and refusals", () => {
  test("a permanent error is thrown if the message has no failure type", async () => {
    const ports = world();
    const status = { ...ports.status, read: () => Promise.reject(gone) };
    const { failsAs: _, ...withoutType } = message("TaskFinishing", {
      version: 1,
      task: { id: "k@1-0", action: "backup", key: "k", timestamp: 1, "request-id": "r" },
      attempt: 1,
      "transferred-items": 0,
      "transferred-bytes": 0,
      plan: { S: JSON.stringify(somePlan(someTask("k"))) },
    });
    await expect(work(withoutType, { ...ports, status })).rejects.toMatchObject({ code: gone.code });
  });

  test.each([[null], [undefined], ["text"], [{}]])(
    "a request event with the detail %j is rejected",
    async (detail) => {
      expect(await work(message("TaskRequested", detail, "TaskRejected"), world())).toMatchObject([
        {
          type: "TaskRejected",
          detail: { cause: "invalid-request", error: { operation: "TaskRequested", resource: "request" } },
        },
      ]);
    },
  );

  describe("given a message of request-queue", () => {
    const sentMs = Date.parse("2026-11-23T08:00:00.250Z");
    const record = (body: string) => ({
      messageId: "m-1",
      body,
      attributes: { SentTimestamp: String(sentMs) },
      eventSource: "aws:sqs",
    });
    const answer = (body: string, ports = world()) =>
      work(message("TaskRequested", record(body), "TaskRejected"), ports);

    test("a backup is planned", async () => {
      const ports = world();
      ports.tables.put(source, '{"id":{"S":"a"}}');
      expect(await answer(JSON.stringify(backupRequest), ports)).toMatchObject([
        { type: "TaskAccepted", detail: { task: { "request-id": "m-1" } } },
      ]);
    });

    test("a restore is requested again in the shape of its route, the same for each delivery", async () => {
      const own = { request: restoreRequest, "request-id": "own", "request-time": "2026-11-23T08:00:00Z" };
      for (const [body, id, time] of [
        [restoreRequest, "m-1", String(sentMs)],
        [own, "own", own["request-time"]],
        [{ ...own, "request-time": "Tuesday" }, "own", "Tuesday"],
      ] as const) {
        const events = await answer(JSON.stringify(body));
        expect(events).toEqual([
          {
            type: "TaskRequested",
            detail: { request: restoreRequest, "request-id": id, "request-time": time },
          },
        ]);
        expect(await answer(JSON.stringify(body))).toEqual(events);
      }
    });

    test("one that is not JSON is rejected, with its beginning, its id and where it is", async () => {
      const [event] = await answer(`please back up my table ${"x".repeat(500)}`);
      expect(event).toMatchObject({
        type: "TaskRejected",
        detail: {
          cause: "invalid-request",
          error: {
            resource: "message m-1 of request-queue",
            message: expect.stringMatching(
              /^The message m-1 of request-queue is not JSON: its 524 characters begin with "please back up my table x+…\.$/,
            ),
            hint: expect.stringContaining(
              "It is deleted from the queue; the field work of this event has its text",
            ),
          },
          work: { messageId: "m-1", body: expect.stringMatching(/^please back up .*x{500}$/) },
        },
      });
      expect((event as { detail: object }).detail).not.toHaveProperty("task");
    });

    test("a long one that is not JSON is rejected with its beginning, in an event that fits the bus", async () => {
      const [event] = await answer(`please ${"\u0001".repeat(300_000)}`);
      expect(event).toMatchObject({
        detail: { work: { request: expect.stringMatching(/^please /), "request-id": "m-1" } },
      });
      expect(JSON.stringify(event).length).toBeLessThan(20_000);
    });

    test("one that is JSON, but no request, is rejected with its issues", async () => {
      for (const [body, issue] of [
        ["null", "got null"],
        ['"please"', 'got \\"please\\"'],
        ["[]", "action is required but missing"],
        ['{"action":"copy"}', "action must be backup or restore"],
        ["{}", "action is required but missing"],
      ] as const) {
        const [event] = await answer(body);
        expect(event).toMatchObject({ type: "TaskRejected", detail: { cause: "invalid-request" } });
        expect(JSON.stringify(event)).toContain(issue);
      }
    });
  });

  test("the first hundred issues of a request are reported, with the number of the others", async () => {
    const rejected = async (issues: number) => {
      const odd = Object.fromEntries(Array.from({ length: issues }, (_, n) => [`odd-${n}`, 1]));
      const [event] = await request({ ...backupRequest, ...odd }, world());
      return (event!.detail as unknown as { error: { message: string; issues: { message: string }[] } })
        .error;
    };
    const hundred = await rejected(100);
    expect(hundred.issues).toHaveLength(100);
    expect(hundred.message).toBe(`${hundred.issues.map((issue) => issue.message).join("; ")}.`);
    const more = await rejected(102);
    expect(more.issues).toHaveLength(100);
    expect(more.message).toMatch(/; and 2 more\.$/);
  });

  test.each(["TaskAccepted", "SegmentQueued", "SegmentProgressed"])(
    "a %s without a valid detail causes an error that names the type",
    async (type) => {
      for (const detail of [undefined, null, { version: 2 }])
        await expect(work(message(type, detail), world())).rejects.toMatchObject({
          kind: "transient",
          code: "malformed-event",
          resource: expect.stringContaining(type),
        });
    },
  );

  test("the refusal of an invalid retry names its event", async () => {
    const invalid = message("TaskRetryRequested", {}, "TaskStepFailed");
    const [event] = await work(invalid, world());
    expect(event).toMatchObject({
      type: "TaskControlRefused",
      detail: { control: "retry", asked: {}, "event-id": invalid.event.id, time: invalid.event.time },
    });
  });
});

describe("a task that is announced as finishing", () => {
  const completed = async (change: Partial<TaskRow>) => {
    const ports = world();
    ports.tables.put(source, '{"id":{"S":"a"}}');
    const [segment] = (await accepted({ ...backupRequest, "total-segments": 1 }, ports)) as [SegmentWork];
    await sliceToEnd(segment, ports);
    const { task, plan } = segment;
    const row = { ...newTaskRow(task, "2026-11-01T02:00:00Z"), plan, accepted: true, total: 1, ...change };
    await ports.status.write(row, undefined);
    return { ports, task, plan };
  };
  const again = (task: SegmentWork["task"], plan: SegmentWork["plan"]) =>
    message("TaskAccepted", { version: 1, task, plan, attempt: 2, segments: [], "deadline-ms": 1e15 });
  const announced = (task: SegmentWork["task"], plan: SegmentWork["plan"]) =>
    message("TaskFinishing", {
      version: 1,
      task,
      attempt: 2,
      "transferred-items": 1,
      "transferred-bytes": 0,
      plan: { S: JSON.stringify(plan) },
    });

  test("is finished once: a second announcement or a retry does nothing", async () => {
    const { ports, task, plan } = await completed({ completed: [0], items: 1, finished: true });
    expect(await work(announced(task, plan), ports)).toEqual([]);
    expect(await work(again(task, plan), ports)).toEqual([]);
  });

  test("is finished also if its row does not exist", async () => {
    const { ports, task, plan } = await completed({});
    const withoutRow = { ...ports, status: { ...ports.status, read: async () => undefined } };
    expect(await work(announced(task, plan), withoutRow)).toMatchObject([{ type: "TaskFinished" }]);
  });

  test("is not finished by a retry if its row is incomplete or does not exist", async () => {
    const { ports, task, plan } = await completed({ completed: [], items: 1 });
    await expect(work(again(task, plan), ports)).rejects.toThrow("is not complete");
    const withoutRow = { ...ports, status: { ...ports.status, read: async () => undefined } };
    await expect(work(again(task, plan), withoutRow)).rejects.toThrow("is not complete");
  });
});

describe("a request", () => {
  const invalid = { ...backupRequest, "total-segments": 0 };

  test("that is rejected does not register its request-id; one that is accepted does", async () => {
    const ports = world();
    expect(await request(invalid, ports)).toMatchObject([{ detail: { cause: "invalid-request" } }]);
    expect(await ports.registry.findRequest("request-1")).toBeUndefined();
    expect(await request(backupRequest, ports)).toMatchObject([{ type: "TaskAccepted" }]);
    expect(await ports.registry.findRequest("request-1")).toBeDefined();
    // The request-id is now registered for the accepted request.
    const other = { ...backupRequest, "bucket-prefix": "backups/two" };
    expect(await request(other, ports)).toMatchObject([
      { type: "TaskRejected", detail: { cause: "request-id-reused" } },
    ]);
  });

  test("has a deadline from its own time; in an attempt that a retry began, from the present time", async () => {
    const ports = world();
    const requestTimeMs = Date.parse("2026-11-01T02:00:00Z");
    // A fraction of a millisecond, which no field of an event may have.
    ports.clock.advance(3_600_000.25);
    const [first] = await request(backupRequest, ports);
    const { taskTimeoutMs } = ports.settings;
    expect(first!.detail).toMatchObject({ attempt: 1, "deadline-ms": requestTimeMs + taskTimeoutMs });
    await ports.registry.raiseAttempt((first!.detail as SegmentWork).task, 2);
    const [again] = await request(backupRequest, ports);
    const nowMs = ports.clock.now();
    expect(again!.detail).toMatchObject({ attempt: 2, "deadline-ms": Math.floor(nowMs) + taskTimeoutMs });
  });
});

describe("a claim", () => {
  test("of a slice that handed off is kept, so that no other message repeats the slice", async () => {
    const ports = world({ settings: { ...defaultSettings, sliceBudgetMs: 0 } });
    const [segment] = await accepted({ ...backupRequest, "total-segments": 1 }, ports);
    expect(await work(message("SegmentQueued", segment), ports)).toMatchObject([
      { type: "SegmentProgressed" },
    ]);
    expect(await ports.claims.claim(segment!, "message-2")).toEqual({ outcome: "taken" });
  });

  test("of a complete segment is ignored for a backup, whose archive shows its progress", async () => {
    const ports = world();
    const [segment] = await accepted({ ...backupRequest, "total-segments": 1 }, ports);
    await ports.claims.complete(segment!, { batches: 9, items: 9, bytes: 9 });
    expect(await work(message("SegmentQueued", segment), ports)).toMatchObject([
      { type: "SegmentCompleted", detail: { counts: { batches: 1, items: 0 } } },
    ]);
  });
});

test("a failed last step becomes the failure event of its message's type, with the message's detail", async () => {
  const ports = world();
  const [segment] = await accepted({ ...backupRequest, "total-segments": 1 }, ports);
  const detail = {
    version: 1,
    task: segment!.task,
    attempt: 1,
    "transferred-items": 0,
    "transferred-bytes": 0,
    plan: { S: JSON.stringify(segment!.plan) },
  };
  expect(await work(message("TaskFinishing", detail, "TaskStepFailed"), ports)).toMatchObject([
    { type: "TaskStepFailed", detail: { cause: "archive-incomplete", step: "TaskFinishing", work: detail } },
  ]);
});
