/**
 * Writes to a table with several calls in flight. What the table does not take is sent again, with backoff and
 * jitter, and so is a call that failed, a few times; what landed is told in the order in which it was sent, so that a cursor can follow.
 */

import type { CancellationCheck } from "../cancellation.ts";
import { isThrottled, isTransient, permanent } from "../errors.ts";
import type { RestorePlan } from "../events.ts";
import { backoffMs, openPacer, TRIES_MAX } from "../pacing.ts";
import type { Ports, Write, WriteResult } from "../ports.ts";

const CALLS_IN_FLIGHT = 8;
/** What one capacity unit writes. */
const UNIT_BYTES = 1024;

/** What a write of so many bytes consumes at least, units. */
export function unitsOf(bytes: number): number {
  return Math.ceil(bytes / UNIT_BYTES);
}

export interface TableWriter {
  /**
   * Sends writes, waiting for a free place; calls `landed` once they and all that was sent before are in the table, with how
   * many of them were skipped: another item had their key, and the plan never overwrites.
   * `report` makes what is thrown of an error of these writes; without it the error is thrown.
   */
  write(
    writes: readonly Write[],
    landed: (skipped: number) => void,
    report?: (error: unknown) => unknown,
  ): Promise<void>;
  /** What the writes of one call may come to by `unitsOf`, so that a turn of the ceiling holds them. */
  callUnitsMax(): number;
  /** Waits for all that is in flight. Throws the first error, after everything has settled. */
  settle(): Promise<void>;
  /** Settles, and the ceiling with it. */
  close(): Promise<void>;
  /** Whether something that was sent did not land, for want of time or of a wish: nothing lands any more. */
  stopped(): boolean;
  /** Whether the table or the ceiling made it wait. */
  heldUp(): boolean;
}

/** What a call took of its writes, and what it skipped. */
type Taken = WriteResult & { readonly skipped: number };
/** How the writes of one call ended. */
type Done = { readonly skipped: number } | "too late";

/**
 * Opens a writer to the plan's table, until `untilMs`, ms since 1970. It looks whether the segment is still wanted before
 * each call, the repeated ones too, for the wait before it may have been long: where it is not, nothing is written any
 * more.
 */
export function openTableWriter(
  plan: RestorePlan,
  about: { attempt: number; untilMs: number; watch: CancellationCheck },
  ports: Ports,
): TableWriter {
  const { request } = plan;
  const table = { region: request["table-region"], name: request["table-name"] };
  const pace = openPacer({ task: plan.task, unitsPerSecond: plan["write-units"], ...about }, ports);
  const inFlight: { done: Promise<Done>; landed: (skipped: number) => void }[] = [];
  let stopped = false;
  /** What a write consumes for each unit of its bytes: indexes are written too. */
  let factor = plan["units-per-write"] ?? 1;

  /**
   * One try of a call, in a turn of its own. Returns what the call returns; `too late` where there is no turn left;
   * `failed` where the call is to be tried again: the table throttled it, or it failed for the first few times.
   */
  async function inTurn(
    writes: readonly Write[],
    tries: { made: number; failures: number },
  ): Promise<Taken | "too late" | "failed"> {
    const expected = bytesUnits(writes) * factor;
    if (!(await pace.reserve(expected))) return "too late";
    // Where the answer is lost, the call may have been made: it is charged as expected.
    let units = expected;
    try {
      const result = await take(writes);
      units = result.units;
      const perUnit = units / (bytesUnits(writes) - bytesUnits(result.unprocessed));
      // Raise the estimate at once; lower it gradually.
      if (units > 0 && Number.isFinite(perUnit)) factor = Math.max(perUnit, (factor + perUnit) / 2);
      tries.failures = 0;
      return result;
    } catch (error) {
      if (isThrottled(error)) {
        units = 0;
        pace.pause(backoffMs(tries.made, ports.random));
      } else {
        if (!isTransient(error) || ++tries.failures >= TRIES_MAX) throw error;
        pace.delay(backoffMs(tries.failures, ports.random));
      }
      return "failed";
    } finally {
      tries.made++;
      pace.recordConsumption(expected, units);
    }
  }

  const mayOverwrite = !neverOverwrites(plan, about.attempt);

  /** The call itself. */
  async function take(writes: readonly Write[]): Promise<Taken> {
    if (mayOverwrite) return { ...(await ports.tables.write(table, writes)), skipped: 0 };
    const { outcomes, units } = await ports.tables.insert(table, writes.map(itemOf), plan.table.keys);
    return {
      units,
      unprocessed: writes.filter((_, i) => outcomes[i] === "unprocessed"),
      skipped: outcomes.filter((outcome) => outcome === "exists").length,
    };
  }

  function itemOf(write: Write): Uint8Array {
    if ("put" in write) return write.put;
    throw permanent("mode-not-possible", {
      operation: "restore",
      resource: `table ${table.name} in ${table.region}`,
      message: "a line asks for a delete, which restore-mode if-absent never does.",
      hint: "Ask again with restore-mode merge.",
    });
  }

  /** Calls until all is taken; `too late` when the time is up first, or the segment is not wanted any more. */
  async function send(writes: readonly Write[]): Promise<Done> {
    const tries = { made: 0, failures: 0 };
    let rest = writes;
    let skipped = 0;
    while (rest.length > 0) {
      const result = await inTurn(rest, tries);
      if (result === "too late") return result;
      if (result === "failed") continue;
      skipped += result.skipped;
      rest = result.unprocessed;
      if (rest.length > 0) pace.pause(backoffMs(tries.made, ports.random));
    }
    return { skipped };
  }

  /** Waits for the oldest. */
  async function land(): Promise<void> {
    const oldest = inFlight.shift();
    if (oldest === undefined) return;
    let done: Done = "too late";
    try {
      done = await oldest.done;
    } finally {
      // What was sent behind it may have landed, and must not be told: the cursor would pass over what did not.
      if (done === "too late") stopped = true;
    }
    if (done !== "too late" && !stopped) oldest.landed(done.skipped);
  }

  async function settle(): Promise<void> {
    const all = inFlight.map(({ done }) => done);
    await Promise.allSettled(all);
    while (inFlight.length > 0) await land();
  }

  return {
    async write(writes, landed, report = (error) => error) {
      const done = send(writes).catch((error: unknown) => {
        throw report(error);
      });
      // Told by `land`; until then it must not count as unhandled.
      done.catch(() => {});
      inFlight.push({ done, landed });
      if (inFlight.length >= CALLS_IN_FLIGHT) await land();
    },
    callUnitsMax: () => pace.callUnitsMax / factor,
    settle,
    async close() {
      try {
        await settle();
      } finally {
        await pace.close();
      }
    },
    stopped: () => stopped,
    heldUp: pace.wasThrottled,
  };
}

/**
 * Whether items are put only where none has their key. A retry of an `empty-only` restore may find what the application
 * wrote since the attempt before it ended.
 */
function neverOverwrites({ request }: RestorePlan, attempt: number): boolean {
  const mode = request["restore-mode"] ?? "empty-only";
  return mode === "if-absent" || (mode === "empty-only" && attempt > 1);
}

function bytesUnits(writes: readonly Write[]): number {
  return writes.reduce((sum, write) => sum + unitsOf(("put" in write ? write.put : write.remove).length), 0);
}
