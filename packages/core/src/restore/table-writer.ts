/**
 * Writes to a table with several concurrent calls. Retries writes that the table did not process, with backoff and jitter, and
 * failed calls a few times. Reports completed writes in the order in which they were sent, so that a cursor can follow.
 */

import type { CancellationCheck } from "../control/cancellation.ts";
import { isThrottled, isTransient, permanent } from "../errors/errors.ts";
import type { RestorePlan } from "../events/events.ts";
import { backoffMs, openPacer, TRIES_MAX } from "../pacing/pacing.ts";
import type { Ports, Write, WriteResult } from "../ports.ts";
import { tableResource } from "../request/addresses.ts";
import type { Consumed } from "../segment/usage.ts";
import { tableOf } from "../table/table-identity.ts";

const CALLS_IN_FLIGHT = 8;
/** The bytes that one capacity unit writes. */
const UNIT_BYTES = 1024;

/** The minimum consumption of a write of this size, in capacity units. */
export function unitsOf(bytes: number): number {
  return Math.ceil(bytes / UNIT_BYTES);
}

export interface TableWriter {
  /**
   * Sends writes; waits if too many calls are in flight. Calls `landed` when these and all earlier writes are in the table,
   * with the number that were skipped because another item had their key and the plan never overwrites. `report` converts an
   * error of these writes before it is thrown.
   */
  write(
    writes: readonly Write[],
    landed: (skipped: number) => void,
    report?: (error: unknown) => unknown,
  ): Promise<void>;
  /** The largest sum of `unitsOf` for the writes of one call that fits into one reservation of the ceiling. */
  callUnitsMax(): number;
  /** Waits for all calls in flight. Throws the first error after all have ended. */
  settle(): Promise<void>;
  /** Waits for all calls in flight, and settles their consumption with the ceiling. */
  close(): Promise<void>;
  /** Whether writes were abandoned, because the time was up or the segment is no longer needed. Then nothing lands any more. */
  stopped(): boolean;
  /** Whether the table or the ceiling made it wait. */
  wasThrottled(): boolean;
  /** What its writes consumed so far. */
  consumed(): Consumed;
}

/** The result of a call, with the number of skipped writes. */
type CallResult = WriteResult & { readonly skipped: number };
/** The outcome of the writes of one call. */
type Done = { readonly skipped: number } | "too late";

/**
 * Opens a writer to the plan's table that stops at `untilMs`, ms since 1970. It checks before each call, also before each
 * retry, whether the segment is still needed, because the wait before the call may have been long. If it is not, the writer
 * stops.
 */
export function openTableWriter(
  plan: RestorePlan,
  options: { window: number; attempt: number; untilMs: number; check: CancellationCheck },
  ports: Ports,
): TableWriter {
  const table = tableOf(plan);
  const pace = openPacer({ task: plan.task, unitsPerSecond: plan["write-units"], ...options }, ports);
  const inFlight: { done: Promise<Done>; landed: (skipped: number) => void }[] = [];
  let stopped = false;
  /** The consumption of a write per unit of its bytes: indexes consume units too. */
  let factor = plan["units-per-write"] ?? 1;

  /**
   * One try of a call, with its own reservation. Returns the result of the call; `too late` if nothing can be reserved any
   * more; `failed` if the call must be retried because it was throttled or had one of the first few transient errors.
   */
  async function tryCall(
    writes: readonly Write[],
    tries: { made: number; failures: number },
  ): Promise<CallResult | "too late" | "failed"> {
    const unitsOfBytes = bytesUnits(writes);
    const expected = unitsOfBytes * factor;
    if (!(await pace.reserve(expected))) return "too late";
    // If the response is lost, the call may have been executed: charge the expected units.
    let units = expected;
    try {
      const result = await call(writes);
      units = result.units;
      const perUnit = units / (unitsOfBytes - bytesUnits(result.unprocessed));
      // Raise the estimate at once; lower it gradually.
      if (units > 0 && Number.isFinite(perUnit))
        factor = Math.max(perUnit, (factor + perUnit) / 2, factorMin);
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

  const mayOverwrite = !neverOverwrites(plan, options);
  // A refused put consumes nothing of the indexes. The next put may be stored, so its estimate includes them.
  const factorMin = mayOverwrite ? 0 : factor;

  /** Makes the call. */
  async function call(writes: readonly Write[]): Promise<CallResult> {
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
      resource: tableResource(table),
      message: "A line of the archive is a delete, which restore-mode if-absent does not allow.",
      hint: "Request the restore with restore-mode merge.",
    });
  }

  /** Repeats calls until all writes are processed; `too late` if the time is up or the segment is no longer needed. */
  async function send(writes: readonly Write[]): Promise<Done> {
    const tries = { made: 0, failures: 0 };
    let rest = writes;
    let skipped = 0;
    while (rest.length > 0) {
      const result = await tryCall(rest, tries);
      if (result === "too late") return result;
      if (result === "failed") continue;
      skipped += result.skipped;
      rest = result.unprocessed;
      if (rest.length > 0) pace.pause(backoffMs(tries.made, ports.random));
    }
    return { skipped };
  }

  /** Waits for the oldest call in flight. */
  async function land(): Promise<void> {
    const oldest = inFlight.shift();
    if (oldest === undefined) return;
    let done: Done = "too late";
    try {
      done = await oldest.done;
    } finally {
      // Later calls may have landed, but must not be reported: the cursor would skip the writes that did not land.
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
      // Awaited by `land`; this only avoids an unhandled rejection until then.
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
    wasThrottled: pace.wasThrottled,
    consumed: pace.consumed,
  };
}

/**
 * Whether only missing items are put. A retry of an `empty-only` restore may find items that the application wrote after the
 * previous attempt ended. The changes of a series are applied to the items of the window before.
 */
function neverOverwrites(
  { request }: RestorePlan,
  { window, attempt }: { readonly window: number; readonly attempt: number },
): boolean {
  if (window > 0) return false;
  const mode = request["restore-mode"] ?? "empty-only";
  return mode === "if-absent" || (mode === "empty-only" && attempt > 1);
}

function bytesUnits(writes: readonly Write[]): number {
  let units = 0;
  for (const write of writes) units += unitsOf(("put" in write ? write.put : write.remove).length);
  return units;
}
