import { memoryRateLimiter } from "@ferry/memory/rate-limiter";
import { destination, restoreRequest, someTask, world } from "@ferry/memory/testing/tasks";
import { describe, expect, test } from "vitest";
import { FerryError, permanent } from "../errors/errors.ts";
import type { RestorePlan } from "../events/events.ts";
import { TRIES_MAX } from "../pacing/pacing.ts";
import type { InsertOutcome, Ports, RateLimiter, TableData, Write } from "../ports.ts";
import { openTableWriter, unitsOf } from "./table-writer.ts";

const refusedCall = { operation: "BatchWriteItem", resource: "copies", message: "was refused.", hint: "" };
const throttled = new FerryError("throttled", "throttled", refusedCall);
const refused = permanent("access-denied", refusedCall);

const put = (bytes = 100): Write => ({ put: new Uint8Array(bytes) });

/** A writer on a table with the given methods, and a record of its calls. */
function writer(
  plan: { "write-units"?: number; "units-per-write"?: number; "restore-mode"?: string } = {},
  table: Partial<TableData> = {},
  { untilMs = 1e15, stillNeeded = async () => true } = {},
) {
  const ports = world();
  const reservedMs: number[] = [];
  const memory = memoryRateLimiter();
  const limiter: RateLimiter = {
    ...memory,
    reserve: (task, options) => {
      reservedMs.push(options.durationMs);
      return memory.reserve(task, options);
    },
  };
  const calls: (readonly Write[])[] = [];
  const write: TableData["write"] = async (address, writes) => {
    expect(address).toEqual(destination);
    calls.push(writes);
    return table.write === undefined ? { units: 0, unprocessed: [] } : table.write(address, writes);
  };
  const { "restore-mode": mode = "merge", ...units } = plan;
  const restorePlan = {
    ...units,
    task: someTask("archives", "restore"),
    request: { ...restoreRequest, "restore-mode": mode },
    table: { keys: ["id"] },
  } as unknown as RestorePlan;
  const check = {
    stillNeeded,
    async waitUntil(ms: number) {
      if (ms > ports.clock.now()) await ports.clock.sleep(ms - ports.clock.now());
      return stillNeeded();
    },
  };
  const allPorts: Ports = {
    ...ports,
    limiter,
    random: () => 0.5,
    tables: { ...ports.tables, ...table, write },
  };
  return {
    ...openTableWriter(restorePlan, { window: 0, attempt: 1, untilMs, check }, allPorts),
    calls,
    reservedMs,
    clock: ports.clock,
  };
}

/** A promise and the functions that settle it. */
function pending<T>() {
  return Promise.withResolvers<T>();
}

/** Waits until all pending microtasks have run. */
const flushMicrotasks = () => new Promise((resolve) => setImmediate(resolve));

test.each([
  [1, 1],
  [1024, 1],
  [1025, 2],
])("a write of %i bytes consumes at least %i units", (bytes, units) => {
  expect(unitsOf(bytes)).toBe(units);
});

describe("the expected consumption of a write", () => {
  test("is the units of its bytes times the plan's units-per-write", async () => {
    const { write, settle, reservedMs, callUnitsMax } = writer({ "write-units": 100, "units-per-write": 2 });
    expect(callUnitsMax()).toBeCloseTo(23.25 / 2);
    await write([put(1025), { remove: new Uint8Array(30) }], () => {});
    await settle();
    // Three units by bytes, six with the index; the ceiling reserves 93 a second.
    expect(reservedMs).toEqual([Math.ceil((6 / 93) * 1000)]);
  });

  test("is raised at once by a response, and lowered half way", async () => {
    const answers = [6, 2, 0];
    const { write, settle, callUnitsMax } = writer(
      { "write-units": 100 },
      { write: async () => ({ units: answers.shift()!, unprocessed: [] }) },
    );
    const factors: number[] = [];
    for (let n = 0; n < 3; n++) {
      await write([put(), put()], () => {});
      await settle();
      factors.push(23.25 / callUnitsMax());
    }
    // A response without units changes nothing.
    expect(factors.map((factor) => Number(factor.toFixed(6)))).toEqual([3, 2, 2]);
  });

  test("is never below the plan's units-per-write if nothing is overwritten", async () => {
    const { write, settle, callUnitsMax } = writer(
      { "write-units": 100, "units-per-write": 4, "restore-mode": "if-absent" },
      { insert: async () => ({ units: 1, outcomes: ["exists"] }) },
    );
    await write([put()], () => {});
    await settle();
    expect(callUnitsMax()).toBeCloseTo(23.25 / 4);
  });

  test("is computed from the processed writes", async () => {
    const { write, settle, callUnitsMax } = writer(
      { "write-units": 100 },
      {
        write: async (_, writes) =>
          writes.length === 4 ? { units: 4, unprocessed: writes.slice(2) } : { units: 0, unprocessed: [] },
      },
    );
    await write([put(), put(), put(), put()], () => {});
    await settle();
    expect(23.25 / callUnitsMax()).toBeCloseTo(2);
  });

  test("is exceeded by a call: the difference is reserved before the next call", async () => {
    const { write, settle, clock } = writer(
      { "write-units": 100 },
      { write: async () => ({ units: 94, unprocessed: [] }) },
    );
    const now = clock.now();
    await write([put()], () => {});
    await settle();
    await write([put()], () => {});
    await settle();
    // The second call expects the consumption of the first.
    expect(clock.now() - now).toBeGreaterThanOrEqual(1000);
  });
});

describe("writes that are in flight", () => {
  test("are at most eight calls: the eighth waits for the oldest", async () => {
    const answers = Array.from({ length: 9 }, () => pending<{ units: number; unprocessed: Write[] }>());
    let nth = 0;
    const { write, settle, calls } = writer({}, { write: () => answers[nth++]!.promise });
    for (let n = 0; n < 7; n++) await write([put()], () => {});
    let isTaken = false;
    const eighth = write([put()], () => {}).then(() => {
      isTaken = true;
    });
    await flushMicrotasks();
    expect(calls).toHaveLength(8);
    expect(isTaken).toBe(false);
    answers[0]!.resolve({ units: 1, unprocessed: [] });
    await eighth;
    for (const answer of answers) answer.resolve({ units: 1, unprocessed: [] });
    await settle();
  });

  test("are reported as landed in the order in which they were sent", async () => {
    const first = pending<{ units: number; unprocessed: Write[] }>();
    let nth = 0;
    const { write, settle, stopped } = writer(
      {},
      { write: async () => (nth++ === 0 ? first.promise : { units: 1, unprocessed: [] }) },
    );
    const landed: number[] = [];
    await write([put()], () => landed.push(1));
    await write([put()], () => landed.push(2));
    await flushMicrotasks();
    expect(landed).toEqual([]);
    first.resolve({ units: 1, unprocessed: [] });
    await settle();
    expect(landed).toEqual([1, 2]);
    expect(stopped()).toBe(false);
  });

  test("are not reported as landed after a failed one, whose error is thrown when all have ended", async () => {
    const second = pending<{ units: number; unprocessed: Write[] }>();
    let nth = 0;
    const { write, settle, stopped } = writer(
      {},
      {
        write: async () => {
          if (nth++ === 0) throw refused;
          return second.promise;
        },
      },
    );
    const landed: number[] = [];
    await write([put()], () => landed.push(1));
    await write([put()], () => landed.push(2));
    await flushMicrotasks();
    const settled = settle();
    let isSettled = false;
    settled
      .catch(() => {})
      .finally(() => {
        isSettled = true;
      });
    await flushMicrotasks();
    expect(isSettled).toBe(false);
    second.resolve({ units: 1, unprocessed: [] });
    await expect(settled).rejects.toBe(refused);
    await settle();
    expect(landed).toEqual([]);
    expect(stopped()).toBe(true);
  });
});

describe("a write that the table does not process", () => {
  test("is sent again after a pause, without the processed ones", async () => {
    const { write, settle, calls, clock, wasThrottled } = writer(
      {},
      { write: async (_, writes) => ({ units: 1, unprocessed: writes.slice(0, -1) }) },
    );
    const writes = [put(), put(), put()];
    const now = clock.now();
    await write(writes, () => {});
    await settle();
    expect(calls).toEqual([writes, writes.slice(0, 2), writes.slice(0, 1)]);
    expect(wasThrottled()).toBe(true);
    // Half of 200 ms and half of 400 ms, plus 50 ms each.
    expect(clock.now() - now).toBe(150 + 250);
  });

  test("counts as throttling only if there is one", async () => {
    const { write, settle, calls, wasThrottled } = writer();
    await write([put()], () => {});
    await settle();
    expect(calls).toHaveLength(1);
    expect(wasThrottled()).toBe(false);
  });

  test("because of throttling is sent again after growing pauses", async () => {
    let left = 6;
    const { write, settle, clock, wasThrottled } = writer(
      {},
      {
        write: async () => {
          if (left-- > 0) throw throttled;
          return { units: 1, unprocessed: [] };
        },
      },
    );
    const now = clock.now();
    await write([put()], () => {});
    await settle();
    expect(clock.now() - now).toBe(6 * 50 + 50 * (1 + 2 + 4 + 8 + 16 + 32));
    expect(wasThrottled()).toBe(true);
  });

  test("because of a transient error is retried a few times, which does not count as throttling", async () => {
    const failing = (times: number) => {
      let left = times;
      return writer(
        {},
        {
          write: async () => {
            if (left-- > 0) throw new Error("away");
            return { units: 1, unprocessed: [] };
          },
        },
      );
    };
    const some = failing(TRIES_MAX - 1);
    const now = some.clock.now();
    await some.write([put()], () => {});
    await some.settle();
    expect(some.clock.now() - now).toBe(150 + 250 + 450);
    expect(some.calls).toHaveLength(TRIES_MAX);
    expect(some.wasThrottled()).toBe(false);
    const many = failing(TRIES_MAX);
    await many.write([put()], () => {});
    await expect(many.settle()).rejects.toThrow("away");
    expect(many.calls).toHaveLength(TRIES_MAX);
  });

  test("because the time is up is abandoned, and nothing lands any more", async () => {
    const { write, settle, stopped, calls } = writer({}, {}, { untilMs: 0 });
    const landed: number[] = [];
    await write([put()], () => landed.push(1));
    await settle();
    expect(calls).toEqual([]);
    expect(landed).toEqual([]);
    expect(stopped()).toBe(true);
  });

  test("because it is no longer needed is abandoned, which is checked before each call", async () => {
    let isNeeded = true;
    const { write, settle, stopped, calls } = writer(
      {},
      {
        write: async (_, writes) => {
          isNeeded = false;
          return { units: 1, unprocessed: writes.slice(1) };
        },
      },
      { stillNeeded: async () => isNeeded },
    );
    await write([put(), put()], () => {});
    await settle();
    expect(calls).toHaveLength(1);
    expect(stopped()).toBe(true);
  });
});

describe("closing", () => {
  const close = async (write: TableData["write"]) => {
    const one = writer({ "write-units": 100 }, { write });
    await one.write([put(20_000)], () => {});
    const closed = one.close();
    return { closed, reservedMs: one.reservedMs };
  };

  test("settles the consumption of the writes with the ceiling", async () => {
    const { closed, reservedMs } = await close(async () => ({ units: 113, unprocessed: [] }));
    await closed;
    // 20 units were reserved; 93 more are the ceiling of one second.
    expect(reservedMs).toEqual([216, 1000]);
  });

  test("throws a write's error after settling with the ceiling", async () => {
    let calls = 0;
    const { closed, reservedMs } = await close(async (_, writes) => {
      if (calls++ === 0) return { units: 113, unprocessed: writes };
      throw refused;
    });
    await expect(closed).rejects.toBe(refused);
    expect(reservedMs.length).toBeGreaterThan(1);
  });
});

describe("with restore-mode if-absent", () => {
  test("a line that is a delete is refused", async () => {
    const { write, settle } = writer({ "restore-mode": "if-absent" });
    await write([{ remove: new Uint8Array(1) }], () => {});
    await expect(settle()).rejects.toMatchObject({
      kind: "permanent",
      code: "mode-not-possible",
      operation: "restore",
      resource: "table copies in eu-west-1",
    });
  });

  test("items whose key another item has are counted as skipped once, over several calls", async () => {
    const answers: InsertOutcome[][] = [
      ["stored", "exists", "same", "unprocessed", "unprocessed"],
      ["exists", "unprocessed"],
      ["exists"],
    ];
    const { write, settle } = writer(
      { "restore-mode": "if-absent" },
      { insert: async () => ({ units: 1, outcomes: answers.shift()! }) },
    );
    const skips: number[] = [];
    await write([put(), put(), put(), put(), put()], (skipped) => skips.push(skipped));
    await settle();
    expect(skips).toEqual([3]);
    expect(answers).toEqual([]);
  });

  test("a call that processed nothing does not change the expected consumption", async () => {
    const outcomes: InsertOutcome[][] = [["unprocessed"], ["stored"]];
    const { write, settle, callUnitsMax } = writer(
      { "restore-mode": "if-absent", "write-units": 100 },
      { insert: async () => ({ units: outcomes.length === 2 ? 3 : 1, outcomes: outcomes.shift()! }) },
    );
    await write([put()], () => {});
    await settle();
    expect(callUnitsMax()).toBeCloseTo(23.25);
  });

  test("items that are no longer needed are abandoned, and nothing lands any more", async () => {
    let isNeeded = true;
    const { write, settle, stopped } = writer(
      { "restore-mode": "if-absent" },
      {
        insert: async () => {
          isNeeded = false;
          return { units: 1, outcomes: ["stored"] };
        },
      },
      { stillNeeded: async () => isNeeded },
    );
    const landed: number[] = [];
    await write([put()], () => landed.push(1));
    await settle();
    await write([put(), put()], () => landed.push(2));
    await settle();
    expect(landed).toEqual([1]);
    expect(stopped()).toBe(true);
  });
});
