import { intercept } from "@ferry/memory/intercept";
import {
  accepted,
  backupRequest,
  bucket,
  busEvent,
  restoreRequest,
  runTask,
  source,
  world,
} from "@ferry/memory/testing/tasks";
import { describe, expect, test } from "vitest";
import { permanent } from "../errors/errors.ts";
import { newTaskRow, type TaskRow } from "../projection/status.ts";
import { defaultSettings } from "../settings/settings.ts";
import { acceptedAgain, retry, unfinished } from "./retry.ts";

const TIME = "2026-11-01T02:00:00Z";

/** A world with a failed task of four segments, and its row with these changes. */
async function failed(change: Partial<TaskRow> = {}, request: object = backupRequest) {
  const ports = world();
  ports.tables.put(source, '{"id":{"S":"a"}}');
  if (request !== backupRequest) await runTask({ ...backupRequest, "total-segments": 4 }, ports);
  const [segment] = await accepted({ ...request, "total-segments": 4 }, ports);
  const { task, plan } = segment!;
  const row = { ...newTaskRow(task, TIME), plan, accepted: true, total: 4, failed: { 1: 1 }, ...change };
  await ports.status.write(row, undefined);
  const { action, key, timestamp } = task;
  const retryEvent = (fields: object = {}) =>
    busEvent("TaskRetryRequested", { task: { action, key, timestamp }, ...fields });
  return { ports, task, plan, row, retryEvent };
}

describe("a retry", () => {
  test("of a backup accepts the task for its next attempt, with a new deadline", async () => {
    const { ports, task, plan, retryEvent } = await failed({ completed: [0, 3] });
    expect(await retry(retryEvent(), ports)).toStrictEqual([
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

  test("of a restore carries the segments' checkpoints, and holds the table's lease until its deadline", async () => {
    const segmentCheckpoints = { 1: { file: 2, line: 3, batches: 2, items: 30, bytes: 300 } };
    const { ports, plan, retryEvent } = await failed({ segmentCheckpoints, completed: [0] }, restoreRequest);
    const [event] = await retry(retryEvent({ attempt: 1 }), ports);
    const deadlineMs = Date.parse(TIME) + defaultSettings.taskTimeoutMs;
    expect(event).toMatchObject({ detail: { attempt: 2, segments: [1, 2, 3], resume: segmentCheckpoints } });
    expect(await ports.leases.read(plan.table.arn)).toMatchObject({
      holders: [{ attempt: 2, exclusive: true, "deadline-ms": deadlineMs }],
    });
  });

  test.each<[string, Partial<TaskRow>, object, string]>([
    ["of a task that succeeded", { finished: true }, {}, "The task has succeeded."],
    ["of a task that was rejected", { accepted: false, rejected: true }, {}, "The task is rejected."],
    ["of a task that is not accepted yet", { accepted: false, failed: {} }, {}, "The task is requested."],
    [
      "that names an attempt that has not begun",
      { attempt: 3 },
      { attempt: 4 },
      "The task has had 3 attempts, but the retry names attempt 4.",
    ],
  ])("%s is refused", async (_, change, fields, reason) => {
    const { ports, task, retryEvent } = await failed(change);
    await expect(retry(retryEvent(fields), ports)).rejects.toMatchObject({
      kind: "permanent",
      code: "not-retryable",
      operation: "retry",
      resource: `${task.key}@${task.timestamp}`,
      message: `${reason} Only a task that was accepted and has not succeeded can be retried.`,
      hint: expect.stringContaining("status table"),
    });
  });

  test("of a task without a row or a plan is refused", async () => {
    const { ports, row, retryEvent } = await failed();
    ports.status.remove(row);
    await expect(retry(retryEvent(), ports)).rejects.toThrow("There is no such task. Only");
    const { plan: _, ...planless } = row;
    await ports.status.write(planless, undefined);
    await expect(retry(retryEvent(), ports)).rejects.toThrow("The task is running. Only");
  });

  test("that names the latest attempt begins the next one", async () => {
    const { ports, retryEvent } = await failed({ attempt: 3 });
    expect(await retry(retryEvent({ attempt: 3 }), ports)).toMatchObject([{ detail: { attempt: 4 } }]);
  });

  test("that names an earlier attempt returns no events", async () => {
    const { ports, retryEvent } = await failed({ attempt: 3 });
    expect(await retry(retryEvent({ attempt: 2 }), ports)).toEqual([]);
    expect(await retry(retryEvent({ attempt: 1 }), ports)).toEqual([]);
  });

  test("returns no events if another retry begins a later attempt at the same time", async () => {
    const { ports, retryEvent } = await failed();
    let raised = 0;
    const registry = intercept("registry", ports.registry, ["raiseAttempt"], async (_, run) =>
      ++raised === 2 ? 3 : run(),
    );
    expect(await retry(retryEvent(), { ...ports, registry })).toEqual([]);
  });

  test("of a backup whose prefix was wiped fails the present attempt and begins none", async () => {
    const { ports, task, retryEvent } = await failed({ attempt: 2 });
    for (const key of ports.archive.keys(bucket)) ports.archive.remove(bucket, key);
    expect(await retry(retryEvent(), ports)).toMatchObject([
      {
        type: "TaskStepFailed",
        detail: {
          cause: "prefix-taken",
          step: "TaskRetryRequested",
          work: { version: 1, task, attempt: 2 },
          error: {
            operation: "use prefix",
            resource: "s3://archives/backups/one/",
            message:
              "The prefix s3://archives/backups/one/ is not free: backups/one/task.json no longer exists.",
          },
        },
      },
    ]);
    expect(await ports.registry.raiseAttempt(task, 1)).toBe(2);
  });

  test("of a backup whose bucket cannot be read throws the error and begins no attempt", async () => {
    const { ports, task, retryEvent } = await failed();
    const denied = permanent("access-denied", {
      operation: "GetObject",
      resource: "r",
      message: "",
      hint: "",
    });
    for (const error of [denied, new Error("socket hang up")]) {
      const archive = { ...ports.archive, get: () => Promise.reject(error) };
      await expect(retry(retryEvent(), { ...ports, archive })).rejects.toBe(error);
    }
    expect(await ports.registry.raiseAttempt(task, 1)).toBe(1);
  });

  test.each([
    [[0, 1, 2], false],
    [[0, 1, 2, 3], true],
  ])(
    "of a restore whose table's lease was released, with %j of four segments complete, is accepted: %s",
    async (completed, isAccepted) => {
      const { ports, plan, retryEvent } = await failed({ completed }, restoreRequest);
      const { arn } = plan.table;
      await ports.leases.replace(arn, await ports.leases.read(arn), { holders: [] });
      if (isAccepted) expect(await retry(retryEvent(), ports)).toMatchObject([{ detail: { segments: [] } }]);
      else await expect(retry(retryEvent(), ports)).rejects.toMatchObject({ code: "table-used" });
    },
  );

  // An operator deleted the row after the task had succeeded; late events and a rejection of its request wrote it again.
  test("of a restore whose row also has a rejection fails the present attempt if the lease was released", async () => {
    const row = { failed: {}, rejected: true };
    const { ports, plan, task, retryEvent } = await failed(row, restoreRequest);
    const { arn } = plan.table;
    await ports.leases.replace(arn, await ports.leases.read(arn), { holders: [] });
    expect(await retry(retryEvent(), ports)).toMatchObject([
      {
        type: "TaskStepFailed",
        detail: { cause: "table-used", work: { version: 1, task, plan, attempt: 1 } },
      },
    ]);
  });

  test("of a restore does not read task.json under its prefix", async () => {
    const { ports, retryEvent } = await failed({}, restoreRequest);
    for (const key of ports.archive.keys(bucket)) ports.archive.remove(bucket, key);
    expect(await retry(retryEvent(), ports)).toMatchObject([{ type: "TaskAccepted" }]);
  });
});

test("the unfinished segments are those that are not complete, in order", async () => {
  const { row } = await failed();
  expect(unfinished({ ...row, completed: [1, 3] })).toEqual([0, 2]);
  expect(unfinished({ ...row, completed: [0, 1, 2, 3] })).toEqual([]);
  expect(unfinished({ ...row, total: 0 })).toEqual([]);
});

test("a backup that is accepted again carries no checkpoints, since its archive has its progress", async () => {
  const { row, plan } = await failed();
  const { detail } = acceptedAgain(row, plan, 2, [1], 5) as { detail: object };
  expect(detail).not.toHaveProperty("resume");
  expect(detail).toMatchObject({ "deadline-ms": 5, attempt: 2, segments: [1] });
});
