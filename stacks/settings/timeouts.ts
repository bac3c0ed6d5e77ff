/**
 * The timeouts of functions and the visibility timeouts of their queues, which depend on each other; and how `sst dev`
 * changes them.
 */
import { type ConsumerName, consumers, type QueueName } from "@ferry/core/topology";
import { settings } from "./stage-settings.ts";

const functionTimeouts = {
  backup: settings.backupWorker.timeoutSeconds,
  restore: settings.restoreWorker.timeoutSeconds,
  projection: settings.projector.timeoutSeconds,
} as const satisfies Record<ConsumerName, number>;

/**
 * In `sst dev` the handler runs on the developer's machine and may stop at a breakpoint, so it gets the most that Lambda
 * allows.
 */
const DEV_TIMEOUT_SECONDS = 900;
/** A Pipe's put takes at most a second. AWS advises six times the processing time, and a Pipe may be throttled. */
const PIPE_VISIBILITY_SECONDS = 120;
/** AWS's advice for a queue that a function reads. */
const VISIBILITY_FACTOR = 6;

export const timeoutSeconds = (consumer: ConsumerName): number =>
  $dev ? DEV_TIMEOUT_SECONDS : functionTimeouts[consumer];

/**
 * The visibility timeout of a queue. It is generous because a handler sets its own when it starts. In `sst dev` it equals the
 * function's timeout, so that the messages of a stopped session return while the developer still remembers it.
 */
export function visibilitySeconds(queue: QueueName): number {
  const consumer = (Object.keys(consumers) as ConsumerName[]).find((name) => consumers[name].queue === queue);
  if (consumer === undefined) return PIPE_VISIBILITY_SECONDS;
  return timeoutSeconds(consumer) * ($dev ? 1 : VISIBILITY_FACTOR);
}
