/** The memory and the concurrency of the functions on the queues. */
import type { ConsumerName } from "@ferry/core/topology";
import { settings } from "./stage-settings.ts";

const capacity = {
  backup: settings.backupWorker,
  restore: settings.restoreWorker,
  projection: settings.projector,
} as const satisfies Record<ConsumerName, unknown>;

/** The least that AWS accepts: in `sst dev` one developer's machine does all the work. */
const DEV_CONCURRENCY = 2;

export const memoryMb = (consumer: ConsumerName): number => capacity[consumer].memoryMb;

/** The most invocations at the same time. */
export const concurrency = (consumer: ConsumerName): number =>
  $dev ? DEV_CONCURRENCY : capacity[consumer].concurrency;
