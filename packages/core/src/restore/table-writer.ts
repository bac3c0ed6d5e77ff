/**
 * Writes to a table with several calls in flight. What the table does not take is sent again, with backoff and
 * jitter; what landed is told in the order in which it was sent, so that a cursor can follow.
 */
import { isThrottled, permanent } from "../errors.ts";
import type { RestorePlan } from "../events.ts";
import { backoffMs, pacer } from "../pacing.ts";
import type { Ports, Write } from "../ports.ts";

const CALLS_IN_FLIGHT = 8;

export interface TableWriter {
  /** Sends writes, waiting for a free place; calls `landed` once they and all that was sent before are in the table. */
  write(writes: readonly Write[], landed: () => void): Promise<void>;
  /** Waits for all that is in flight. Throws the first error, after everything has settled. */
  settle(): Promise<void>;
  /** Whether something that was sent did not land, for want of time or of a wish: nothing lands any more. */
  stopped(): boolean;
  /** Whether the table asked for less. */
  throttled(): boolean;
}

/**
 * Opens a writer to the plan's table, until `untilMs`, ms since 1970. `wanted` is asked before each call, the repeated
 * ones too, for the wait before it may have been long: where it says no, nothing is written any more.
 */
export function openTableWriter(
  plan: RestorePlan,
  untilMs: number,
  wanted: () => Promise<boolean>,
  ports: Ports,
): TableWriter {
  const { request } = plan;
  const table = { region: request["table-region"], name: request["table-name"] };
  const pace = pacer(plan["segment-write-units"], untilMs, ports.time);
  const inFlight: { done: Promise<boolean>; landed: () => void }[] = [];
  let stopped = false;
  let throttled = false;

  /** Calls until it succeeds; false when the time is up first, or nobody wants it any more. */
  async function insist<T>(call: () => Promise<T | undefined>): Promise<boolean> {
    for (let tries = 0; await pace.ready(); tries++) {
      if (!(await wanted())) return false;
      try {
        if ((await call()) === undefined) return true;
      } catch (error) {
        if (!isThrottled(error)) throw error;
      }
      throttled = true;
      pace.pause(backoffMs(tries, ports.random));
    }
    return false;
  }

  async function writeAll(writes: readonly Write[]): Promise<boolean> {
    let rest = writes;
    return insist(async () => {
      const result = await ports.tables.write(table, rest);
      pace.spend(result.units);
      rest = result.unprocessed;
      return rest.length === 0 ? undefined : rest;
    });
  }

  async function putIfAbsent(write: Write): Promise<boolean> {
    if (!("put" in write))
      throw permanent("mode-not-possible", {
        operation: "restore",
        resource: `table ${table.name} in ${table.region}`,
        message: "a line asks for a delete, which restore-mode if-absent never does.",
        hint: "Ask again with restore-mode merge.",
      });
    return insist(async () => {
      const result = await ports.tables.putIfAbsent(table, write.put, plan.table.keys);
      pace.spend(result.units);
      return undefined;
    });
  }

  async function send(writes: readonly Write[]): Promise<boolean> {
    if (request["restore-mode"] !== "if-absent") return writeAll(writes);
    const all = await Promise.allSettled(writes.map(putIfAbsent));
    for (const one of all) if (one.status === "rejected") throw one.reason;
    return all.every((one) => one.status === "fulfilled" && one.value);
  }

  /** Waits for the oldest. */
  async function land(): Promise<void> {
    const oldest = inFlight.shift();
    if (oldest === undefined) return;
    if (!(await oldest.done)) stopped = true;
    if (!stopped) oldest.landed();
  }

  return {
    async write(writes, landed) {
      const done = send(writes);
      // Told by `land`; until then it must not count as unhandled.
      done.catch(() => {});
      inFlight.push({ done, landed });
      if (inFlight.length >= CALLS_IN_FLIGHT) await land();
    },
    async settle() {
      const all = inFlight.map(({ done }) => done);
      await Promise.allSettled(all);
      while (inFlight.length > 0) await land();
    },
    stopped: () => stopped,
    throttled: () => throttled,
  };
}
