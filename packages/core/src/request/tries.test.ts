/**
 * Repeated calls on items: each try has its own reservation of the ceiling, also if its response is lost.
 */
import { intercept } from "@ferry/memory/intercept";
import { memoryTables } from "@ferry/memory/tables";
import {
  backupRequest,
  destination,
  restoreRequest,
  runTask,
  source,
  world,
} from "@ferry/memory/testing/tasks";
import { describe, expect, test } from "vitest";
import { permanent } from "../errors/errors.ts";
import { TRIES_MAX } from "../pacing/pacing.ts";

const CEILING = 10;
const ITEMS = 300;
const items = Array.from(
  { length: ITEMS },
  (_, n) => `{"id":{"S":"item-${n}"},"x":{"S":"${"x".repeat(900)}"}}`,
);
type Method = "scan" | "write" | "insert";

/** A world in which `failing` gives the error of each try, from the number of earlier tries of the same call. */
function losingWorld(method: Method, failing: (before: number) => unknown) {
  const consumed: { kind: string; units: number }[] = [];
  const memory = memoryTables({ consumed: (_, kind, units) => consumed.push({ kind, units }) });
  const plain = world({ tables: memory });
  let calls = 0;
  const tries = new Map<string, number>();
  let on = false;
  const ports = {
    ...plain,
    tables: intercept("table", memory, [method], async ({ args }, run) => {
      const response = await run();
      if (!on) return response;
      calls++;
      const call = JSON.stringify(args);
      const before = tries.get(call) ?? 0;
      tries.set(call, before + 1);
      const error = failing(before);
      if (error !== undefined) throw error;
      return response;
    }),
  };
  return {
    ports,
    calls: () => calls,
    unitsOf: (kind: string) => consumed.reduce((sum, one) => sum + (one.kind === kind ? one.units : 0), 0),
    start() {
      on = true;
      consumed.length = 0;
    },
  };
}

const lost = () => new Error("socket hang up");
const requests = {
  scan: { ...backupRequest, "total-segments": 1, "read-units": CEILING },
  write: { ...restoreRequest, "total-segments": 1, "write-units": CEILING },
  insert: {
    ...restoreRequest,
    "total-segments": 1,
    "write-units": CEILING,
    "restore-mode": "if-absent",
  },
};

/** A world in which the request that uses the method can run; for a restore it has a backup. */
async function given(method: Method, failing: (before: number) => unknown) {
  const world = losingWorld(method, failing);
  world.ports.tables.put(source, ...items);
  if (method !== "scan") await runTask(backupRequest, world.ports);
  world.start();
  return world;
}

describe.each(["scan", "write", "insert"] as const)("given lost responses of %s", (method) => {
  const kind = method === "scan" ? "read" : "write";

  test("the task continues, and the lost tries are charged to its ceiling", async () => {
    const { ports, unitsOf } = await given(method, (before) => (before < 2 ? lost() : undefined));
    const startMs = ports.clock.now();
    expect(await runTask(requests[method], ports)).toMatchObject([
      { type: "TaskFinished", detail: { items: ITEMS } },
    ]);
    const seconds = (ports.clock.now() - startMs) / 1000;
    expect(unitsOf(kind)).toBeGreaterThan(2 * (kind === "read" ? 37 : ITEMS));
    expect(unitsOf(kind) / seconds).toBeLessThan(CEILING);
    if (kind === "write") expect(ports.tables.items(destination)).toHaveLength(ITEMS);
  });

  test("a call is tried a few times, then the error is thrown for the queue to try again", async () => {
    const { ports, calls } = await given(method, lost);
    await expect(runTask(requests[method], ports)).rejects.toThrow("socket hang up");
    const inFlight = method === "scan" ? 1 : calls() / TRIES_MAX;
    expect(Number.isInteger(inFlight)).toBe(true);
    expect(calls()).toBe(inFlight * TRIES_MAX);
  });

  test("a call with a permanent error is not repeated", async () => {
    const details = { operation: "call", resource: "table", message: "no", hint: "" };
    const { ports, calls } = await given(method, () => permanent("access-denied", details));
    await expect(runTask(requests[method], ports)).rejects.toThrow("access-denied");
    expect(calls()).toBeLessThanOrEqual(method === "scan" ? 1 : 200);
  });
});
