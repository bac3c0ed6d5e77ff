/** How often a message of a queue is received before it moves to the queue's dead letters. */
import { type QueueName, queues } from "@ferry/core/topology";
import { settings } from "../settings/stage-settings.ts";

/** The receives of the Pipe on the redrive queue. */
const PIPE_ATTEMPTS = 5;

/**
 * The workers' queues use the stage's setting, the others the topology's number. The redrive queue allows more, in case the
 * receives on a worker's queue count there too.
 */
export function attemptsOf(name: QueueName): number {
  const { attempts } = queues[name];
  if (name === "backup-queue" || name === "restore-queue") return settings.attempts;
  return name === "redrive-queue" ? Math.max(attempts, settings.attempts + PIPE_ATTEMPTS) : attempts;
}
