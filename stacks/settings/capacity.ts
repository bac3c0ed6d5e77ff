/** The memory and the concurrency of the functions on the queues. */
import type { ConsumerName } from "@ferry/core/topology";
import { settings } from "./stage-settings.ts";

const capacity = {
  backup: settings.backupWorker,
  restore: settings.restoreWorker,
  projection: settings.projector,
} as const satisfies Record<ConsumerName, unknown>;

/** The least that AWS accepts: in `sst dev` the functions run on one developer's machine. */
const DEV_CONCURRENCY = 2;

export const memoryMb = (consumer: ConsumerName): number => capacity[consumer].memoryMb;

/** The most concurrent invocations. */
export const concurrency = (consumer: ConsumerName): number =>
  $dev ? DEV_CONCURRENCY : capacity[consumer].concurrency;

/** The part of the account's concurrency that only this function uses: an argument of its component. */
export function reservedConcurrency(consumer: ConsumerName): { concurrency?: { reserved: number } } {
  const { reservedConcurrency: reserved } = settings.projector;
  return consumer !== "projection" || reserved === undefined || $dev ? {} : { concurrency: { reserved } };
}
