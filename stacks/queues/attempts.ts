/** How often a message of a queue is received before it moves to the queue's dead letters. */
import { type QueueName, queues } from "@ferry/core/topology";
import { settings } from "../settings/stage-settings.ts";

/** Receives that the Pipe on the redrive queue needs for itself. */
const PIPE_ATTEMPTS = 5;

/**
 * The workers' queues follow the stage's setting, the others the topology. The redrive queue leaves room in case the receives
 * on a worker's queue count there too.
 */
export function attemptsOf(name: QueueName): number {
  const { attempts } = queues[name];
  if (name === "backup-queue" || name === "restore-queue") return settings.attempts;
  return name === "redrive-queue" ? Math.max(attempts, settings.attempts + PIPE_ATTEMPTS) : attempts;
}
