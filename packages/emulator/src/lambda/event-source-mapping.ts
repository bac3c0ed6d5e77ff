/**
 * The poller between a queue and its function, as Lambda's event source mapping: batches, bounded concurrency, partial
 * responses, deletion by message id.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import type { CallSqs, SqsMessage } from "../sqs-calls.ts";
import { failedMessages } from "./partial-batch.ts";

/** A Lambda handler on a queue. */
// biome-ignore lint/suspicious/noConfusingVoidType: a handler that returns nothing has processed its whole batch.
export type Handler = (event: SQSEvent, context: Context) => Promise<SQSBatchResponse | void>;

export interface MappingOptions {
  readonly functionName: string;
  readonly handler: Handler;
  readonly sqs: CallSqs;
  readonly queueUrl: string;
  readonly queueArn: string;
  readonly region: string;
  readonly batchSize: number;
  /** The most concurrent invocations. */
  readonly maximumConcurrency: number;
  /**
   * The delay until a message is redelivered whose handler threw, or that the handler reported as failed without setting
   * its visibility. On AWS a message waits for its visibility timeout.
   */
  readonly retryDelaySeconds: number;
  /** Whether the handler sets the visibility of the messages that it reports as failed. */
  readonly setsVisibility: boolean;
  readonly log: (line: string) => void;
}

export interface Mapping {
  /** Stops receiving. Resolves when the running invocations have ended. */
  stop(): Promise<void>;
}

/** The entries of a batch that SQS did not process. */
interface Refused {
  readonly Failed?: readonly { readonly Code: string }[];
}

/** The most messages that SQS returns at once. */
const RECEIVE_MAX = 10;
const WAIT_SECONDS = 20;
/** The time that the context reports to an invocation. One that takes longer is not ended: it shares this process. */
const TIMEOUT_MS = 15 * 60_000;

/** Starts polling. */
export function startMapping(options: MappingOptions): Mapping {
  const { sqs, queueUrl, batchSize, log, functionName } = options;
  let stopped = false;
  const running = new Set<Promise<void>>();

  const receive = async (): Promise<readonly SqsMessage[]> => {
    const free = options.maximumConcurrency - running.size;
    const { Messages = [] } = (await sqs("ReceiveMessage", {
      QueueUrl: queueUrl,
      MaxNumberOfMessages: Math.min(RECEIVE_MAX, free * batchSize),
      WaitTimeSeconds: WAIT_SECONDS,
      AttributeNames: ["All"],
    })) as { Messages?: readonly SqsMessage[] };
    return Messages;
  };

  const poll = async (): Promise<void> => {
    while (!stopped) {
      if (running.size >= options.maximumConcurrency) {
        await Promise.race(running);
        continue;
      }
      let messages: readonly SqsMessage[];
      try {
        messages = await receive();
      } catch (error) {
        if (stopped) return;
        log(`${functionName}: cannot receive: ${error}`);
        await sleep(500);
        continue;
      }
      if (stopped) return;
      for (let at = 0; at < messages.length; at += batchSize) {
        const invocation = work(messages.slice(at, at + batchSize)).catch((error) => {
          if (!stopped) log(`${functionName}: ${error}`);
        });
        running.add(invocation);
        void invocation.finally(() => running.delete(invocation));
      }
    }
  };

  /** Invokes the handler with a batch; then deletes, or makes visible retried, each message according to the response. */
  const work = async (messages: readonly SqsMessage[]): Promise<void> => {
    const ids = messages.map((message) => message.MessageId);
    const { response, threw } = await invoke(messages);
    const failed = new Set(failedMessages(response, ids));
    const done = messages.filter((message) => !failed.has(message.MessageId));
    const retried = messages.filter((message) => failed.has(message.MessageId));
    if (done.length > 0) {
      const { Failed = [] } = (await sqs("DeleteMessageBatch", {
        QueueUrl: queueUrl,
        Entries: done.map(toEntry),
      })) as Refused;
      for (const entry of Failed)
        log(`${functionName}: message not deleted, it will be redelivered: ${entry.Code}`);
    }
    // Shorter than the visibility timeout, so that tests need not wait for it.
    if (retried.length > 0 && (threw || !options.setsVisibility)) {
      const { Failed = [] } = (await sqs("ChangeMessageVisibilityBatch", {
        QueueUrl: queueUrl,
        Entries: retried.map((message, index) => ({
          ...toEntry(message, index),
          VisibilityTimeout: options.retryDelaySeconds,
        })),
      })) as Refused;
      for (const entry of Failed)
        log(`${functionName}: message is redelivered only when its visibility ends: ${entry.Code}`);
    }
  };

  /** Returns the handler's response. If the handler throws, every message counts as failed. */
  const invoke = async (messages: readonly SqsMessage[]): Promise<{ response: unknown; threw: boolean }> => {
    const event = { Records: messages.map((message) => toRecord(message, options)) };
    try {
      return { response: await options.handler(event, toContext(options)), threw: false };
    } catch (error) {
      log(`${functionName}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      const batchItemFailures = messages.map((message) => ({ itemIdentifier: message.MessageId }));
      return { response: { batchItemFailures }, threw: true };
    }
  };

  void poll();
  return {
    stop: async () => {
      stopped = true;
      await Promise.all(running);
    },
  };
}

function toEntry(message: SqsMessage, index: number) {
  return { Id: String(index), ReceiptHandle: message.ReceiptHandle };
}

function toRecord(message: SqsMessage, { queueArn, region }: MappingOptions): SQSRecord {
  const attributes = message.Attributes ?? {};
  return {
    messageId: message.MessageId,
    receiptHandle: message.ReceiptHandle,
    body: message.Body,
    attributes: {
      ...attributes,
      ApproximateReceiveCount: attributes["ApproximateReceiveCount"] ?? "1",
      SentTimestamp: attributes["SentTimestamp"] ?? "0",
      SenderId: attributes["SenderId"] ?? "",
      ApproximateFirstReceiveTimestamp: attributes["ApproximateFirstReceiveTimestamp"] ?? "0",
    },
    messageAttributes: {},
    md5OfBody: message.MD5OfBody ?? "",
    eventSource: "aws:sqs",
    eventSourceARN: queueArn,
    awsRegion: region,
  };
}

function toContext({ functionName, region }: MappingOptions): Context {
  const endsMs = performance.now() + TIMEOUT_MS;
  const noop = () => {};
  return {
    functionName,
    functionVersion: "$LATEST",
    invokedFunctionArn: `arn:aws:lambda:${region}:000000000000:function:${functionName}`,
    awsRequestId: randomUUID(),
    memoryLimitInMB: "1769",
    logGroupName: `/aws/lambda/${functionName}`,
    logStreamName: "local",
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => Math.max(0, Math.floor(endsMs - performance.now())),
    done: noop,
    fail: noop,
    succeed: noop,
  };
}
