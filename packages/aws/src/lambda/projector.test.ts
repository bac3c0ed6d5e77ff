import type { FerryEvent, Message } from "@ferry/core/events/events";
import type { Bus, StatusStore } from "@ferry/core/ports";
import { memoryBus } from "@ferry/memory/bus";
import { memoryStatusStore } from "@ferry/memory/status-store";
import {
  accepted,
  backupRequest,
  busEvent,
  projecting,
  request,
  runTask,
  world,
} from "@ferry/memory/testing/tasks";
import { describe, expect, it } from "vitest";
import { event, failedIds, record, recordedTelemetry } from "../testing/handlers.ts";
import { projectorHandler } from "./projector.ts";

function subject(store: StatusStore = memoryStatusStore(), bus: Bus = memoryBus()) {
  const telemetry = recordedTelemetry();
  const ports = { ...projecting(store), bus };
  return { handler: projectorHandler(() => ({ ...ports, ...telemetry })), telemetry };
}
const fact = ({ type, detail }: FerryEvent): Message => ({ event: busEvent(type, detail) });
const first = async (fields: unknown, ports = world()) => (await request(fields, ports))[0]!;

async function wholeTask(): Promise<FerryEvent[]> {
  const ports = world();
  const acceptedEvent = await first(backupRequest, ports);
  const [segment] = await accepted(backupRequest, ports);
  const { task, plan, attempt } = segment!;
  const counts = { batches: 1, items: 2, bytes: 3 };
  const [finished] = await runTask(backupRequest, world());
  return [
    acceptedEvent,
    { type: "SegmentQueued", detail: segment! },
    { type: "SegmentCompleted", detail: { version: 1, task, plan, attempt, segment: 0, counts } },
    { ...finished!, detail: { ...finished!.detail, task } } as FerryEvent,
  ];
}

describe("the projector's handler", () => {
  it("given a task's facts twice and in reverse order, it writes the row and counts the task once", async () => {
    const store = memoryStatusStore();
    const { handler, telemetry } = subject(store);
    const facts = (await wholeTask()).toReversed();
    for (const [i, one] of [...facts, ...facts].entries())
      expect(failedIds(await handler(event(record(`m${i}`, fact(one)))))).toEqual([]);
    expect(store.rows()).toMatchObject([{ accepted: true, finished: true, completed: [0], items: 2 }]);
    expect(telemetry.sums).toMatchObject({
      TasksAccepted: 1,
      TasksFinished: 1,
      RequestsRejected: 0,
      Facts: 8,
    });
    expect(telemetry.sums["TasksFailed"]).toBeUndefined();
  });

  it("given a batch, it projects the valid facts and reports the failed messages by their ids", async () => {
    const store = memoryStatusStore();
    const { handler, telemetry } = subject(store);
    const [one, two, three] = await wholeTask();
    const response = await handler(
      event(
        record("m1", "no JSON"),
        record("m2", fact(one!)),
        record("m3", { event: busEvent("NoSuchFact", {}) }),
        record("m4", fact(two!)),
        record("m5", fact(three!)),
      ),
    );
    expect(failedIds(response).sort()).toEqual(["m1", "m3"]);
    expect(store.rows()).toMatchObject([{ rev: 1, completed: [0] }]);
    expect(telemetry.lines.map(({ level, messageId }) => [level, messageId]).sort()).toEqual([
      ["error", "m1"],
      ["error", "m3"],
    ]);
    expect(telemetry.sums).toMatchObject({ Retries: 2 });
    // A message that is not Ferry's is logged once.
    await handler(event(record("m1", "not JSON", 2)));
    expect(telemetry.lines).toHaveLength(2);
  });

  it("given a write that loses to another writer, the change is counted once", async () => {
    const store = memoryStatusStore();
    let refusals = 2;
    const contested: StatusStore = {
      ...store,
      write: async (row, readRevision) => refusals-- <= 0 && store.write(row, readRevision),
    };
    const { handler, telemetry } = subject(contested);
    const [one] = await wholeTask();
    expect(failedIds(await handler(event(record("m1", fact(one!)))))).toEqual([]);
    expect(store.rows()).toMatchObject([{ accepted: true }]);
    expect(telemetry.sums).toMatchObject({ TasksAccepted: 1 });
  });

  it("given a table that cannot be written, every message is reported as failed", async () => {
    const store = { ...memoryStatusStore(), write: () => Promise.reject(new Error("no")) };
    const { handler } = subject(store);
    const [one] = await wholeTask();
    expect(failedIds(await handler(event(record("m1", fact(one!)))))).toEqual(["m1"]);
  });

  it("rejections are counted, with and without a row", async () => {
    const store = memoryStatusStore();
    const { handler, telemetry } = subject(store);
    const withRow = await first({ ...backupRequest, "bucket-name": 7 });
    const without = await first({ action: "backup" });
    await handler(
      event(record("m1", fact(withRow)), record("m2", fact(without)), record("m3", fact(withRow))),
    );
    expect(store.rows()).toMatchObject([{ rejected: true }]);
    expect(telemetry.sums).toMatchObject({ RequestsRejected: 2 });
  });

  it("given cancels that are invalid or name no task, it puts events of their refusal, and the messages are done", async () => {
    const bus = memoryBus();
    const { handler, telemetry } = subject(memoryStatusStore(), bus);
    const cancel = (detail: unknown): Message => ({ event: busEvent("TaskCancelRequested", detail) });
    const nowhere = { task: { action: "backup", key: "us-east-1-citeis", timestamp: 1_795_399_200_123 } };
    const [acceptedEvent] = await wholeTask();
    await handler(event(record("m0", fact(acceptedEvent!))));
    const response = await handler(
      event(
        record("m1", cancel({ task: "cities", atempt: 2 })),
        record("m2", cancel(nowhere)),
        record("m3", fact(acceptedEvent!)),
      ),
    );
    expect(failedIds(response)).toEqual([]);
    expect(bus.events).toMatchObject([
      {
        type: "TaskControlRefused",
        detail: {
          control: "cancel",
          cause: "invalid-request",
          issues: [{ field: "task" }, { field: "atempt" }],
          asked: { task: "cities", atempt: 2 },
        },
      },
      {
        type: "TaskControlRefused",
        detail: {
          cause: "no-such-task",
          reason: expect.stringContaining("backup-table"),
          nearest: [{ action: "backup", key: "us-east-1-cities", state: "running" }],
          asked: nowhere,
        },
      },
    ]);
    expect(telemetry.sums).toMatchObject({ ControlsRefused: 2, TasksAccepted: 1 });
  });

  it("given a bus that takes no event, a refused cancel's message fails", async () => {
    const bus = { put: () => Promise.reject(new Error("no")) };
    const { handler } = subject(memoryStatusStore(), bus);
    const cancel = { event: busEvent("TaskCancelRequested", { task: "cities" }) };
    expect(failedIds(await handler(event(record("m1", cancel))))).toEqual(["m1"]);
  });

  it("given a failed segment, the task's failure is counted once", async () => {
    const { handler, telemetry } = subject();
    const [one, two] = await wholeTask();
    const failed: FerryEvent = {
      type: "SegmentFailed",
      detail: {
        version: 1,
        cause: "no-such-table",
        step: "SegmentQueued",
        work: two!.detail,
        "event-id": "e",
        time: "2026-11-01T02:00:00Z",
      },
    };
    await handler(event(record("m1", fact(one!))));
    await handler(event(record("m2", fact(failed)), record("m3", fact(failed))));
    await handler(event(record("m4", fact(failed))));
    expect(telemetry.sums).toMatchObject({ TasksAccepted: 1, TasksFailed: 1, SegmentsFailed: 3 });
  });
});
