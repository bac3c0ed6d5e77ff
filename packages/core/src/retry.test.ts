import { intercept } from "@ferry/memory/intercept";
import { describe, expect, test } from "vitest";
import { permanent } from "./errors.ts";
import { newTaskRow, type TaskRow } from "./projection/status.ts";
import { acceptedAgain, retry, unfinished } from "./retry.ts";
import { defaultSettings } from "./settings.ts";
import {
  accepted,
  backupRequest,
  bucket,
  busEvent,
  restoreRequest,
  runTask,
  source,
  world,
} from "./testing/tasks.ts";

const TIME = "2026-11-01T02:00:00Z";

/** A world with a task of four segments that failed, and its row with these changes. */
async function failed(change: Partial<TaskRow> = {}, asked: object = backupRequest) {
  const ports = world();
  ports.tables.put(source, '{"id":{"S":"a"}}');
  if (asked !== backupRequest) await runTask({ ...backupRequest, "total-segments": 4 }, ports);
  const [segment] = await accepted({ ...asked, "total-segments": 4 }, ports);
  const { task, plan } = segment!;
  const row = { ...newTaskRow(task, TIME), plan, accepted: true, total: 4, failed: { 1: 1 }, ...change };
  await ports.status.write(row, undefined);
  const { action, key, timestamp } = task;
  const ask = (about: object = {}) =>
    busEvent("TaskRetryRequested", { task: { action, key, timestamp }, ...about });
  return { ports, task, plan, row, ask };
}

describe("a retry", () => {
  test("of a backup accepts it anew: the whole of its event, with a deadline of its own", async () => {
    const { ports, task, plan, ask } = await failed({ completed: [0, 3] });
    expect(await retry(ask(), ports)).toStrictEqual([
      {
        type: "TaskAccepted",
        detail: {
          version: 1,
          task,
          plan,
          attempt: 2,
          "deadline-ms": Date.parse(TIME) + defaultSettings.taskTimeoutMs,
          segments: [1, 2],
        },
      },
    ]);
  });

  test("of a restore tells where its segments stood, and has the table's lease until its deadline", async () => {
    const stood = { 1: { file: 2, line: 3, batches: 2, items: 30, bytes: 300 } };
    const { ports, plan, ask } = await failed({ segmentCheckpoints: stood, completed: [0] }, restoreRequest);
    const [event] = await retry(ask({ attempt: 1 }), ports);
    const deadlineMs = Date.parse(TIME) + defaultSettings.taskTimeoutMs;
    expect(event).toMatchObject({ detail: { attempt: 2, segments: [1, 2, 3], resume: stood } });
    expect(await ports.leases.read(plan.table.arn)).toMatchObject({
      holders: [{ attempt: 2, exclusive: true, "deadline-ms": deadlineMs }],
    });
  });

  test.each<[string, Partial<TaskRow>, object, string]>([
    ["of a task that succeeded", { finished: true }, {}, "the task is succeeded"],
    ["of a task that was rejected", { accepted: false, rejected: true }, {}, "the task is rejected"],
    ["of a task that was only asked for", { accepted: false, failed: {} }, {}, "the task is requested"],
    [
      "that names an attempt which never was",
      { attempt: 3 },
      { attempt: 4 },
      "the task has had 3 attempts, and the retry names attempt 4",
    ],
  ])("%s is refused", async (_, change, about, why) => {
    const { ports, task, ask } = await failed(change);
    await expect(retry(ask(about), ports)).rejects.toMatchObject({
      kind: "permanent",
      code: "not-retryable",
      operation: "retry",
      resource: `${task.key}@${task.timestamp}`,
      message: `${why}; only one that was accepted and has not succeeded can be retried.`,
      hint: expect.stringContaining("status table"),
    });
  });

  test("of a task that nobody knows, or whose plan no row has, is refused", async () => {
    const { ports, row, ask } = await failed();
    ports.status.remove(row);
    await expect(retry(ask(), ports)).rejects.toThrow("there is no such task; only one");
    const { plan: _, ...planless } = row;
    await ports.status.write(planless, undefined);
    await expect(retry(ask(), ports)).rejects.toThrow("the task is running; only one");
  });

  test("that names the last attempt begins the next one", async () => {
    const { ports, ask } = await failed({ attempt: 3 });
    expect(await retry(ask({ attempt: 3 }), ports)).toMatchObject([{ detail: { attempt: 4 } }]);
  });

  test("that names an attempt which was left says nothing", async () => {
    const { ports, ask } = await failed({ attempt: 3 });
    expect(await retry(ask({ attempt: 2 }), ports)).toEqual([]);
    expect(await retry(ask({ attempt: 1 }), ports)).toEqual([]);
  });

  test("says nothing where another retry begins a later attempt meanwhile", async () => {
    const { ports, ask } = await failed();
    let raised = 0;
    const registry = intercept("registry", ports.registry, ["raiseAttempt"], async (_, run) =>
      ++raised === 2 ? 3 : run(),
    );
    expect(await retry(ask(), { ...ports, registry })).toEqual([]);
  });

  test("of a backup whose prefix was wiped fails the present attempt, and begins none", async () => {
    const { ports, task, ask } = await failed({ attempt: 2 });
    for (const key of ports.archive.keys(bucket)) ports.archive.remove(bucket, key);
    expect(await retry(ask(), ports)).toMatchObject([
      {
        type: "TaskStepFailed",
        detail: {
          cause: "prefix-taken",
          step: "TaskRetryRequested",
          work: { version: 1, task, attempt: 2 },
          error: {
            operation: "use prefix",
            resource: "s3://archives/backups/one/",
            message: "backups/one/task.json no longer exists.",
          },
        },
      },
    ]);
    expect(await ports.registry.raiseAttempt(task, 1)).toBe(2);
  });

  test("of a backup whose bucket cannot be read is an error, and begins no attempt", async () => {
    const { ports, task, ask } = await failed();
    const denied = permanent("access-denied", {
      operation: "GetObject",
      resource: "r",
      message: "",
      hint: "",
    });
    for (const error of [denied, new Error("socket hang up")]) {
      const archive = { ...ports.archive, get: () => Promise.reject(error) };
      await expect(retry(ask(), { ...ports, archive })).rejects.toBe(error);
    }
    expect(await ports.registry.raiseAttempt(task, 1)).toBe(1);
  });

  test.each([
    [[0, 1, 2], false],
    [[0, 1, 2, 3], true],
  ])(
    "of a restore whose table another one had since, complete %j of four, goes on: %s",
    async (completed, goesOn) => {
      const { ports, plan, ask } = await failed({ completed }, restoreRequest);
      const { arn } = plan.table;
      await ports.leases.replace(arn, await ports.leases.read(arn), { holders: [] });
      if (goesOn) expect(await retry(ask(), ports)).toMatchObject([{ detail: { segments: [] } }]);
      else await expect(retry(ask(), ports)).rejects.toMatchObject({ code: "table-used" });
    },
  );

  test("of a restore does not look for a task.json under its prefix", async () => {
    const { ports, ask } = await failed({}, restoreRequest);
    for (const key of ports.archive.keys(bucket)) ports.archive.remove(bucket, key);
    expect(await retry(ask(), ports)).toMatchObject([{ type: "TaskAccepted" }]);
  });
});

test("the segments that are not complete are unfinished, in order", async () => {
  const { row } = await failed();
  expect(unfinished({ ...row, completed: [1, 3] })).toEqual([0, 2]);
  expect(unfinished({ ...row, completed: [0, 1, 2, 3] })).toEqual([]);
  expect(unfinished({ ...row, total: 0 })).toEqual([]);
});

test("a backup that goes on tells nothing of where its segments stood: its archive does", async () => {
  const { row, plan } = await failed();
  const { detail } = acceptedAgain(row, plan, 2, [1], 5) as { detail: object };
  expect(detail).not.toHaveProperty("resume");
  expect(detail).toMatchObject({ "deadline-ms": 5, attempt: 2, segments: [1] });
});
