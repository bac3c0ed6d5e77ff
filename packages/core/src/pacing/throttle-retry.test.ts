import { bucket, source, world } from "@ferry/memory/testing/tasks";
import { expect, test } from "vitest";
import { FerryError } from "../errors/errors.ts";
import type { ArchiveStore, Ports } from "../ports.ts";
import { TRIES_MAX } from "./pacing.ts";
import { withThrottleRetry } from "./throttle-retry.ts";

const details = { operation: "call", resource: "cities", message: "was refused.", hint: "" };
const throttled = new FerryError("throttled", "throttled", details);

/** A method that fails `times` times, and then returns its arguments. */
function failing(times: number, error: unknown = throttled) {
  let left = times;
  return async (...args: unknown[]) => {
    if (left-- > 0) throw error;
    return args;
  };
}

/** Ports whose methods that may be throttled all fail `times` times. */
function throttledPorts(times: number, error?: unknown) {
  const ports = world();
  const all = { ...ports, tables: { ...ports.tables }, archive: { ...ports.archive } };
  const calls: readonly (readonly [keyof Ports, string, readonly unknown[]])[] = [
    ["tables", "describe", [source]],
    ["tables", "settings", [source]],
    ["tables", "identify", [source]],
    ["tables", "scan", [{ table: source, segment: 0, totalSegments: 1, consistent: false }]],
    ["archive", "putNew", [bucket, "key", new Uint8Array(1), { metadata: {}, contentType: "text/plain" }]],
    ["archive", "head", [bucket, "key"]],
    ["archive", "get", [bucket, "key"]],
    ["archive", "open", [bucket, "key", { from: 0 }]],
    ["archive", "list", [bucket, "prefix", { after: "key" }]],
    ["status", "read", [{ id: "task-1" }]],
    ["leases", "read", ["arn"]],
    ["leases", "replace", ["arn", undefined, { holders: [] }]],
    ["claims", "claim", [{ segment: 1 }, "message-1", { id: "a", untilMs: 5 }]],
    ["claims", "leave", [{ segment: 1 }, "a"]],
    ["claims", "arrive", [{ segment: 1 }, { index: 0, first: 0, segments: 2 }]],
    ["claims", "complete", [{ segment: 1 }, { items: 1 }]],
    ["claims", "release", [{ segment: 1 }]],
    ["registry", "registerRequest", ["request-1", { digest: "d", timeMs: 1 }]],
    ["registry", "findRequest", ["request-1"]],
    ["registry", "claimRow", [{ key: "k" }, "owner"]],
    ["registry", "isClaimed", [{ key: "k" }]],
    ["registry", "raiseAttempt", [{ id: "task-1" }, 2]],
    ["registry", "recordControl", [{ id: "task-1" }, "event-1", 2]],
  ];
  for (const [port, method] of calls)
    Object.assign(all, { [port]: { ...(all[port] as object), [method]: failing(times, error) } });
  return { ports: all as Ports & ReturnType<typeof world>, calls };
}

const call = (ports: Ports, port: keyof Ports, method: string, args: readonly unknown[]) =>
  (ports[port] as unknown as Record<string, (...args: readonly unknown[]) => Promise<unknown>>)[method]!(
    ...args,
  );

test("each throttled call is repeated with the same arguments until it succeeds", async () => {
  const { ports, calls } = throttledPorts(3);
  const beforeMs = ports.clock.now();
  for (const [port, method, args] of calls)
    expect(await call(withThrottleRetry(ports), port, method, args)).toEqual(args);
  expect(ports.clock.now()).toBeGreaterThan(beforeMs);
});

test("the pauses between tries grow", async () => {
  const pausesMs: number[] = [];
  const { ports } = throttledPorts(4);
  const time = {
    ...ports.time,
    sleep: async (ms: number) => {
      pausesMs.push(ms);
    },
  };
  await withThrottleRetry({ ...ports, time, random: () => 1 }).status.read({ id: "task-1" } as never);
  expect(pausesMs).toEqual([150, 250, 450, 850]);
});

test("any other error is thrown at once, but a scan's after a few tries", async () => {
  const away = new Error("away");
  for (const [port, method, args] of throttledPorts(0).calls) {
    const tries = method === "scan" ? TRIES_MAX : 1;
    const failing = withThrottleRetry(throttledPorts(tries, away).ports);
    await expect(call(failing, port, method, args)).rejects.toBe(away);
    // All failures are used up, so the next call succeeds.
    expect(await call(failing, port, method, args)).toEqual(args);
  }
});

test("throttled tries of a scan do not count", async () => {
  const errors = [new Error("away"), ...Array.from({ length: 6 }, () => throttled), new Error("away")];
  const ports = world();
  const scan = async () => {
    const error = errors.shift();
    if (error !== undefined) throw error;
    return new Uint8Array(1);
  };
  const tables = { ...ports.tables, scan };
  expect(await withThrottleRetry({ ...ports, tables }).tables.scan({} as never)).toEqual(new Uint8Array(1));
});

test("a permanent error of a scan is thrown at once", async () => {
  const refused = new FerryError("permanent", "access-denied", details);
  await expect(withThrottleRetry(throttledPorts(1, refused).ports).tables.scan({} as never)).rejects.toBe(
    refused,
  );
});

test("a throttled call fails as throttled if the invocation has no time left", async () => {
  const { ports } = throttledPorts(1e6);
  const time = ports.clock.invocation(60_000);
  const started = ports.clock.now();
  const archive: ArchiveStore = withThrottleRetry({ ...ports, time }).archive;
  await expect(archive.head(bucket, "key")).rejects.toBe(throttled);
  // The margin of 45 seconds is kept, except for the last pause.
  expect(ports.clock.now() - started).toBeGreaterThanOrEqual(15_000);
  expect(ports.clock.now() - started).toBeLessThanOrEqual(25_100);
});

test("writes and the rate limiter are not wrapped, since a slice handles their throttling", () => {
  const { ports } = throttledPorts(0);
  expect(withThrottleRetry(ports).tables.write).toBe(ports.tables.write);
  expect(withThrottleRetry(ports).limiter).toBe(ports.limiter);
});
