import { memoryStatusStore } from "@ferry/memory/status-store";
import {
  busEvent,
  failureFields,
  projecting,
  somePlan,
  someTask,
  stepFields,
} from "@ferry/memory/testing/tasks";
import { describe, expect, test } from "vitest";
import { sentence } from "../errors/errors.ts";
import { noCounts } from "../events/events.ts";
import type { StatusStore } from "../ports.ts";
import { projectBatch } from "./projector.ts";
import { stateOf, transferred } from "./status.ts";

const task = someTask("us-east-1-cities");
const plan = somePlan(task, 2);
const other = someTask("us-east-1-towns", "backup", "r-2");
const counts = { batches: 1, items: 10, bytes: 100 };

const message = (id: string, type: string, detail: object) => ({
  id,
  message: { event: busEvent(type, detail) },
});
const accepted = (id: string, attempt = 1, of = task) =>
  message(id, "TaskAccepted", { ...stepFields, task: of, plan, attempt });
const segment = (n: number, attempt = 1, of = task) => ({
  ...stepFields,
  task: of,
  plan,
  attempt,
  segment: n,
  counts,
});
const failed = (id: string, n: number, attempt = 1) =>
  message(id, "SegmentFailed", {
    version: 1,
    cause: "no-such-table",
    step: "SegmentQueued",
    work: { ...segment(n, attempt) },
    "event-id": id,
    time: "2026-11-01T02:00:00Z",
  });

const done = { failed: [], refused: [], withoutRow: [] };

describe("a batch", () => {
  test("of two tasks is one write for each", async () => {
    let writes = 0;
    const store = memoryStatusStore(() => writes++);
    expect(
      await projectBatch([accepted("a"), accepted("b", 1, other), accepted("c")], projecting(store)),
    ).toEqual(done);
    expect(writes).toBe(2);
    expect(
      store
        .rows()
        .map(({ key }) => key)
        .sort(),
    ).toEqual(["us-east-1-cities", "us-east-1-towns"]);
  });

  test("of a backup and a restore with the same key and timestamp is projected to two rows", async () => {
    const store = memoryStatusStore();
    const restore = { ...task, action: "restore" } as typeof task;
    await projectBatch([accepted("a"), accepted("b", 1, restore)], projecting(store));
    expect(
      store
        .rows()
        .map(({ action }) => action)
        .sort(),
    ).toEqual(["backup", "restore"]);
  });

  test("fails only the messages of the task whose row cannot be read", async () => {
    const store = memoryStatusStore();
    const away = new Error("away");
    const failing: StatusStore = {
      ...store,
      read: (key) => (key.key === task.key ? Promise.reject(away) : store.read(key)),
    };
    const unprojected = await projectBatch(
      [accepted("a"), accepted("b", 1, other), failed("c", 0)],
      projecting(failing),
    );
    expect(unprojected.failed).toEqual([
      { id: "a", error: away },
      { id: "c", error: away },
    ]);
    expect(store.rows()).toMatchObject([{ key: "us-east-1-towns" }]);
  });

  test("is written again after a lost write, up to fifty times, and then fails", async () => {
    const store = memoryStatusStore();
    let writes = 0;
    const losing = (times: number): StatusStore => ({
      ...store,
      write: async (row, rev) => (++writes <= times ? false : store.write(row, rev)),
    });
    expect(await projectBatch([accepted("a")], projecting(losing(49)))).toEqual(done);
    expect(writes).toBe(50);
    writes = 0;
    const unprojected = await projectBatch([accepted("b", 2)], projecting(losing(1000)));
    expect(unprojected.failed).toMatchObject([
      { id: "b", error: { message: expect.stringContaining("50 times") } },
    ]);
    expect(writes).toBe(50);
  });

  test("of a rejection without a row writes nothing and returns its message", async () => {
    const store = memoryStatusStore();
    const rejected = {
      ...failureFields,
      cause: "invalid-request",
      step: "TaskRequested",
      "event-id": "e",
      time: "",
      work: null,
    };
    expect(await projectBatch([message("a", "TaskRejected", rejected)], projecting(store))).toEqual({
      ...done,
      withoutRow: ["a"],
    });
    expect(store.rows()).toEqual([]);
  });

  test("of progress is one write of the row, which has the sum", async () => {
    let writes = 0;
    const store = memoryStatusStore(() => writes++);
    const progress = (n: number) => message(`p-${n}`, "SegmentProgressed", { ...segment(n), handoff: n > 0 });
    expect(await projectBatch([progress(0), progress(1), progress(2)], projecting(store))).toEqual(done);
    expect(writes).toBe(1);
    expect(transferred(store.rows()[0]!)).toMatchObject({ batches: 3, items: 30, bytes: 300 });
  });
});

describe("a cancel of an attempt that has not begun", () => {
  const cancel = (id: string, attempt: number) =>
    message(id, "TaskCancelRequested", { task: named, attempt });
  const { action, key, timestamp } = task;
  const named = { action, key, timestamp };
  const refusals = ({ refused }: Awaited<ReturnType<typeof projectBatch>>) =>
    refused.map(({ id, event }) => [id, (event.detail as { cause: string }).cause]);

  test("is refused, since it would stop every attempt up to it", async () => {
    const store = memoryStatusStore();
    const ports = projecting(store);
    const batch = await projectBatch([accepted("a"), cancel("b", 7)], ports);
    expect(refusals(batch)).toEqual([["b", "no-such-attempt"]]);
    expect(store.rows()).toMatchObject([{ cancelledAttempt: 0, attempt: 1 }]);
  });

  test("is refused also if the row has no facts yet", async () => {
    const store = memoryStatusStore();
    const ports = projecting(store);
    await ports.registry.claimRow(named, "owner");
    expect(refusals(await projectBatch([cancel("a", 2)], ports))).toEqual([["a", "no-such-attempt"]]);
    expect(store.rows()).toEqual([]);
    expect(await projectBatch([cancel("b", 1)], ports)).toEqual(done);
    expect(store.rows()).toMatchObject([{ cancelledAttempt: 1 }]);
  });

  test("is distinguished from an attempt that is not projected yet", async () => {
    const store = memoryStatusStore();
    const ports = projecting(store);
    await projectBatch([accepted("a")], ports);
    await ports.registry.raiseAttempt(task, 2);
    expect(await projectBatch([cancel("b", 2)], ports)).toEqual(done);
    expect(refusals(await projectBatch([cancel("c", 3)], ports))).toEqual([["c", "no-such-attempt"]]);
    expect(store.rows()).toMatchObject([{ cancelledAttempt: 2, attempt: 1 }]);
  });
});

describe("an end that is reached again", () => {
  /** The state and attempt of each write of the row. */
  async function states(...batches: ReturnType<typeof message>[][]) {
    const written: string[] = [];
    const store = memoryStatusStore(({ after }) => written.push(`${stateOf(after)} ${after.attempt}`));
    for (const batch of batches) await projectBatch(batch, projecting(store));
    return written;
  }
  const stepFailed = (id: string, attempt: number) =>
    message(id, "TaskStepFailed", {
      ...failureFields,
      cause: "archive-incomplete",
      step: "TaskFinishing",
      work: { task, attempt },
      "event-id": id,
      time: "2026-11-01T02:00:00Z",
    });

  test("by a later attempt is announced again, since the row leaves the state in between", async () => {
    expect(await states([accepted("a"), stepFailed("b", 1)], [accepted("c", 2), stepFailed("d", 2)])).toEqual(
      ["failed 1", "running 2", "failed 2"],
    );
  });

  test("by the same attempt is not announced again", async () => {
    expect(await states([accepted("a"), stepFailed("b", 1)], [failed("c", 0)])).toEqual([
      "failed 1",
      "failed 1",
    ]);
  });

  test("as another state needs no state in between", async () => {
    const cancel = message("c", "TaskCancelRequested", { task, attempt: 2 });
    const batches = [accepted("d", 2), stepFailed("e", 2), cancel];
    expect(await states([accepted("a"), stepFailed("b", 1)], batches)).toEqual(["failed 1", "cancelled 2"]);
  });

  test("as succeeded is announced once", async () => {
    const finished = message("b", "TaskFinished", { version: 1, task, attempt: 1, items: 20 });
    expect(await states([accepted("a"), finished], [accepted("c", 2)])).toEqual([
      "succeeded 1",
      "succeeded 2",
    ]);
  });

  test("does not include the state running", async () => {
    expect(await states([accepted("a")], [accepted("b", 2)])).toEqual(["running 1", "running 2"]);
  });
});

describe("a segment's record", () => {
  const record = async (...batch: ReturnType<typeof message>[]) => {
    const store = memoryStatusStore();
    await projectBatch(batch, projecting(store));
    return store.records(task.id);
  };

  test("of a failure has the reason", async () => {
    expect(await record(failed("a", 0))).toEqual([
      {
        task: task.id,
        segment: 0,
        state: "failed",
        attempt: 1,
        ...counts,
        handoffs: 0,
        reason: expect.stringContaining("no-such-table: "),
        updatedTime: "2026-11-01T02:00:00Z",
      },
    ]);
  });

  test("has what its slices used; of two reports of equal progress the one that used more", async () => {
    const report = (id: string, units: number, handoffs: number) =>
      message(id, "SegmentProgressed", {
        ...segment(0),
        handoff: true,
        handoffs,
        usage: { units, throttles: 1, ms: 100 * units },
      });
    for (const batch of [
      [report("a", 9, 1), report("b", 10, 1), report("c", 8, 1)],
      [report("b", 10, 1), report("a", 9, 1)],
    ])
      expect(await record(...batch)).toMatchObject([
        { handoffs: 1, usage: { units: 10, throttles: 1, ms: 1000 } },
      ]);
  });

  test("of another state has no reason", async () => {
    const queued = message("a", "SegmentQueued", { ...segment(0), counts: noCounts });
    expect((await record(queued))[0]).not.toHaveProperty("reason");
    const progress = message("b", "SegmentProgressed", segment(0));
    expect(await record(progress, queued)).toMatchObject([{ state: "running", items: 10 }]);
  });
});

describe("a fact of another task than the row's", () => {
  const store = async () => {
    const rows = memoryStatusStore();
    await projectBatch([accepted("a")], projecting(rows));
    return rows;
  };
  const named = { action: task.action, key: task.key, timestamp: task.timestamp };
  const error = (id: string, requestId: string) => ({
    kind: "permanent",
    code: "another-task",
    operation: "project",
    resource: `row ${task.key}@${task.timestamp}`,
    message: `The row ${task.key}@${task.timestamp} belongs to task ${task.id}, request r-1, but the event names task ${id}, request ${requestId}.`,
    hint: expect.stringContaining("from the row itself"),
  });

  test.each([
    ["with another id", { id: "k@1-0" }, "k@1-0", "r-1"],
    ["with another request-id", { "request-id": "r-9" }, task.id, "r-9"],
  ])("%s fails", async (_, change, id, requestId) => {
    const rows = await store();
    const other = accepted("b", 2, { ...task, ...change });
    const { failed: unprojected } = await projectBatch([other], projecting(rows));
    expect(unprojected).toMatchObject([{ id: "b", error: error(id, requestId) }]);
    expect(rows.rows()).toMatchObject([{ attempt: 1 }]);
  });

  test("that is a cancel is refused, in an event with the reason", async () => {
    const rows = await store();
    const cancel = message("b", "TaskCancelRequested", { task: { ...named, "request-id": "r-9" } });
    const { failed: unprojected, refused } = await projectBatch([cancel], projecting(rows));
    expect(unprojected).toEqual([]);
    expect(refused).toMatchObject([
      {
        id: "b",
        event: {
          type: "TaskControlRefused",
          detail: {
            control: "cancel",
            cause: "another-task",
            reason: `The row ${task.key}@${task.timestamp} belongs to task ${task.id}, request r-1, but the event names task undefined, request r-9.`,
          },
        },
      },
    ]);
  });
});

describe("an operator's cancel", () => {
  const { action, key, timestamp } = task;
  const cancel = (attempt: number) =>
    message("c", "TaskCancelRequested", { task: { action, key, timestamp }, attempt });
  const reasons = async (ports: ReturnType<typeof projecting>, attempt = 1) => {
    const { failed: unprojected, refused } = await projectBatch([cancel(attempt)], ports);
    expect(unprojected).toEqual([]);
    return refused.map(({ event }) => {
      const { cause, reason, hint } = event.detail as { cause: string; reason: string; hint: string };
      expect(hint).toContain("status table");
      return `${cause}: ${reason}`;
    });
  };

  describe("that names no attempt", () => {
    const open = (eventId: string) => {
      const { id, message: sent } = message("c", "TaskCancelRequested", { task: { action, key, timestamp } });
      return { id, message: { event: { ...sent.event, id: eventId } } };
    };
    const cancelledAttempt = (store: ReturnType<typeof memoryStatusStore>) =>
      store.rows()[0]?.cancelledAttempt;

    test("cancels the current attempt, also one that the row does not show yet", async () => {
      const store = memoryStatusStore();
      const ports = projecting(store);
      await projectBatch([accepted("a"), accepted("b", 2)], ports);
      await projectBatch([open("e-1")], ports);
      expect(cancelledAttempt(store)).toBe(2);
      await ports.registry.raiseAttempt(task, 3);
      await projectBatch([open("e-2")], ports);
      expect(cancelledAttempt(store)).toBe(3);
      expect(stateOf(store.rows()[0]!)).toBe("cancelling");
    });

    test("cancels the same attempt when it is delivered again after a retry", async () => {
      const store = memoryStatusStore();
      const ports = projecting(store);
      await projectBatch([accepted("a"), open("e-1")], ports);
      await projectBatch([accepted("b", 2), open("e-1")], ports);
      expect(cancelledAttempt(store)).toBe(1);
      expect(stateOf(store.rows()[0]!)).toBe("running");
    });

    test("of a task without a row cancels its first attempt, also if it is delivered again later", async () => {
      const store = memoryStatusStore();
      const ports = projecting(store);
      await ports.registry.claimRow(task, "owner");
      expect(await projectBatch([open("e-1")], ports)).toEqual(done);
      await projectBatch([accepted("a"), accepted("b", 2), open("e-1")], ports);
      expect(cancelledAttempt(store)).toBe(1);
    });

    test("of a row that no task has claimed is refused, and records nothing", async () => {
      const store = memoryStatusStore();
      const ports = projecting(store);
      const { refused } = await projectBatch([open("e-1")], ports);
      expect(refused).toMatchObject([{ event: { detail: { cause: "no-such-task" } } }]);
      expect(store.rows()).toEqual([]);
    });
  });

  test("of a row that no task has claimed is refused", async () => {
    const store = memoryStatusStore();
    expect(await reasons(projecting(store))).toEqual([
      "no-such-task: No task has the row us-east-1-cities@1793498400123 in the backup-table.",
    ]);
    expect(store.rows()).toEqual([]);
  });

  test("of a projected row is accepted, even if the row's claim has expired", async () => {
    const store = memoryStatusStore();
    await projectBatch([accepted("a")], projecting(store));
    expect(await reasons(projecting(store))).toEqual([]);
    expect(store.rows()).toMatchObject([{ cancelledAttempt: 1 }]);
  });

  test("of an attempt that has not begun is refused with the number of attempts", async () => {
    const ports = projecting(memoryStatusStore());
    await projectBatch([accepted("a", 3)], ports);
    expect(await reasons(ports, 4)).toEqual([
      "no-such-attempt: The task has had 3 attempts, but the cancel names attempt 4.",
    ]);
  });

  test("of a projected attempt does not read the registry", async () => {
    const store = memoryStatusStore();
    const ports = projecting(store);
    await projectBatch([accepted("a", 2)], ports);
    const raiseAttempt = () => Promise.reject(new Error("read"));
    const withoutRegistry = { ...ports, registry: { ...ports.registry, raiseAttempt } };
    expect(await reasons(withoutRegistry, 1)).toEqual([]);
    expect(await reasons(withoutRegistry, 2)).toEqual([]);
    expect(store.rows()).toMatchObject([{ cancelledAttempt: 2 }]);
  });

  test("of a second attempt in a row that only a cancel created is refused", async () => {
    const ports = projecting(memoryStatusStore());
    await ports.registry.claimRow({ action, key, timestamp }, "owner");
    expect(await reasons(ports)).toEqual([]);
    const raiseAttempt = () => Promise.reject(new Error("read"));
    expect(await reasons({ ...ports, registry: { ...ports.registry, raiseAttempt } }, 2)).toEqual([
      "no-such-attempt: The task has had 1 attempts, but the cancel names attempt 2.",
    ]);
  });

  test("that is invalid is refused; any other invalid event fails", async () => {
    const odd = [message("a", "TaskCancelRequested", {}), message("b", "TaskFinished", {})];
    const { failed: unprojected, refused } = await projectBatch(odd, projecting(memoryStatusStore()));
    expect(refused).toMatchObject([
      { id: "a", event: { detail: { control: "cancel", cause: "invalid-request" } } },
    ]);
    expect(unprojected.map(({ id }) => id)).toEqual(["b"]);
  });
});

describe("the failure event of a message whose attempts ran out", () => {
  const exhausted = {
    ...failureFields,
    cause: "attempts-exhausted",
    "event-id": "event-9",
    time: "2026-11-01T02:00:00Z",
  };
  const request = { action: "backup", "table-region": "us-east-1", "table-name": "cities" };

  test("of a request is projected to the request's own row", async () => {
    const store = memoryStatusStore();
    const ports = projecting(store);
    const detail = { ...exhausted, step: "TaskRequested", work: { request, "request-id": "nightly" } };
    const rejected = message("a", "TaskRejected", detail);
    expect(await projectBatch([rejected], ports)).toEqual(done);
    expect(store.rows()).toMatchObject([
      { key: "us-east-1-cities", "request-id": "nightly", rejected: true, request },
    ]);
    // A repeat is projected to the same row. A worker's rejection is projected to the row that it names.
    const named = message("b", "TaskRejected", { ...detail, cause: "invalid-request", task: other });
    expect(await projectBatch([{ ...rejected, id: "c" }, named], ports)).toEqual(done);
    expect(store.rows().map(({ key }) => key)).toEqual(["us-east-1-cities", "us-east-1-towns"]);
  });

  test("of a request without a request-id uses the id and the time of its event", async () => {
    const store = memoryStatusStore();
    const detail = { ...exhausted, step: "TaskRequested", work: { request } };
    await projectBatch([message("a", "TaskRejected", detail)], projecting(store));
    const [row] = store.rows();
    expect(row).toMatchObject({ "request-id": "event-9" });
    expect(Math.floor(row!.timestamp / 1000)).toBe(Date.parse("2026-11-01T02:00:00Z") / 1000);
  });

  test("of a request without a row is returned as such; that of a retry is ignored", async () => {
    const noKey = message("a", "TaskRejected", {
      ...exhausted,
      step: "TaskRequested",
      work: { request: {} },
    });
    const retried = message("b", "TaskStepFailed", {
      ...exhausted,
      step: "TaskRetryRequested",
      work: { task },
    });
    expect(await projectBatch([noKey, retried], projecting(memoryStatusStore()))).toEqual({
      ...done,
      withoutRow: ["a"],
    });
  });

  test("has the last error of the workers, also in each later delivery", async () => {
    const store = memoryStatusStore();
    const ports = projecting(store);
    const error = { operation: "Scan", resource: "table t", message: "The table is gone.", hint: "Look." };
    await ports.lastErrors.record("event-9", error);
    const failure = message("a", "SegmentFailed", { ...exhausted, work: segment(0) });
    expect(await projectBatch([failure], ports)).toEqual(done);
    await ports.lastErrors.record("event-9", { ...error, message: "Later." });
    expect(await projectBatch([{ ...failure, id: "b" }], ports)).toEqual(done);
    expect(store.rows()[0]!.reasons.map(({ text }) => text)).toEqual([
      `attempts-exhausted: SegmentQueued failed until its attempts ran out. ${sentence(error)}`,
    ]);
  });

  test("says that there is no error if the workers were stopped before they could record one", async () => {
    const store = memoryStatusStore();
    const failure = message("a", "SegmentFailed", { ...exhausted, work: segment(0) });
    await projectBatch([failure], projecting(store));
    expect(store.rows()[0]!.reasons[0]!.text).toMatch(
      /^attempts-exhausted: SegmentQueued failed until its attempts ran out\. No worker could record an error/,
    );
  });

  const failureError = { operation: "Scan", resource: "t", message: "m", hint: "h", retryable: false };
  test.each([
    { step: "TaskRequested", type: "TaskRejected", added: { task: other } },
    { step: "SegmentQueued", type: "SegmentFailed", added: { error: failureError } },
    { step: "TaskFinishing", type: "TaskStepFailed", added: { task: other } },
  ])(
    "is refused as $type if a message added $added, which only a worker reports",
    async ({ step, type, added }) => {
      const store = memoryStatusStore();
      const forged = message("a", type, { ...exhausted, step, work: segment(0), ...added });
      const { failed: unprojected } = await projectBatch([forged], projecting(store));
      expect(unprojected).toMatchObject([{ id: "a", error: { code: "malformed-event" } }]);
      expect(store.rows()).toEqual([]);
    },
  );

  const slice = segment(0);
  const { cursor: _, ...unreadable } = slice;
  test.each([
    ["a segment releases its claim", "attempts-exhausted", slice, true],
    ["a segment that a worker reported does not release its claim", "cancelled", slice, false],
    ["a segment whose work is invalid does not release a claim", "attempts-exhausted", unreadable, false],
  ])("of %s", async (_name, cause, work, isFree) => {
    const ports = projecting(memoryStatusStore());
    await ports.claims.claim(slice as never, "message-1");
    const failure = message("a", "SegmentFailed", { ...exhausted, cause, work });
    expect((await projectBatch([failure], ports)).failed).toEqual([]);
    const { outcome } = await ports.claims.claim(slice as never, "message-2");
    expect(outcome).toBe(isFree ? "claimed" : "taken");
  });
});

test("each write raises the row's revision by one, and a fact that adds nothing is not written", async () => {
  const revisions: number[] = [];
  const store = memoryStatusStore(({ after }) => revisions.push(after.rev));
  for (const batch of [[accepted("a")], [accepted("b", 2)], [accepted("c"), accepted("d", 2)]])
    await projectBatch(batch, projecting(store));
  expect(revisions).toEqual([1, 2]);
});

test("a batch writes the highest-ranking record of each segment, in any order of facts", async () => {
  const completed = (n: number) => message(`c-${n}`, "SegmentCompleted", segment(n));
  const queued = (n: number) => message(`q-${n}`, "SegmentQueued", { ...segment(n), counts: noCounts });
  for (const batch of [
    [queued(0), completed(0), queued(1)],
    [queued(1), completed(0), queued(0)],
  ]) {
    const store = memoryStatusStore();
    await projectBatch(batch, projecting(store));
    const records = store.records(task.id).toSorted((a, b) => a.segment - b.segment);
    expect(records.map(({ segment: n, state }) => [n, state])).toEqual([
      [0, "completed"],
      [1, "queued"],
    ]);
  }
});
