/** Every queue of the topology, the queues of their dead letters, and the queue of undelivered events. */
import { type QueueName, queues as specs, UNDELIVERED_QUEUE } from "@ferry/core/topology";
import { arnOf } from "../naming/arns.ts";
import { logicalNameOf, physicalNameOf } from "../naming/names.ts";
import { settings } from "../settings/stage-settings.ts";
import { visibilitySeconds } from "../settings/timeouts.ts";
import { attemptsOf } from "./attempts.ts";
import { type AnyQueue, RETENTION_DAYS } from "./retention.ts";

const names = Object.keys(specs) as QueueName[];

/**
 * The queues that may name this one as their dead-letter queue. By default every queue of the account may, and its messages
 * would be read as Ferry's.
 */
function allowedSources(name: AnyQueue) {
  const sources = names.filter((source) => specs[source].deadLetters === name);
  return $jsonStringify(
    sources.length === 0
      ? { redrivePermission: "denyAll" }
      : {
          redrivePermission: "byQueue",
          sourceQueueArns: sources.map((source) => arnOf("sqs", physicalNameOf(source))),
        },
  );
}

function queue(name: AnyQueue, more: Omit<sst.aws.QueueArgs, "transform"> = {}) {
  // Resource.BackupQueue is the handlers' link (functions/links.ts), so the component needs another name.
  return new sst.aws.Queue(logicalNameOf(name.replace(/-queue$/, "")), {
    ...more,
    transform: {
      queue: {
        name: physicalNameOf(name),
        messageRetentionSeconds: RETENTION_DAYS[name] * 24 * 3_600,
        // With SQS's own keys EventBridge can deliver without a key policy.
        ...(settings.ownKmsKey === undefined
          ? { sqsManagedSseEnabled: true }
          : { kmsMasterKeyId: settings.ownKmsKey }),
        redriveAllowPolicy: allowedSources(name),
      },
    },
  });
}

const deadLetterNames = names
  .map((name) => specs[name].deadLetters)
  .filter((name) => name !== "redrive-queue");

const built: Partial<Record<AnyQueue, sst.aws.Queue>> = Object.fromEntries(
  deadLetterNames.map((name) => [name, queue(name)]),
);
// The redrive queue comes first, because it receives the workers' dead letters.
for (const name of [...names].sort((a, b) => Number(b === "redrive-queue") - Number(a === "redrive-queue"))) {
  built[name] = queue(name, {
    visibilityTimeout: `${visibilitySeconds(name)} seconds`,
    dlq: { queue: built[specs[name].deadLetters]!.arn, retry: attemptsOf(name) },
  });
}
built[UNDELIVERED_QUEUE] = queue(UNDELIVERED_QUEUE);

export const stageQueues = built as Readonly<Record<AnyQueue, sst.aws.Queue>>;
