import { FerryError } from "@ferry/core/errors/errors";
import type { SegmentWork } from "@ferry/core/events/events";
import { newTaskRow } from "@ferry/core/projection/status";
import { defaultSettings } from "@ferry/core/settings/settings";
import { memoryBus } from "@ferry/memory/bus";
import type { MemoryPorts } from "@ferry/memory/ports";
import { memoryTables } from "@ferry/memory/tables";
import { accepted, backupRequest, message, source, world } from "@ferry/memory/testing/tasks";
import { describe, expect, it } from "vitest";
import { event, failedIds, record, recordedTelemetry } from "../testing/handlers.ts";
import { type Worker, workerHandler } from "./worker.ts";

const context = { getRemainingTimeInMillis: () => 900_000 };
const requested = (id: string, request: unknown = backupRequest) =>
  message("TaskRequested", { request, "request-id": id }, "TaskRejected");
/** The handler uses the real clock. */
const queued = (work: SegmentWork | undefined, fields: Partial<SegmentWork> = {}) =>
  message("SegmentQueued", { ...work, "deadline-ms": Date.now() + 3_600_000, ...fields });

function subject(overrides: Partial<MemoryPorts> = {}, worker: Partial<Worker> = {}) {
  const ports = world(overrides);
  const telemetry = recordedTelemetry();
  const visibility: { handle: string; seconds: number }[] = [];
  let connections = 0;
  const handler = workerHandler(() => {
    connections++;
    return {
      ports,
      clock: { now: Date.now, sleep: ports.clock.sleep },
      settings: { ...defaultSettings, retryDelaySeconds: 5 },
      setVisibility: async (handle, seconds) => {
        visibility.push({ handle, seconds });
      },
      logger: telemetry.logger,
      publish: telemetry.publish,
      ...worker,
    };
  });
  return { ports, telemetry, visibility, handler, connections: () => connections };
}

describe("a worker's handler", () => {
  it("given a request, it puts the concluding event, and the message is done", async () => {
    const { ports, handler, telemetry } = subject();
    expect(await handler(event(record("m1", requested("r1"))), context)).toEqual({ batchItemFailures: [] });
    expect(ports.bus.events.map(({ type }) => type)).toEqual(["TaskAccepted"]);
    expect(telemetry.lines).toEqual([
      expect.objectContaining({
        level: "info",
        messageId: "m1",
        step: "TaskRequested",
        events: { TaskAccepted: 1 },
      }),
    ]);
  });

  it("connects once, at the first message", async () => {
    const { handler, connections } = subject();
    expect(connections()).toBe(0);
    await handler(event(record("m1", requested("r1"))), context);
    await handler(event(record("m1", requested("r1"))), context);
    expect(connections()).toBe(1);
  });

  it("given a batch, it reports the failed messages by their ids, whatever their positions", async () => {
    const { ports, handler } = subject();
    const [segment] = await accepted({ ...backupRequest, "bucket-prefix": "other" }, ports);
    const response = await handler(
      event(
        record("m1", "no JSON {"),
        record("m2", requested("r2")),
        record("m3", { neither: "this" }),
        record("m4", queued(segment)),
        record("m5", message("NoSuchStep", {})),
      ),
      context,
    );
    expect(failedIds(response)).toEqual(["m1", "m3", "m5"]);
    expect(ports.bus.events.map(({ type }) => type).sort()).toEqual(["SegmentCompleted", "TaskAccepted"]);
  });

  it("given a bus that takes no event, the message fails", async () => {
    const { handler } = subject({ bus: memoryBus({ refuse: () => true }) });
    expect(failedIds(await handler(event(record("m1", requested("r1"))), context))).toEqual(["m1"]);
  });

  it("extends visibility beyond the invocation; after a failure, by a delay that grows with each receive", async () => {
    const delays: number[] = [];
    for (const receiveCount of [1, 2, 4, 20]) {
      const { handler, visibility } = subject({ bus: memoryBus({ refuse: () => true }) });
      await handler(event(record("m1", requested("r1"), receiveCount)), context);
      expect(visibility.map(({ handle }) => handle)).toEqual(["handle-m1", "handle-m1"]);
      expect(visibility[0]?.seconds).toBe(930);
      delays.push(visibility[1]!.seconds);
    }
    for (const [i, least] of [5, 10, 40, 900].entries()) {
      expect(delays[i]).toBeGreaterThanOrEqual(least);
      expect(delays[i]).toBeLessThanOrEqual(least * 1.25);
    }
  });

  it("shortens a failed message's visibility only after its step has settled", async () => {
    const order: string[] = [];
    const tables = memoryTables();
    const { handler } = subject(
      {
        tables: {
          ...tables,
          async describe() {
            // All code that could run before the step settles runs in these turns.
            for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
            order.push("settled");
            throw new Error("failed");
          },
        },
      },
      { setVisibility: async (_, seconds) => void order.push(seconds > 900 ? "extended" : "shortened") },
    );
    await handler(event(record("m1", requested("r1"))), context);
    expect(order).toEqual(["extended", "settled", "shortened"]);
  });

  it("continues with a warning if visibility cannot be set", async () => {
    const { ports, handler, telemetry } = subject(
      {},
      { setVisibility: () => Promise.reject(new Error("gone")) },
    );
    expect(await handler(event(record("m1", requested("r1"))), context)).toEqual({ batchItemFailures: [] });
    expect(ports.bus.events).toHaveLength(1);
    expect(telemetry.lines.map(({ level }) => level)).toEqual(["warn", "info"]);
  });

  it("logs a failure with its task, segment, attempt, code and hint", async () => {
    const hint = "do this";
    const { ports, telemetry } = subject();
    const [segment] = await accepted(backupRequest, ports);
    const status = {
      ...ports.status,
      read: () =>
        Promise.reject(
          new FerryError("transient", "service-error", {
            operation: "GetItem",
            resource: "r",
            message: "m",
            hint,
          }),
        ),
    };
    const failing = subject({ ...ports, status });
    await failing.handler(event(record("m1", queued(segment), 3)), context);
    expect(failing.telemetry.lines).toEqual([
      expect.objectContaining({
        level: "error",
        messageId: "m1",
        receiveCount: 3,
        step: "SegmentQueued",
        task: segment?.task.id,
        "request-id": "request-1",
        segment: 0,
        attempt: 1,
        kind: "transient",
        code: "service-error",
        report: expect.objectContaining({ hint }),
      }),
    ]);
    expect(failing.telemetry.sums).toMatchObject({ Retries: 1 });
    expect(telemetry.lines).toEqual([]);
  });

  it("records the error of a failed step for the event, also if it is not Ferry's own", async () => {
    const hint = "Wait.";
    const errors = [
      new FerryError("transient", "service-error", {
        operation: "GetItem",
        resource: "r",
        message: "m",
        hint,
      }),
      new Error("socket hang up"),
    ];
    const { ports } = subject();
    const registry = { ...ports.registry, registerRequest: () => Promise.reject(errors.shift()) };
    const failing = subject({ ...ports, registry });
    const body = requested("r1");
    await failing.handler(event(record("m1", body)), context);
    await failing.handler(event(record("m1", body)), context);
    expect(await ports.lastErrors.read(body.event.id)).toEqual({
      operation: "TaskRequested",
      resource: "message",
      message: "The step failed: socket hang up.",
      hint: expect.stringContaining("The worker's log has the stack trace"),
    });
    const again = subject();
    const first = subject({
      ...again.ports,
      registry: {
        ...registry,
        registerRequest: () =>
          Promise.reject(
            new FerryError("transient", "service-error", {
              operation: "GetItem",
              resource: "r",
              message: "m",
              hint,
            }),
          ),
      },
    });
    await first.handler(event(record("m1", body)), context);
    expect(await again.ports.lastErrors.read(body.event.id)).toMatchObject({
      operation: "GetItem",
      message: "m",
      hint,
    });
  });

  it("reports a message as failed, with a warning, if its error cannot be recorded", async () => {
    const { ports } = subject();
    const lastErrors = { ...ports.lastErrors, record: () => Promise.reject(new Error("gone")) };
    const { handler, telemetry } = subject({ bus: memoryBus({ refuse: () => true }), lastErrors });
    expect(failedIds(await handler(event(record("m1", requested("r1"))), context))).toEqual(["m1"]);
    expect(telemetry.lines.map(({ level }) => level)).toEqual(["error", "warn"]);
  });

  it("given a refused retry, it puts the refusal with the nearest rows, and counts it", async () => {
    const { ports, handler, telemetry } = subject();
    await ports.status.write(
      newTaskRow({ action: "backup", key: "us-east-1-cities", timestamp: 5 }, "t"),
      undefined,
    );
    const task = { action: "backup", key: "us-east-1-cities", timestamp: 7 };
    const retry = message("TaskRetryRequested", { task }, "TaskStepFailed");
    expect(failedIds(await handler(event(record("m1", retry)), context))).toEqual([]);
    expect(ports.bus.events).toMatchObject([
      {
        type: "TaskControlRefused",
        detail: { cause: "not-retryable", nearest: [{ ...task, timestamp: 5, state: "requested" }] },
      },
    ]);
    expect(telemetry.sums).toMatchObject({ ControlsRefused: 1 });
  });

  it("given a rejected request, it puts TaskRejected, and the message is done", async () => {
    const { ports, handler, telemetry } = subject();
    const response = await handler(event(record("m1", requested("r1", { action: "backup" }))), context);
    expect(failedIds(response)).toEqual([]);
    expect(ports.bus.events.map(({ type }) => type)).toEqual(["TaskRejected"]);
    expect(telemetry.sums).toMatchObject({ RequestsRejected: 1 });
  });

  it("measures what a slice moved and how often it was throttled", async () => {
    let refusals = 2;
    const tables = memoryTables({ faults: { scan: () => (refusals-- > 0 ? "throttled" : undefined) } });
    const { ports, handler, telemetry } = subject({ tables });
    const [segment] = await accepted(backupRequest, ports);
    ports.tables.put(source, ...Array.from({ length: 5 }, (_, i) => `{"id":{"S":"${i}"}}`));
    await handler(event(record("m1", queued(segment))), context);
    expect(telemetry.sums).toMatchObject({
      Items: 5,
      Batches: 1,
      Bytes: 5 * `{"Item":{"id":{"S":"0"}}}\n`.length,
      SegmentsCompleted: 1,
      Throttles: 2,
      Duration: expect.any(Number),
    });
  });
});
