/**
 * The monitor: it runs every 15 minutes, and announces again what waits for a lost announcement. Its query of the index is
 * replaced by a read of all rows.
 */
import { announceAgain, awaitsAnnouncement } from "@ferry/core/projection/announce-again";
import type { TaskRow } from "@ferry/core/projection/status";
import { createInvocation } from "./invocation.ts";
import { type Cloud, monitorStoreOf } from "./ports.ts";
import type { Scheduler } from "./scheduler.ts";

export type Monitor = ReturnType<typeof createMonitor>;

const PERIOD_MS = 15 * 60_000;
const TIMEOUT_MS = 60_000;
/** A day. A task that then still waits hangs. */
const RUNS_MAX = 96;

/** A run without a row that waits would do nothing, so the monitor is scheduled only while there is one. */
export function createMonitor(cloud: Cloud, rows: () => readonly TaskRow[], scheduler: Scheduler) {
  let isScheduled = false;
  let runs = 0;

  function schedule(): void {
    if (isScheduled || runs === RUNS_MAX) return;
    isScheduled = true;
    scheduler.after(PERIOD_MS, () => {
      isScheduled = false;
      const waiting = rows().filter(awaitsAnnouncement);
      if (waiting.length === 0) return;
      runs++;
      schedule();
      void run(waiting);
    });
  }

  async function run(waiting: readonly TaskRow[]): Promise<void> {
    const options = { name: `monitor#${runs}`, consumer: "monitor", messages: [], work: {} } as const;
    const invocation = createInvocation(
      { ...options, timeoutMs: TIMEOUT_MS, skewMs: 0 },
      scheduler,
      () => {},
    );
    const store = monitorStoreOf(invocation, cloud);
    for (const row of waiting)
      try {
        if (await announceAgain(row, { store, nowMs: invocation.time.now() }))
          cloud.log(() => `${invocation.name} announces ${row.action} ${row["request-id"]} again`);
      } catch (error) {
        cloud.log(() => `${invocation.name}: ${(error as Error).message}`);
      }
    invocation.end();
  }

  return {
    rowChanged(row: TaskRow) {
      if (awaitsAnnouncement(row)) schedule();
    },
  };
}
