import { fullExport, incrementalExport, itemLine, storeExport } from "@ferry/memory/native-export";
import type { MemoryPorts } from "@ferry/memory/ports";
import { accepted, bucket, message, restoreRequest, world } from "@ferry/memory/testing/tasks";
import { expect, test } from "vitest";
import type { SegmentWork } from "../events/events.ts";
import { newTaskRow } from "../projection/status.ts";
import { work } from "../worker.ts";

const INVOCATION_MS = 15 * 60_000;
const MARGIN_MS = 30_000;

/** The only segment of the first window of a series of a full export and an increment. */
async function firstSegment(ports: MemoryPorts): Promise<SegmentWork> {
  const at = "2026-10-31T23:00:00.000Z";
  const spec = { bucket: bucket.name, files: [[itemLine('{"id":{"S":"a"}}')]] };
  storeExport(ports.archive, bucket, fullExport({ ...spec, id: "full", summary: { exportTime: at } }));
  const next = incrementalExport({
    ...spec,
    id: "next",
    files: [],
    from: at,
    to: "2026-11-01T00:00:00.000Z",
  });
  const series = {
    "bucket-prefix": "AWSDynamoDB/full",
    increments: [storeExport(ports.archive, bucket, next)],
  };
  return (await accepted({ ...restoreRequest, ...series }, ports))[0]!;
}

async function run(segment: SegmentWork, ports: MemoryPorts, id = "m-1") {
  const fresh = { ...ports, time: ports.clock.invocation(INVOCATION_MS) };
  const events = await work({ ...message("SegmentProgressed", { handoff: true, ...segment }), id }, fresh);
  return { events, types: events.map(({ type }) => type) };
}

/** Another invocation, which still works on the segment's message. */
const other = (ports: MemoryPorts, ms: number) => ({ id: "other", untilMs: ports.clock.now() + ms });

test("the segment that completes a window queues the next one, each time that its message is delivered", async () => {
  const ports = world();
  const segment = await firstSegment(ports);
  for (let delivery = 1; delivery <= 2; delivery++) {
    const { events, types } = await run(segment, ports);
    expect(types).toEqual(["SegmentCompleted", "TaskAccepted"]);
    expect(events[1]!.detail).toMatchObject({
      segments: [1],
      attempt: 1,
      "deadline-ms": segment["deadline-ms"],
    });
  }
  expect((await run({ ...segment, segment: 1 }, ports)).types).toEqual(["SegmentCompleted"]);
});

test("the last segment of a window that an earlier attempt completes queues the next window in the latest attempt", async () => {
  const ports = world();
  const segment = await firstSegment(ports);
  await ports.registry.raiseAttempt(segment.task, 3);
  const { events } = await run(segment, ports);
  expect(events).toMatchObject([
    { type: "SegmentCompleted", detail: { attempt: 1 } },
    { type: "TaskAccepted", detail: { attempt: 3, segments: [1], "deadline-ms": segment["deadline-ms"] } },
  ]);
});

test("a complete segment waits until another worker on its message has left", async () => {
  const ports = world();
  const segment = await firstSegment(ports);
  const startMs = ports.clock.now();
  await ports.claims.claim(segment, "m-1", other(ports, 200_000));
  ports.clock.after(60_000, () => void ports.claims.leave(segment, "other"));
  const { types } = await run(segment, ports);
  expect(types).toEqual(["SegmentCompleted", "TaskAccepted"]);
  const waitedMs = ports.clock.now() - startMs;
  expect(waitedMs).toBeGreaterThanOrEqual(60_000);
  expect(waitedMs).toBeLessThanOrEqual(60_000 + ports.settings.cancelPollIntervalMs);
});

test("the next window is queued only after the last write of a slow worker on the same message has arrived", async () => {
  const ports = world();
  const segment = await firstSegment(ports);
  const order: string[] = [];
  const write: typeof ports.tables.write = async (...args) => {
    await ports.clock.sleep(90_000);
    order.push("a write of the first window");
    return ports.tables.write(...args);
  };
  const slow = run(segment, { ...ports, tables: { ...ports.tables, write } });
  await ports.clock.sleep(1000);
  const { types } = await run(segment, ports);
  order.push(...types);
  await slow;
  expect(order).toEqual(["a write of the first window", "SegmentCompleted", "TaskAccepted"]);
});

test("of a worker that crashed, it waits for the end of the invocation and the margin", async () => {
  const ports = world();
  const segment = await firstSegment(ports);
  const startMs = ports.clock.now();
  await ports.claims.claim(segment, "m-1", other(ports, 100_000));
  expect((await run(segment, ports)).types).toEqual(["SegmentCompleted", "TaskAccepted"]);
  expect(ports.clock.now() - startMs).toBeGreaterThanOrEqual(100_000 + MARGIN_MS);
});

test("a wait that is longer than a slice is handed off, and does not count as a slice without progress", async () => {
  const ports = world();
  const segment = await firstSegment(ports);
  await ports.claims.claim(segment, "m-1", other(ports, INVOCATION_MS));
  let next = segment;
  let slices = 1;
  for (; ; slices++) {
    const { events, types } = await run(next, ports, `m-${slices}`);
    if (types[0] === "SegmentCompleted") break;
    expect(types).toEqual(["SegmentProgressed"]);
    expect(events[0]!.detail).toMatchObject({
      counts: { items: 1 },
      handoffs: slices,
      "handoffs-without-progress": 0,
    });
    next = events[0]!.detail as SegmentWork;
  }
  expect(slices).toBeGreaterThan(3);
});

test("a cancel ends the wait; the retry completes the segment without writing again", async () => {
  const ports = world();
  const segment = await firstSegment(ports);
  await ports.claims.claim(segment, "m-1", other(ports, INVOCATION_MS));
  const row = {
    ...newTaskRow(segment.task, "2026-11-01T02:00:00Z"),
    plan: segment.plan,
    accepted: true,
    total: 2,
  };
  ports.clock.after(30_000, () => void ports.status.write({ ...row, cancelledAttempt: 1 }, undefined));
  expect((await run(segment, ports)).events).toMatchObject([
    { type: "SegmentFailed", detail: { cause: "cancelled", work: { counts: { items: 1 } } } },
  ]);
  await ports.claims.leave(segment, "other");
  const write = async () => {
    throw new Error("it writes");
  };
  const retried = { ...ports, tables: { ...ports.tables, write } };
  expect((await run({ ...segment, attempt: 2 }, retried, "m-2")).types).toEqual([
    "SegmentCompleted",
    "TaskAccepted",
  ]);
});

test("a slice that ends in an error has left: its calls have settled", async () => {
  const ports = world();
  const segment = await firstSegment(ports);
  const write = async () => {
    throw new Error("socket hang up");
  };
  await expect(run(segment, { ...ports, tables: { ...ports.tables, write } })).rejects.toThrow(
    "socket hang up",
  );
  expect(await ports.claims.leave(segment, "none")).toBeUndefined();
});
