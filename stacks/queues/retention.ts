/** The queues' message retention. */
import type { DeadLetterName, QueueName, UNDELIVERED_QUEUE } from "@ferry/core/topology";

export type AnyQueue = QueueName | DeadLetterName | typeof UNDELIVERED_QUEUE;

/** A dead letter keeps its age, so each queue of dead letters must keep messages longer than its source. */
export const RETENTION_DAYS: Readonly<Record<AnyQueue, number>> = {
  "request-queue": 4,
  "backup-queue": 4,
  "restore-queue": 4,
  "projection-queue": 4,
  "redrive-queue": 10,
  "request-dead-letters": 14,
  "projection-dead-letters": 14,
  "redrive-dead-letters": 14,
  "undelivered-queue": 14,
};
