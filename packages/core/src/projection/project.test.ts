import { memoryStatusStore } from "@ferry/memory/status-store";
import {
  busEvent,
  failureFields,
  projecting,
  somePlan,
  someTask,
  stepFields,
} from "@ferry/memory/testing/tasks";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Plan } from "../events/events.ts";
import { type Fact, factOf, type Statement } from "./facts.ts";
import { project } from "./project.ts";
import { projectBatch } from "./projector.ts";
import { newTaskRow, reasonsOf, stateOf, type TaskRow, transferred } from "./status.ts";

const TOTAL = 3;
const row = {
  action: "backup",
  key: "us-east-1-cities",
  timestamp: 1_700_000_000_123,
  "request-id": "r-1",
} as const;
const plan = somePlan(someTask(row.key), TOTAL);
const fact = (statement: Statement, time = "2026-11-01T02:00:00Z"): Fact => ({ ...statement, row, time });
const counts = (segment: number) => ({
  batches: segment + 1,
  items: 10 * segment,
  bytes: 100 * segment,
  ...(segment > 0 && { skipped: segment }),
});

/**
 * All facts that a task may have over two attempts with a cancel. All workers of a segment report the same counts when it is
 * complete, and at most these before.
 */
const statement: fc.Arbitrary<Statement> = fc
  .record({
    attempt: fc.integer({ min: 1, max: 2 }),
    segment: fc.nat(TOTAL - 1),
    part: fc.nat(TOTAL - 1),
    reason: fc.constantFrom("a", "b"),
  })
  .chain(({ attempt, segment, part, reason }) =>
    fc.constantFrom<Statement>(
      { kind: "accepted", attempt, plan },
      { kind: "rejected", cause: reason, text: reason, request: { action: "backup" } },
      { kind: "cancel", attempt },
      { kind: "stepFailed", attempt, cause: reason, text: reason },
      { kind: "finishing", attempt, plan },
      { kind: "finished", attempt },
      { kind: "queued", attempt, segment, counts: counts(0), plan },
      { kind: "progressed", attempt, segment, counts: counts(Math.min(part, segment)), plan },
      { kind: "completed", attempt, segment, counts: counts(segment), plan },
      { kind: "failed", attempt, segment, counts: counts(0), cause: reason, text: reason },
    ),
  );
const facts = fc.array(
  fc.tuple(statement, fc.integer({ min: 0, max: 9 })).map(([one, s]) => fact(one, `2026-11-01T02:00:0${s}Z`)),
  { minLength: 1, maxLength: 25 },
);
const joined = (all: readonly Fact[]) => all.reduce<TaskRow | undefined>(project, undefined)!;

describe("the projection is a join", () => {
  test("any order and any repetition of a task's facts gives the same row", () =>
    fc.assert(
      fc.property(
        facts.chain((all) =>
          fc.tuple(
            fc.constant(all),
            fc.shuffledSubarray([...all, ...all], { minLength: 0 }).map((more) => [...more, ...all]),
            fc.shuffledSubarray(all, { minLength: all.length }),
          ),
        ),
        ([all, repeated, shuffled]) => {
          expect(joined(repeated)).toEqual(joined(all));
          expect(joined([...repeated, ...shuffled])).toEqual(joined(all));
          expect(joined(shuffled)).toEqual(joined(all));
        },
      ),
      { numRuns: 200 },
    ));

  test("a fact that adds nothing returns the same object, so nothing is written", () =>
    fc.assert(
      fc.property(facts, (all) => {
        const row = joined(all);
        for (const one of all) expect(project(row, one)).toBe(row);
      }),
    ));

  test("a row that succeeded stays succeeded", () =>
    fc.assert(
      fc.property(facts, facts, (before, after) => {
        const row = joined([...before, fact({ kind: "finished", attempt: 1 })]);
        expect(stateOf(after.reduce(project, row))).toBe("succeeded");
      }),
    ));

  test("what was transferred never goes back", () =>
    fc.assert(
      fc.property(facts, (all) => {
        let before = { batches: 0, items: 0, bytes: 0 };
        let row: TaskRow | undefined;
        for (const one of all) {
          row = project(row, one);
          const after = transferred(row);
          for (const name of ["batches", "items", "bytes"] as const)
            expect(after[name]).toBeGreaterThanOrEqual(before[name]);
          before = after;
        }
      }),
    ));

  test("the counts are those of the completed segments, each counted once", () =>
    fc.assert(
      fc.property(facts, (all) => {
        const row = joined(all);
        expect(row.items).toBe(row.completed.reduce((sum, segment) => sum + counts(segment).items, 0));
        expect(row.skipped).toBe(row.completed.reduce((sum, segment) => sum + segment, 0));
      }),
    ));
});

test("a last step that continues changes only the time of the row's update", () => {
  const before = joined([fact({ kind: "accepted", attempt: 1, plan })]);
  const time = "2026-11-01T02:05:00Z";
  expect(project(before, fact({ kind: "finishing", attempt: 1, plan }, time))).toEqual({
    ...before,
    updatedTime: time,
  });
});

describe("given facts, then the state", () => {
  const accepted = (attempt = 1): Statement => ({ kind: "accepted", attempt, plan });
  const completed = (segment: number, attempt = 1): Statement => ({
    kind: "completed",
    attempt,
    segment,
    counts: counts(segment),
    plan,
  });
  const failed = (segment: number, attempt = 1): Statement => ({
    kind: "failed",
    attempt,
    segment,
    counts: counts(0),
    cause: "x",
    text: `failed in attempt ${attempt}`,
  });
  const queued = (segment: number, attempt: number): Statement => ({
    kind: "queued",
    attempt,
    segment,
    counts: counts(0),
    plan,
  });
  const all = (attempt = 1) => [0, 1, 2].map((segment) => completed(segment, attempt));
  const rejected: Statement = { kind: "rejected", cause: "x", text: "no such table", request: {} };
  const cancel: Statement = { kind: "cancel", attempt: 1 };
  const stepFailed: Statement = { kind: "stepFailed", attempt: 1, cause: "x", text: "could not finish" };
  const finished: Statement = { kind: "finished", attempt: 1 };

  test.each<[string, string, Statement[]]>([
    ["running", "only a segment's fact has arrived", [completed(0)]],
    ["rejected", "the request was rejected", [rejected]],
    ["running", "a duplicate of the accepted request was rejected", [rejected, accepted()]],
    ["running", "a segment failed and others are running", [accepted(), failed(1)]],
    ["finishing", "every segment is complete", [accepted(), ...all()]],
    ["finishing", "a late worker completed a failed segment", [accepted(), failed(0), ...all()]],
    ["succeeded", "it is finished", [accepted(), ...all(), finished]],
    [
      "failed",
      "a segment failed and the others are complete",
      [accepted(), completed(0), completed(1), failed(2)],
    ],
    ["failed", "a step of the task itself failed", [accepted(), stepFailed]],
    ["failed", "the last step failed", [accepted(), ...all(), stepFailed]],
    ["cancelling", "it is cancelled and segments are running", [accepted(), cancel, failed(0)]],
    [
      "cancelled",
      "it is cancelled and all segments have ended",
      [accepted(), cancel, failed(0), failed(1), failed(2)],
    ],
    ["finishing", "it is cancelled after all segments completed", [accepted(), cancel, ...all()]],
    ["running", "it is retried", [accepted(), failed(0), failed(1), failed(2), accepted(2), queued(0, 2)]],
    [
      "running",
      "a cancelled task is retried and none of its segments has reported",
      [accepted(), cancel, failed(0), failed(1), failed(2), accepted(2)],
    ],
    [
      "running",
      "a segment of a retry failed before the others reported",
      [accepted(), failed(0), failed(1), completed(2), accepted(2), failed(0, 2)],
    ],
    ["finishing", "the last step is retried", [accepted(), ...all(), stepFailed, accepted(2)]],
    [
      "failed",
      "a retry failed",
      [accepted(), failed(0), accepted(2), failed(0, 2), completed(1, 2), completed(2, 2)],
    ],
  ])("is %s when %s", (state, _, statements) => {
    expect(stateOf(joined(statements.map((one) => fact(one))))).toBe(state);
  });

  test("the reasons are those that still apply", () => {
    const first = [accepted(), failed(0), completed(1), completed(2)].map((one) => fact(one));
    expect(reasonsOf(joined(first))).toEqual(["segment 0: failed in attempt 1"]);
    expect(reasonsOf(joined([...first, fact(accepted(2)), fact(queued(0, 2))]))).toEqual([]);
    expect(reasonsOf(joined([...first, fact(accepted(2)), fact(failed(0, 2))]))).toEqual([
      "segment 0: failed in attempt 2",
    ]);
    expect(reasonsOf(joined([fact(rejected)]))).toEqual(["no such table"]);
  });
});

test("the skipped items of a failed segment count until the segment is complete", () => {
  const failed = (attempt: number, line: number, skipped?: number): Statement => ({
    kind: "failed",
    attempt,
    segment: 1,
    cause: "x",
    text: "x",
    plan,
    cursor: { file: 0, line },
    counts: { batches: 0, items: line, bytes: line },
    ...(skipped !== undefined && { counts: { batches: 0, items: line, bytes: line, skipped } }),
  });
  const row = (...statements: Statement[]) => joined(statements.map((one) => fact(one)));
  expect(transferred(row(failed(1, 5, 3), failed(2, 7, 4))).skipped).toBe(4);
  expect(transferred(row(failed(2, 7, 4), failed(1, 5, 3))).skipped).toBe(4);
  // Of two equal positions the higher count is kept, in either order.
  expect(transferred(row(failed(1, 5, 3), failed(2, 5))).skipped).toBe(3);
  expect(transferred(row(failed(2, 5), failed(1, 5, 3))).skipped).toBe(3);
  const completed: Statement = { kind: "completed", attempt: 2, segment: 1, counts: counts(1), plan };
  expect(transferred(row(failed(1, 5, 3), completed)).skipped).toBe(1);
});

test("a cancel does not raise the attempt", () => {
  const cancelled = joined([
    fact({ kind: "accepted", attempt: 1, plan }),
    fact({ kind: "cancel", attempt: 2 }),
  ]);
  expect(cancelled).toMatchObject({ attempt: 1, cancelledAttempt: 2 });
});

describe("a batch", () => {
  const task = someTask("us-east-1-cities");
  const message = (id: string, type: string, detail: object) => ({
    id,
    message: { event: busEvent(type, detail) },
  });
  const segment = (n: number) => ({ ...stepFields, task, plan, attempt: 1, segment: n, counts: counts(n) });
  const batch = [
    message("m-0", "TaskAccepted", { ...stepFields, task, plan, attempt: 1 }),
    ...[0, 1, 2].map((n) => message(`m-${n + 1}`, "SegmentCompleted", segment(n))),
  ];

  test("of one task is one write", async () => {
    let writes = 0;
    const store = memoryStatusStore(() => writes++);
    expect(await projectBatch(batch, projecting(store))).toEqual({ failed: [], refused: [], withoutRow: [] });
    expect(writes).toBe(1);
    expect(store.rows()).toMatchObject([{ key: "us-east-1-cities", completed: [0, 1, 2], rev: 1 }]);
    expect(store.records(task.id).map(({ state }) => state)).toEqual(["completed", "completed", "completed"]);
    expect(store.records(task.id).map(({ skipped }) => skipped)).toEqual([undefined, 1, 2]);
    // A repeat writes nothing.
    await projectBatch(batch, projecting(store));
    expect(writes).toBe(1);
  });

  test("is projected completely while other projectors write the row", async () => {
    const store = memoryStatusStore();
    const results = await Promise.all(batch.map((one) => projectBatch([one], projecting(store))));
    expect(results.flatMap(({ failed }) => failed)).toEqual([]);
    expect(store.rows()).toMatchObject([{ completed: [0, 1, 2], rev: 4 }]);
  });

  test("fails only the messages that are invalid or belong to another task", async () => {
    const store = memoryStatusStore();
    await projectBatch(batch, projecting(store));
    const { failed, refused } = await projectBatch(
      [
        message("bad", "TaskCancelRequested", { task: "cities" }),
        message("foreign", "SegmentFailed", {
          ...failureFields,
          cause: "no-such-table",
          work: { ...segment(0), task: { ...task, "request-id": "r-9" } },
        }),
        message("good", "TaskCancelRequested", {
          task: { action: "backup", key: task.key, timestamp: task.timestamp },
        }),
      ],
      projecting(store),
    );
    expect(failed.map(({ id }) => id)).toEqual(["foreign"]);
    expect(refused.map(({ id }) => id)).toEqual(["bad"]);
    expect(store.rows()).toMatchObject([{ cancelledAttempt: 1, failed: {} }]);
  });

  test("with a retry of a finishing task leaves that state and returns to it, so that it is announced", async () => {
    const states: string[] = [];
    const store = memoryStatusStore(({ after }) => states.push(`${stateOf(after)} ${after.attempt}`));
    const accept = (attempt: number) => ({
      ...stepFields,
      task,
      plan: { ...plan, "total-segments": 1 },
      attempt,
    });
    const completed = { version: 1, task, plan: accept(1).plan, attempt: 1, segment: 0, counts: counts(0) };
    await projectBatch([message("a", "TaskAccepted", accept(1))], projecting(store));
    await projectBatch([message("c", "SegmentCompleted", completed)], projecting(store));
    await projectBatch([message("b", "TaskAccepted", accept(2))], projecting(store));
    expect(states).toEqual(["running 1", "finishing 1", "running 2", "finishing 2"]);
  });

  test("whose projector crashed between two equal end states is completed by the next batch", async () => {
    const store = memoryStatusStore();
    const row: TaskRow = {
      ...newTaskRow(task, "2026-11-01T02:00:00Z"),
      plan: { ...plan, "total-segments": 1 } as Plan,
      accepted: true,
      total: 1,
      completed: [0],
      attempt: 2,
      reannounce: true,
    };
    await store.write(row, undefined);
    expect(stateOf(row)).toBe("running");
    const late = { ...stepFields, task, plan: row.plan, attempt: 1 };
    await projectBatch([message("a", "TaskAccepted", late)], projecting(store));
    expect(store.rows().map(stateOf)).toEqual(["finishing"]);
  });

  test.each([
    ["acceptance first", ["TaskAccepted", "SegmentFailed"]],
    ["failure first", ["SegmentFailed", "TaskAccepted"]],
  ])(
    "with a retry that failed at once leaves the state and returns to it, so that it is announced: %s",
    async (_, types) => {
      const states: string[] = [];
      const store = memoryStatusStore(({ after }) => states.push(`${stateOf(after)} ${after.attempt}`));
      const details = (attempt: number): Record<string, object> => ({
        TaskAccepted: { ...stepFields, task, plan: { ...plan, "total-segments": 1 }, attempt },
        SegmentFailed: { ...failureFields, cause: "no-such-table", work: { ...segment(0), attempt } },
      });
      for (const attempt of [1, 2])
        await projectBatch(
          types.map((type) => message(`${type} ${attempt}`, type, details(attempt)[type]!)),
          projecting(store),
        );
      expect(states).toEqual(["failed 1", "running 2", "failed 2"]);
    },
  );

  test("writes a segment's highest-ranking record, in any order of its facts", async () => {
    const store = memoryStatusStore();
    const queued = message("q", "SegmentQueued", { ...segment(1), counts: counts(0) });
    await projectBatch(
      [queued, message("c", "SegmentCompleted", segment(1)), { ...queued, id: "q2" }],
      projecting(store),
    );
    expect(store.records(task.id)).toMatchObject([{ state: "completed", items: 10 }]);
  });

  test("of progress writes the segment's record, too", async () => {
    const store = memoryStatusStore();
    await projectBatch(
      [message("p", "SegmentProgressed", { ...segment(1), handoff: false })],
      projecting(store),
    );
    expect(store.records(task.id)).toMatchObject([{ segment: 1, state: "running", items: 10 }]);
  });
});

describe("a fact", () => {
  const work = {
    request: { action: "backup", "table-region": "us-east-1", "table-name": "x", odd: { a: 1 } },
    "request-id": "r-1",
  };
  const failure = {
    version: 1,
    cause: "attempts-exhausted",
    step: "TaskRequested",
    work,
    "event-id": "e",
    time: "2026-11-01T02:00:00Z",
  };

  test("of a failed fan-out carries the plan, which the row may not have", () => {
    const work = { task: someTask(row.key), plan, attempt: 1, segments: [0, 1, 2] };
    const detail = { ...failure, step: "TaskAccepted", work };
    const after = project(undefined, factOf(busEvent("TaskStepFailed", detail)) as Fact);
    expect(after).toMatchObject({ accepted: true, failedStepAttempt: 1, plan });
    expect(stateOf(after)).toBe("failed");
  });

  test("of a rejection has the row of its task", () => {
    const task = someTask("us-east-1-x");
    expect(factOf(busEvent("TaskRejected", { ...failure, task }))).toMatchObject({
      kind: "rejected",
      row: task,
      request: { action: "backup", "table-region": "us-east-1", "table-name": "x" },
      text: expect.stringContaining("attempts-exhausted"),
    });
  });

  test("of a retry whose attempts ran out concerns no row, whatever attempt it names", () => {
    const work = { task: row, attempt: 7 };
    const detail = { ...failure, step: "TaskRetryRequested", work };
    expect(factOf(busEvent("TaskStepFailed", detail))).toBeUndefined();
  });

  test("of a request that is too large for a row has only some of its fields", () => {
    const fields = Object.fromEntries(
      Array.from({ length: 60 }, (_, n) => [`field-${n}`, "\u0001".repeat(2000)]),
    );
    const request = {
      ...fields,
      ["x".repeat(300_000)]: 1,
      "table-region": "us-east-1",
      "table-name": "cities",
    };
    const task = someTask("us-east-1-cities");
    const fact = factOf(busEvent("TaskRejected", { ...failure, task, work: { request } }));
    expect(fact).toMatchObject({ kind: "rejected" });
    expect(JSON.stringify(fact).length).toBeLessThan(100_000);
  });

  test("of a rejection without a task concerns no row", () => {
    expect(factOf(busEvent("TaskRejected", { ...failure, work: { request: 5 } }))).toBeUndefined();
    expect(factOf(busEvent("TaskRejected", { ...failure, work: null }))).toBeUndefined();
  });

  test("of a type that the projector does not read causes an error", () => {
    expect(() => factOf(busEvent("TaskSucceeded", {}))).toThrow("not a fact that the projector reads");
  });
});

describe("a row after its facts", () => {
  const at = (second: number) => `2026-11-01T02:00:0${second}Z`;
  const failed = (segment: number, change: object = {}): Statement => ({
    kind: "failed",
    attempt: 1,
    segment,
    counts: { batches: 0, items: 0, bytes: 0 },
    cause: "x",
    text: "y",
    ...change,
  });

  test("has the information of all of them", () => {
    const facts = [
      fact({ kind: "accepted", attempt: 1, plan }, at(3)),
      fact({ kind: "queued", attempt: 2, segment: 1, counts: counts(0), plan }, at(2)),
      fact({ kind: "completed", attempt: 1, segment: 2, counts: counts(2), plan }, at(4)),
      fact({ kind: "completed", attempt: 2, segment: 0, counts: counts(0), plan }, at(6)),
      fact(failed(1, { attempt: 2, counts: counts(1), plan }), at(5)),
      fact({ kind: "finished", attempt: 2 }, at(8)),
      fact({ kind: "finished", attempt: 2 }, at(7)),
    ];
    expect(joined(facts)).toStrictEqual({
      ...newTaskRow(row, at(8)),
      skipped: 2,
      request: plan.request,
      plan,
      accepted: true,
      finished: true,
      attempt: 2,
      total: TOTAL,
      completed: [0, 2],
      failed: { 1: 2 },
      attempts: { 0: 2, 1: 2 },
      segmentCheckpoints: { 1: { batches: 2, items: 10, bytes: 100 } },
      batches: 4,
      items: 20,
      bytes: 200,
      reasons: [{ attempt: 2, segment: 1, cause: "x", text: "y" }],
      acceptedTime: at(2),
      finishedTime: at(7),
      updatedTime: at(8),
    });
  });

  test("has the reports of the settings whose text is first, since a repeated last step may report others", () => {
    const reports = (outcome: "refused" | "reapplied") => ({ tags: { outcome } });
    const facts = (["reapplied", "refused"] as const).map((outcome) =>
      fact({ kind: "finished", attempt: 1, settings: reports(outcome) }, at(1)),
    );
    const without = fact({ kind: "finished", attempt: 1 }, at(1));
    expect(joined([...facts, without]).settings).toEqual(reports("reapplied"));
    expect(joined([without, ...facts.toReversed()]).settings).toEqual(reports("reapplied"));
    expect(joined([without])).not.toHaveProperty("settings");
  });

  test("has the request-id of the first fact that carries one, and no such field before", () => {
    const { "request-id": _, ...withoutId } = row;
    const cancel: Fact = { kind: "cancel", attempt: 1, row: withoutId, time: at(0) };
    const cancelled = joined([cancel]);
    expect(cancelled).not.toHaveProperty("request-id");
    const accepted = fact({ kind: "accepted", attempt: 1, plan });
    expect(project(cancelled, accepted)["request-id"]).toBe("r-1");
    expect(joined([accepted, cancel])["request-id"]).toBe("r-1");
  });

  test("has the task's id and request-id of the first fact that carries them", () => {
    const cancelOf = (id: string) =>
      ({ kind: "cancel", attempt: 1, row: { ...row, id, "request-id": id }, time: at(0) }) as Fact;
    expect(joined([cancelOf("a"), cancelOf("b")])).toMatchObject({ "task-id": "a", "request-id": "a" });
    const withoutId = { kind: "cancel", attempt: 1, row: { ...row }, time: at(0) } as Fact;
    expect(joined([withoutId])).not.toHaveProperty("task-id");
    expect(joined([withoutId, cancelOf("a")])).toMatchObject({ "task-id": "a" });
  });

  test("does not list a segment as failed that was queued again", () => {
    const again = fact({ kind: "queued", attempt: 2, segment: 1, counts: counts(0), plan });
    for (const order of [
      [fact(failed(1)), again],
      [again, fact(failed(1))],
    ])
      expect(joined(order)).toMatchObject({ failed: {}, attempts: { 1: 2 }, attempt: 2 });
  });

  test("follows the progress of its segments until each is complete", () => {
    const progressed = (segment: number, part: number, s: number) =>
      fact(
        { kind: "progressed", attempt: 1, segment, counts: counts(part), plan },
        `2026-11-01T02:00:0${s}Z`,
      );
    const first = joined([progressed(1, 1, 1)]);
    expect(first).toMatchObject({ accepted: true, plan, total: TOTAL, updatedTime: "2026-11-01T02:00:01Z" });
    expect(transferred(first)).toMatchObject({ batches: 2, items: 10, bytes: 100 });
    const second = [progressed(1, 2, 3), progressed(2, 1, 2)].reduce(project, first);
    expect(second).toMatchObject({ items: 0, completed: [], updatedTime: "2026-11-01T02:00:03Z" });
    expect(transferred(second)).toMatchObject({ batches: 5, items: 30, bytes: 300 });
    // A late report of less.
    expect(project(second, progressed(1, 1, 1))).toBe(second);
    const third = project(
      second,
      fact({ kind: "completed", attempt: 1, segment: 1, counts: counts(3), plan }),
    );
    expect(transferred(third)).toMatchObject({ batches: 6, items: 40, bytes: 400 });
    expect(project(third, progressed(1, 2, 3))).toBe(third);
  });

  test("has the checkpoint that a restore's segment reported", () => {
    const cursor = { file: 1, line: 7 };
    const reported = { counts: counts(1), cursor };
    const { segmentCheckpoints } = joined([
      fact({ kind: "progressed", attempt: 1, segment: 0, plan, ...reported }),
      fact(failed(0, { counts: counts(1), cursor: { file: 1, line: 6 } })),
    ]);
    expect(segmentCheckpoints).toStrictEqual({ 0: { ...counts(1), ...cursor } });
  });

  test("does not list a segment as failed that made progress in a later attempt", () => {
    const again = fact({ kind: "progressed", attempt: 2, segment: 1, counts: counts(0), plan });
    expect(joined([fact(failed(1)), again])).toMatchObject({ failed: {}, attempts: { 1: 2 }, attempt: 2 });
  });

  test("has the fields of a rejected request, but not those of a rejected duplicate", () => {
    const rejected = (request: Record<string, string>) =>
      fact({ kind: "rejected", cause: "x", text: "y", request });
    expect(joined([rejected({ a: "1" })]).request).toEqual({ a: "1" });
    expect(joined([rejected({ a: "1" }), rejected({ b: "2" })]).request).toEqual({ a: "1" });
    const accepted = fact({ kind: "accepted", attempt: 1, plan });
    expect(joined([accepted, rejected({ a: "1" })]).request).toEqual(plan.request);
  });

  test("has the lesser of two different plans in either order, with its request and total", () => {
    const planned = (total: number) => ({ request: { action: "backup", total }, "total-segments": total });
    const accepted = (total: number) =>
      fact({ kind: "accepted", attempt: 1, plan: planned(total) as unknown as Plan });
    for (const facts of [
      [accepted(2), accepted(3)],
      [accepted(3), accepted(2)],
    ])
      expect(joined(facts)).toMatchObject({ plan: planned(2), total: 2, request: { total: 2 } });
  });

  test("is not accepted by a failed step without a plan", () => {
    const stepFailed = fact({ kind: "stepFailed", attempt: 1, cause: "x", text: "y" });
    expect(joined([stepFailed])).toMatchObject({ accepted: false, failedStepAttempt: 1 });
  });

  test("has a segment's furthest checkpoint, by file, line, batches, items and bytes", () => {
    const part = (file: number, line: number, batches = 0, items = 0, bytes = 0) => ({
      counts: { batches, items, bytes },
      cursor: { file, line },
    });
    const ascending = [
      part(0, 0, 0, 0, 9),
      part(0, 0, 0, 9),
      part(0, 0, 0, 10),
      part(0, 0, 1),
      part(0, 1),
      part(0, 9),
      part(0, 10),
      part(1, 0),
    ];
    for (let high = 1; high < ascending.length; high++)
      for (const order of [
        [high - 1, high],
        [high, high - 1],
      ]) {
        const { segmentCheckpoints } = joined(order.map((at) => fact(failed(0, ascending[at]))));
        const { counts, cursor } = ascending[high]!;
        expect(segmentCheckpoints).toStrictEqual({ 0: { ...counts, ...cursor } });
      }
  });

  test("has no checkpoint of a segment without progress", () => {
    expect(joined([fact(failed(0))]).segmentCheckpoints).toEqual({});
    expect(joined([fact(failed(0, { cursor: { file: 0, line: 0 } }))]).segmentCheckpoints).toEqual({});
  });

  test("that failed has a reason, even if the ten that it keeps belong to segments that completed later", () => {
    const segments = Array.from({ length: 11 }, (_, segment) => segment);
    const wide = { ...plan, "total-segments": 11 };
    const facts = [
      fact({ kind: "accepted", attempt: 1, plan: wide }),
      ...segments.map((segment) => fact(failed(segment, { plan: wide }))),
      ...segments
        .slice(0, 10)
        .map((segment) => fact({ kind: "completed", attempt: 1, segment, counts: counts(0), plan: wide })),
    ];
    const row = joined(facts);
    expect(stateOf(row)).toBe("failed");
    expect(reasonsOf(row)).toEqual(["segment 10: Its record in the segment-table has the reason."]);
  });

  test("has the first ten reasons: latest attempt first, the task's own before its segments', then by cause and text", () => {
    const own = (attempt: number, cause: string, text: string) =>
      fact({ kind: "stepFailed", attempt, cause, text });
    const ranked = [
      own(3, "a", "a"),
      own(3, "a", "b"),
      own(3, "b", "a"),
      own(2, "a", "a"),
      fact(failed(0, { attempt: 2, cause: "b", text: "a" })),
      fact(failed(0, { attempt: 2, cause: "b", text: "b" })),
      fact(failed(0, { attempt: 2, cause: "c", text: "a" })),
      fact(failed(1, { attempt: 2, cause: "a", text: "a" })),
      fact(failed(2, { attempt: 2, cause: "a", text: "a" })),
      own(1, "a", "a"),
      fact(failed(0, { attempt: 1, cause: "a", text: "a" })),
      fact(failed(1, { attempt: 1, cause: "a", text: "a" })),
    ];
    const reasons = ranked.slice(0, 10).map((one) => ("text" in one ? [one.cause, one.text] : undefined));
    return fc.assert(
      fc.property(fc.shuffledSubarray(ranked, { minLength: ranked.length }), (facts) => {
        expect(joined(facts).reasons.map(({ cause, text }) => [cause, text])).toEqual(reasons);
      }),
    );
  });
});
