/**
 * Sets the visibility of a handler's messages: the only call that handlers make to their queue.
 */
import { ChangeMessageVisibilityCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { translateErrors } from "./errors.ts";

/** SQS's limit. */
const VISIBILITY_SECONDS_MAX = 43_200;

/** Sets for how long from now a received message stays invisible, s. */
export type SetVisibility = (receiptHandle: string, seconds: number) => Promise<void>;

/** SetVisibility for the messages of one queue. */
export function visibilityOf(client: SQSClient, queueUrl: string): SetVisibility {
  return async (receiptHandle, seconds) => {
    const VisibilityTimeout = Math.min(Math.max(0, Math.ceil(seconds)), VISIBILITY_SECONDS_MAX);
    await translateErrors({ operation: "ChangeMessageVisibility", resource: queueUrl }, () =>
      client.send(
        new ChangeMessageVisibilityCommand({
          QueueUrl: queueUrl,
          ReceiptHandle: receiptHandle,
          VisibilityTimeout,
        }),
      ),
    );
  };
}
