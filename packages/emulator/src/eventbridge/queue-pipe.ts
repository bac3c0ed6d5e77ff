/**
 * The Pipe from a queue to the bus. A message that cannot be put stays in the queue, whose redrive policy moves it to the
 * dead letters.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { PipeSpec } from "@ferry/core/topology";
import type { CallSqs, SqsMessage } from "../sqs-calls.ts";
import { compilePipeTarget, type TargetBus } from "./pipe-target.ts";

export interface QueuePipeOptions {
  readonly name: string;
  readonly spec: PipeSpec;
  readonly queueUrl: string;
  /** The name of the queue to which the queue moves a message that cannot be put. */
  readonly deadLetters: string;
  readonly sqs: CallSqs;
  readonly bus: TargetBus;
  /** The delay until a message that could not be put is retried. */
  readonly retryDelaySeconds: number;
  readonly log: (line: string) => void;
}

/** How much of a message's body is logged. */
const BODY_START_LENGTH = 200;

/** Moves messages from the queue to the bus until the thread ends. */
export async function runQueuePipe(options: QueuePipeOptions) {
  const { name, queueUrl, sqs, log } = options;
  const emit = compilePipeTarget(options.spec, options.bus);

  const handle = async (message: SqsMessage): Promise<void> => {
    const receipt = { QueueUrl: queueUrl, ReceiptHandle: message.ReceiptHandle };
    try {
      emit(toRecord(message));
    } catch (error) {
      // The reason is the same each time.
      if (Number(message.Attributes?.["ApproximateReceiveCount"] ?? 1) === 1)
        log(
          `pipe ${name}: message ${message.MessageId} could not be put: ${error}; it begins with ${JSON.stringify(message.Body.slice(0, BODY_START_LENGTH))}, and moves to ${options.deadLetters} after some tries`,
        );
      await sqs("ChangeMessageVisibility", { ...receipt, VisibilityTimeout: options.retryDelaySeconds });
      return;
    }
    await sqs("DeleteMessage", receipt);
  };

  for (;;) {
    try {
      const { Messages = [] } = (await sqs("ReceiveMessage", {
        QueueUrl: queueUrl,
        MaxNumberOfMessages: 10,
        WaitTimeSeconds: 20,
        AttributeNames: ["All"],
      })) as { Messages?: readonly SqsMessage[] };
      await Promise.all(Messages.map(handle));
    } catch (error) {
      log(`pipe ${name}: ${error}`);
      await sleep(1000);
    }
  }
}

/** A message as Pipes receive it. */
export function toRecord(message: SqsMessage) {
  return {
    messageId: message.MessageId,
    receiptHandle: message.ReceiptHandle,
    body: message.Body,
    attributes: message.Attributes ?? {},
    messageAttributes: {},
    eventSource: "aws:sqs",
  };
}
