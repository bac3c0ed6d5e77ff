/** The times of functions and queues, which must fit each other; and what `sst dev` changes of them. */
import { type ConsumerName, consumers, type QueueName } from "@ferry/core/topology";
import { settings } from "./settings.ts";

const functions = {
  backup: settings.backupWorker,
  restore: settings.restoreWorker,
  projection: settings.projector,
} as const satisfies Record<ConsumerName, unknown>;

/** In `sst dev` the handler runs on a developer's machine, perhaps at a breakpoint: as long as Lambda allows. */
const DEV_TIMEOUT_SECONDS = 900;
/** The least that AWS takes: one developer's machine is one machine. */
const DEV_CONCURRENCY = 2;
/** A Pipe's put takes a second at most; AWS advises six times that, and a Pipe may be throttled. */
const PIPE_VISIBILITY_SECONDS = 120;
/** AWS's advice for a queue that a function reads. */
const VISIBILITY_FACTOR = 6;

export const memoryMb = (consumer: ConsumerName): number => functions[consumer].memoryMb;

export const timeoutSeconds = (consumer: ConsumerName): number =>
  $dev ? DEV_TIMEOUT_SECONDS : functions[consumer].timeoutSeconds;

export const concurrency = (consumer: ConsumerName): number =>
  $dev ? DEV_CONCURRENCY : functions[consumer].concurrency;

/**
 * How long a received message stays hidden. Generous: a handler sets its own at start. In `sst dev` it is the timeout
 * alone, so that what a stopped session was at comes back while one still remembers it.
 */
export function visibilitySeconds(queue: QueueName): number {
  const consumer = (Object.keys(consumers) as ConsumerName[]).find((name) => consumers[name].queue === queue);
  if (consumer === undefined) return PIPE_VISIBILITY_SECONDS;
  return timeoutSeconds(consumer) * ($dev ? 1 : VISIBILITY_FACTOR);
}
