import { intercept } from "@ferry/memory/intercept";
import { memoryStatusStore } from "@ferry/memory/status-store";
import { describe, expect, test } from "vitest";
import { FerryError, permanent } from "./errors.ts";
import type { SegmentWork } from "./events.ts";
import { factOf } from "./projection/facts.ts";
import { project } from "./projection/project.ts";
import { newTaskRow, stateOf, type TaskRow, transferred } from "./projection/status.ts";
import { defaultSettings } from "./settings.ts";
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
} from "./testing/tasks.ts";
import { work } from "./worker.ts";

const gone = permanent("access-denied", { operation: "GetObject", resource: "", message: "", hint: "" });

describe("a worker", () => {
  test("spreads an accepted task over exactly its segments", async () => {
    const segments = await accepted({ ...backupRequest, "total-segments": 64 }, world());
    expect(segments.map(({ segment }) => segment)).toEqual(Array.from({ length: 64 }, (_, n) => n));
    expect(segments[0]).toMatchObject({ attempt: 1, cursor: { batch: 0 }, "handoffs-without-progress": 0 });
  });

  test("throws what may pass, so that the queue tries again", async () => {
    const ports = world();
    const broken = {
      ...ports,
      tables: { ...ports.tables, describe: () => Promise.reject(new Error("socket hang up")) },
    };
    await expect(
      work(message("TaskRequested", { request: backupRequest }, "TaskRejected"), broken),
    ).rejects.toThrow("socket hang up");
  });

  test("hands a segment off from where it began when the archive or the status asks for less", async () => {
    const ports = world();
    const [segment] = await accepted({ ...backupRequest, "total-segments": 1 }, ports);
    const about = { operation: "ListObjectsV2", resource: "s3://archives", message: "Slow Down", hint: "" };
    const slow = () => Promise.reject(new FerryError("throttled", "throttled", about));
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

  test("throws a passing error of a port too: what it says is for the log", async () => {
    const ports = world();
    const [segment] = await accepted({ ...backupRequest, "total-segments": 1 }, ports);
    const about = { operation: "Scan", resource: "table", message: "Internal Server Error", hint: "" };
    const error = new FerryError("transient", "service-error", about);
    const tables = { ...ports.tables, scan: () => Promise.reject(error) };
    await expect(work(message("SegmentQueued", segment), { ...ports, tables })).rejects.toBe(error);
  });

  test("throttled beyond its attempt's deadline fails: it must not be handed off for ever", async () => {
    const ports = world();
    const [segment] = await accepted({ ...backupRequest, "total-segments": 1 }, ports);
    const about = { operation: "ListObjectsV2", resource: "s3://archives", message: "Slow Down", hint: "" };
    const slow = () => Promise.reject(new FerryError("throttled", "throttled", about));
    const late = { ...segment!, "deadline-ms": ports.clock.now() + 1000 };
    ports.clock.advance(2000);
    expect(
      await work(message("SegmentQueued", late), { ...ports, archive: { ...ports.archive, list: slow } }),
    ).toMatchObject([{ type: "SegmentFailed", detail: { cause: "deadline-exceeded" } }]);
  });

  test("throws on a detail of another version, and on a type that it has no step for", async () => {
    await expect(work(message("SegmentQueued", { version: 2 }), world())).rejects.toThrow(
      "detail.version must be 1: got 2",
    );
    await expect(work(message("TaskSucceeded", {}), world())).rejects.toThrow("no worker has a step");
  });
});

describe("a slice that is asked for twice", () => {
  const other = (delivery: ReturnType<typeof message>) => ({ ...delivery, id: "message-2" });
  const hurried = { ...defaultSettings, sliceBudgetMs: 0 };

  test("is worked on by one message, each time that it comes", async () => {
    const ports = world();
    const [segment] = await accepted({ ...backupRequest, "total-segments": 1 }, ports);
    const queued = message("SegmentQueued", segment);
    await ports.claims.claim(segment!, queued.id);
    expect(await work(other(queued), ports)).toEqual([]);
    expect(await work(queued, ports)).toMatchObject([{ type: "SegmentCompleted" }]);
  });

  test("of a segment that is complete comes to the same end, whichever message asks", async () => {
    const ports = world();
    ports.tables.put(source, `{"id":{"S":"a"}}`, `{"id":{"S":"b"}}`);
    await runTask({ ...backupRequest, "total-segments": 1 }, ports);
    const [segment] = await accepted({ ...restoreRequest, "total-segments": 1 }, ports);
    const queued = message("SegmentQueued", segment);
    const [completed] = await work(queued, ports);
    expect(completed).toMatchObject({ type: "SegmentCompleted", detail: { counts: { items: 2 } } });
    // The application used the table since.
    ports.tables.remove(destination, { id: { S: "a" } });
    for (const late of [queued, other(queued)]) expect(await work(late, ports)).toEqual([completed]);
    expect(ports.tables.items(destination)).toHaveLength(1);
  });

  test("of a segment that failed, or that nobody needed, is another message's to do", async () => {
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

  test("is followed by the one that its hand-off asks for, and comes no more", async () => {
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

  test("is retried all the same: an attempt's first slice comes after all of the one before", async () => {
    const ports = world();
    const [segment] = await accepted({ ...backupRequest, "total-segments": 1 }, ports);
    await work(message("SegmentProgressed", { ...segment, handoffs: 900, handoff: true }), ports);
    const again = message("SegmentQueued", { ...segment, attempt: 2 });
    expect(await work(other(again), ports)).toMatchObject([{ type: "SegmentCompleted" }]);
  });
});

describe("a task that is cancelled", () => {
  /** A row that has heard of the task and of its cancel. */
  const cancelled = ({ task, plan }: SegmentWork): TaskRow => ({
    ...newTaskRow(task, "2026-11-01T02:00:00Z"),
    plan,
    accepted: true,
    total: plan["total-segments"],
    cancelledAttempt: 1,
  });

  test("tells in its row what the archive holds", async () => {
    const settings = { ...defaultSettings, batchSpacingMs: 60_000 };
    const ports = world({ settings });
    ports.tables.put(source, ...["a", "b", "c"].map((id) => `{"id":{"S":"${id}"}}`));
    const asked = { ...backupRequest, "total-segments": 1, "batch-bytes": 20 };
    const [segment] = await accepted(asked, ports);
    const status = memoryStatusStore();
    const startMs = ports.clock.now();
    // It comes while the worker waits for its second batch's time.
    const read: typeof status.read = async (task) =>
      ports.clock.now() - startMs > 20_000 ? cancelled(segment!) : status.read(task);
    const [event] = await work(message("SegmentQueued", segment), { ...ports, status: { read } });
    expect(event).toMatchObject({
      type: "SegmentFailed",
      detail: { cause: "cancelled", work: { cursor: { batch: 1 }, counts: { batches: 1, items: 1 } } },
    });
    expect(ports.clock.now() - startMs).toBeLessThan(30_000);
    const row = project(cancelled(segment!), factOf(busEvent("SegmentFailed", event!.detail))!);
    expect(stateOf(row)).toBe("cancelled");
    expect(transferred(row)).toMatchObject({ batches: 1, items: 1 });
  });

  test.each(["backup", "restore"])("stops while a %s waits for its ceiling's turn", async (action) => {
    const ports = world();
    ports.tables.put(source, ...Array.from({ length: 400 }, (_, n) => `{"id":{"S":"${n}"}}`));
    if (action === "restore") await runTask(backupRequest, ports);
    const asked =
      action === "backup"
        ? { ...backupRequest, "bucket-prefix": "backups/two", "read-units": 1 }
        : { ...restoreRequest, "write-units": 1 };
    const [segment] = await accepted({ ...asked, "total-segments": 1 }, ports, "request-2");
    const startMs = ports.clock.now();
    // Somebody has booked the next two minutes.
    await ports.limiter.reserve(segment!.task, { durationMs: 120_000, nowMs: startMs, latestMs: startMs });
    const read: typeof ports.status.read = async () =>
      ports.clock.now() - startMs > 20_000 ? cancelled(segment!) : undefined;
    expect(await work(message("SegmentQueued", segment), { ...ports, status: { read } })).toMatchObject([
      { type: "SegmentFailed", detail: { cause: "cancelled" } },
    ]);
    expect(ports.clock.now() - startMs).toBeLessThan(30_000);
  });
});

describe("a retry", () => {
  const row = { action: "backup", key: "us-east-1-x", timestamp: 1 } as const;
  const ask = ({ key, timestamp }: { key: string; timestamp: number }) =>
    message("TaskRetryRequested", { task: { action: "backup", key, timestamp } }, "TaskStepFailed");

  /** A world with a backup of four segments, of which some are complete in archive and row. */
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

  test("of a failed task queues its unfinished segments under the next attempt, and they resume", async () => {
    const { ports, task } = await failed({ completed: [0, 2], failed: { 1: 1, 3: 1 } });
    const [event] = await work(ask(task), ports);
    expect(event).toMatchObject({ type: "TaskAccepted", detail: { attempt: 2, segments: [1, 3], task } });
    const queued = await work(message("TaskAccepted", event!.detail), ports);
    for (const { detail } of queued) {
      const { event } = await sliceToEnd(detail as never, ports);
      expect(event).toMatchObject({ type: "SegmentCompleted", detail: { attempt: 2 } });
    }
    expect(ports.archive.keys(bucket).filter((key) => key.includes("/0x"))).toHaveLength(4);
  });

  test("of a task that could not be finished queues nothing: finishing itself is tried again", async () => {
    const { ports, task } = await failed({ completed: [0, 1, 2, 3], failedStepAttempt: 1 });
    expect(await work(ask(task), ports)).toMatchObject([
      { type: "TaskAccepted", detail: { attempt: 2, segments: [] } },
    ]);
  });

  test("of a task that fell silent queues what is not complete: a message may be lost", async () => {
    const { ports, task } = await failed({ completed: [1] });
    expect(await work(ask(task), ports)).toMatchObject([
      { type: "TaskAccepted", detail: { attempt: 2, segments: [0, 2, 3] } },
    ]);
  });

  test("of a task whose announcement that it is complete was lost finishes it", async () => {
    const { ports, task } = await failed({ completed: [0, 1, 2, 3], items: 2 });
    const [event] = await work(ask(task), ports);
    expect(await work(message("TaskAccepted", event!.detail, "TaskStepFailed"), ports)).toMatchObject([
      { type: "TaskFinished", detail: { attempt: 2, items: 2 } },
    ]);
  });

  test.each([
    ["wiped", undefined],
    ["wiped and another's since", "request-9"],
  ])(
    "of a backup whose prefix was %s is refused, and ends it: it may have fallen silent",
    async (_, owner) => {
      const { ports, task } = await failed({ completed: [2], attempt: 3 });
      for (const key of ports.archive.keys(bucket)) ports.archive.remove(bucket, key);
      if (owner !== undefined) await request(backupRequest, ports, owner);
      const [event] = await work(ask(task), ports);
      expect(event).toMatchObject({ type: "TaskStepFailed", detail: { cause: "prefix-taken" } });
      const row = await ports.status.read(task);
      expect(stateOf(row!)).toBe("running");
      expect(stateOf(project(row, factOf(busEvent("TaskStepFailed", event!.detail))!))).toBe("failed");
    },
  );

  test("of a restore goes on where its segments stood", async () => {
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
    const broken = { ...ports, archive: { ...ports.archive, get: () => Promise.reject(gone) } };
    const [failed] = await work(message("SegmentProgressed", handedOff!.detail), broken);
    const row = [
      busEvent("TaskAccepted", { ...stepFields, task, plan, attempt: 1 }),
      busEvent("SegmentFailed", failed!.detail),
    ].reduce<TaskRow | undefined>((before, event) => project(before, factOf(event)!), undefined)!;
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
    expect(await work(ask(task), ports)).toMatchObject([
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
  ])("that %s is refused, and says which field it is", async (_, detail, field, what) => {
    const [event] = await work(message("TaskRetryRequested", detail, "TaskStepFailed"), world());
    expect(event).toMatchObject({
      type: "TaskControlRefused",
      detail: {
        control: "retry",
        cause: "invalid-request",
        issues: [{ field, message: expect.stringContaining(what) }],
        asked: detail,
      },
    });
  });

  test("of a task that nobody knows is refused", async () => {
    expect(await work(ask({ key: "us-east-1-x", timestamp: 1 }), world())).toMatchObject([
      {
        type: "TaskControlRefused",
        detail: { cause: "not-retryable", reason: expect.stringContaining("no such task") },
      },
    ]);
  });
});

describe("what a worker refuses and repeats", () => {
  test("a permanent error is thrown where the message names nothing that it fails as", async () => {
    const ports = world();
    const status = { ...ports.status, read: () => Promise.reject(gone) };
    const { failsAs: _, ...nameless } = message("TaskFinishing", {
      version: 1,
      task: { id: "k@1-0", action: "backup", key: "k", timestamp: 1, "request-id": "r" },
      attempt: 1,
      "transferred-items": 0,
      "transferred-bytes": 0,
      plan: { S: JSON.stringify(somePlan(someTask("k"))) },
    });
    await expect(work(nameless, { ...ports, status })).rejects.toMatchObject({ code: gone.code });
  });

  test.each([[null], [undefined], ["text"], [{}]])(
    "a request that is in a detail of %j is refused",
    async (detail) => {
      expect(await work(message("TaskRequested", detail, "TaskRejected"), world())).toMatchObject([
        {
          type: "TaskRejected",
          detail: { cause: "invalid-request", error: { operation: "TaskRequested", resource: "request" } },
        },
      ]);
    },
  );

  test("the first hundred issues of a request are told, and how many more there are", async () => {
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
    "a %s without a detail is an error that names it",
    async (type) => {
      for (const detail of [undefined, null, { version: 2 }])
        await expect(work(message(type, detail), world())).rejects.toMatchObject({
          kind: "transient",
          code: "malformed-event",
          resource: expect.stringContaining(type),
        });
    },
  );

  test("a retry that cannot be read names its event", async () => {
    const asked = message("TaskRetryRequested", {}, "TaskStepFailed");
    const [event] = await work(asked, world());
    expect(event).toMatchObject({
      type: "TaskControlRefused",
      detail: { control: "retry", asked: {}, "event-id": asked.event.id, time: asked.event.time },
    });
  });
});

describe("a task that is announced to be complete", () => {
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

  test("is finished once: a second announcement, or a retry's, does nothing", async () => {
    const { ports, task, plan } = await completed({ completed: [0], items: 1, finished: true });
    expect(await work(announced(task, plan), ports)).toEqual([]);
    expect(await work(again(task, plan), ports)).toEqual([]);
  });

  test("is finished also where no row is known", async () => {
    const { ports, task, plan } = await completed({});
    const blind = { ...ports, status: { ...ports.status, read: async () => undefined } };
    expect(await work(announced(task, plan), blind)).toMatchObject([{ type: "TaskFinished" }]);
  });

  test("is not finished by a retry whose row does not say so", async () => {
    const { ports, task, plan } = await completed({ completed: [], items: 1 });
    await expect(work(again(task, plan), ports)).rejects.toThrow("is not complete");
    const blind = { ...ports, status: { ...ports.status, read: async () => undefined } };
    await expect(work(again(task, plan), blind)).rejects.toThrow("is not complete");
  });
});

describe("a request", () => {
  const invalid = { ...backupRequest, "total-segments": 0 };

  test("that is rejected leaves its request-id free, and one that is accepted has it", async () => {
    const ports = world();
    expect(await request(invalid, ports)).toMatchObject([{ detail: { cause: "invalid-request" } }]);
    expect(await ports.registry.findRequest("request-1")).toBeUndefined();
    expect(await request(backupRequest, ports)).toMatchObject([{ type: "TaskAccepted" }]);
    expect(await ports.registry.findRequest("request-1")).toBeDefined();
    // The request-id names that one from now on.
    const other = { ...backupRequest, "bucket-prefix": "backups/two" };
    expect(await request(other, ports)).toMatchObject([
      { type: "TaskRejected", detail: { cause: "request-id-reused" } },
    ]);
  });

  test("has its deadline from its own time, and that of an attempt which a retry began from now on", async () => {
    const ports = world();
    const requestTimeMs = Date.parse("2026-11-01T02:00:00Z");
    ports.clock.advance(3_600_000);
    const [first] = await request(backupRequest, ports);
    const { taskTimeoutMs } = ports.settings;
    expect(first!.detail).toMatchObject({ attempt: 1, "deadline-ms": requestTimeMs + taskTimeoutMs });
    await ports.registry.raiseAttempt((first!.detail as SegmentWork).task, 2);
    const [again] = await request(backupRequest, ports);
    const nowMs = ports.clock.now();
    expect(again!.detail).toMatchObject({ attempt: 2, "deadline-ms": nowMs + taskTimeoutMs });
  });
});

describe("a claim", () => {
  test("of a slice that handed off stays: no other message does the slice again", async () => {
    const ports = world({ settings: { ...defaultSettings, sliceBudgetMs: 0 } });
    const [segment] = await accepted({ ...backupRequest, "total-segments": 1 }, ports);
    expect(await work(message("SegmentQueued", segment), ports)).toMatchObject([
      { type: "SegmentProgressed" },
    ]);
    expect(await ports.claims.claim(segment!, "message-2")).toEqual({ outcome: "taken" });
  });

  test("that a backup's segment is complete is not believed: its archive tells", async () => {
    const ports = world();
    const [segment] = await accepted({ ...backupRequest, "total-segments": 1 }, ports);
    await ports.claims.complete(segment!, { batches: 9, items: 9, bytes: 9 });
    expect(await work(message("SegmentQueued", segment), ports)).toMatchObject([
      { type: "SegmentCompleted", detail: { counts: { batches: 1, items: 0 } } },
    ]);
  });
});

test("a last step that cannot be done fails as its message says, with its detail", async () => {
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
