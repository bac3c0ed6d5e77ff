/** The stage's queues for messages and events that could not be delivered. */
import { GetQueueAttributesCommand } from "@aws-sdk/client-sqs";
import { queues, UNDELIVERED_QUEUE } from "@ferry/core/topology";
import { type DeployedStage, deployedQueueUrl } from "./stage.ts";

type DeadLetterQueue = typeof UNDELIVERED_QUEUE | (typeof queues)[keyof typeof queues]["deadLetters"];

/** `redrive-queue` is read at once, so a message in it is not a sign of a fault. */
const names = [
  ...new Set<DeadLetterQueue>([
    ...Object.values(queues).map((queue) => queue.deadLetters),
    UNDELIVERED_QUEUE,
  ]),
].filter((name) => name !== "redrive-queue");

/** Throws an Error that names each queue with messages. Returns the number of queues. */
export async function assertNoDeadLetters(stage: DeployedStage): Promise<number> {
  const counts = await Promise.all(
    names.map(async (name) => {
      const { Attributes } = await stage.sqs.send(
        new GetQueueAttributesCommand({
          QueueUrl: await deployedQueueUrl(stage, name),
          AttributeNames: ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
        }),
      );
      const count = Object.values(Attributes ?? {}).reduce((sum, value) => sum + Number(value), 0);
      return { name: `ferry-${stage.name}-${name}`, count };
    }),
  );
  const filled = counts.filter(({ count }) => count > 0);
  if (filled.length === 0) return counts.length;
  const texts = filled.map(({ name, count }) => `${name} has ${count} messages`);
  throw new Error(
    `${texts.join(", ")}: read one with aws sqs receive-message; its attributes and body name the rule or the Pipe. docs/operations.md has what to do`,
  );
}
