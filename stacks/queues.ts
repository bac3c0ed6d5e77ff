/** Every queue of the topology, its dead letters, and the queue of what could not be delivered. */
import {
  type DeadLetterName,
  type QueueName,
  queues as queueSpecs,
  UNDELIVERED_QUEUE,
} from "@ferry/core/topology";
import { logical, physical } from "./here.ts";
import { settings } from "./settings.ts";
import { visibilitySeconds } from "./timing.ts";

type AnyQueue = QueueName | DeadLetterName | typeof UNDELIVERED_QUEUE;

/** A message keeps its age when it is set aside: whatever takes it must keep messages longer than its source. */
const RETENTION_DAYS: Readonly<Record<AnyQueue, number>> = {
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

const PIPE_ATTEMPTS = 5;

function queue(name: AnyQueue, more: Omit<sst.aws.QueueArgs, "transform"> = {}) {
  // Handlers read Resource.BackupQueue, a link of its own (links.ts): the component's name must be another.
  return new sst.aws.Queue(logical(name.replace(/-queue$/, "")), {
    ...more,
    transform: {
      queue: {
        name: physical(name),
        messageRetentionSeconds: RETENTION_DAYS[name] * 24 * 3_600,
        sqsManagedSseEnabled: true, // SQS's own keys: EventBridge can deliver to them without a key policy
      },
    },
  });
}

const names = Object.keys(queueSpecs) as QueueName[];
const deadLetterNames = names
  .map((name) => queueSpecs[name].deadLetters)
  .filter((name) => name !== "redrive-queue");
const deadLetters = Object.fromEntries(deadLetterNames.map((name) => [name, queue(name)]));

/**
 * What is tried as often as the stage says; the others as the topology does. Should the receives of a worker's queue count
 * on in the redrive queue, there is still room for the Pipe's own.
 */
function attemptsOf(name: QueueName): number {
  const { attempts } = queueSpecs[name];
  if (name === "backup-queue" || name === "restore-queue") return settings.attempts;
  return name === "redrive-queue" ? Math.max(attempts, settings.attempts + PIPE_ATTEMPTS) : attempts;
}

const built: Partial<Record<AnyQueue, sst.aws.Queue>> = { ...deadLetters };
// The redrive queue first: it takes the workers' dead letters.
for (const name of [...names].sort((a, b) => Number(b === "redrive-queue") - Number(a === "redrive-queue"))) {
  built[name] = queue(name, {
    visibilityTimeout: `${visibilitySeconds(name)} seconds`,
    dlq: { queue: built[queueSpecs[name].deadLetters]!.arn, retry: attemptsOf(name) },
  });
}
built[UNDELIVERED_QUEUE] = queue(UNDELIVERED_QUEUE);

export const queues = built as Readonly<Record<AnyQueue, sst.aws.Queue>>;
