/**
 * The poller between a queue and its function, as Lambda's event source mapping: batches, bounded concurrency, partial
 * responses, deletion by message id.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import { failedMessages } from "./partial-batch.ts";

/** A Lambda handler on a queue. */
// biome-ignore lint/suspicious/noConfusingVoidType: a handler that returns nothing has done its batch.
export type Handler = (event: SQSEvent, context: Context) => Promise<SQSBatchResponse | void>;

export interface MappingOptions {
  readonly functionName: string;
  readonly handler: Handler;
  readonly sqs: SQSClient;
  readonly queueUrl: string;
  readonly queueArn: string;
  readonly region: string;
  readonly batchSize: number;
  /** The most invocations at once. */
  readonly maximumConcurrency: number;
  /** What an invocation has, by its context. Nothing ends it: it shares this process. */
  readonly timeoutMs: number;
  /**
   * How soon a message is tried again whose handler threw; and one that it reported as failed, unless the handler sees
   * to that itself. On AWS a message waits for its visibility timeout.
   */
  readonly retryDelaySeconds: number;
  /** Whether the handler sets the visibility of what it reports as failed. */
  readonly setsVisibility: boolean;
  readonly log: (line: string) => void;
}

export interface Mapping {
  /** Receives no more, and resolves when the running invocations are done. */
  stop(): Promise<void>;
}

/** What SQS gives at once. */
const RECEIVE_MAX = 10;
const WAIT_SECONDS = 20;

/** Starts polling. */
export function startMapping(options: MappingOptions): Mapping {
  const { sqs, queueUrl, batchSize, log, functionName } = options;
  const stopping = new AbortController();
  const running = new Set<Promise<void>>();

  const receive = async (): Promise<readonly Message[]> => {
    const free = options.maximumConcurrency - running.size;
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: queueUrl,
        MaxNumberOfMessages: Math.min(RECEIVE_MAX, free * batchSize),
        WaitTimeSeconds: WAIT_SECONDS,
        MessageSystemAttributeNames: ["All"],
        MessageAttributeNames: ["All"],
      }),
      { abortSignal: stopping.signal },
    );
    return Messages;
  };

  const poll = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      if (running.size >= options.maximumConcurrency) {
        await Promise.race(running);
        continue;
      }
      let messages: readonly Message[];
      try {
        messages = await receive();
      } catch (error) {
        if (stopping.signal.aborted) return;
        log(`${functionName}: cannot receive: ${error}`);
        await sleep(500);
        continue;
      }
      for (let at = 0; at < messages.length; at += batchSize) {
        const invocation = work(messages.slice(at, at + batchSize)).catch((error) => {
          if (!stopping.signal.aborted) log(`${functionName}: ${error}`);
        });
        running.add(invocation);
        void invocation.finally(() => running.delete(invocation));
      }
    }
  };

  /** One invocation and what follows from its response. */
  const work = async (messages: readonly Message[]): Promise<void> => {
    const ids = messages.map((message) => message.MessageId!);
    const { response, threw } = await invoke(messages);
    const failed = new Set(failedMessages(response, ids));
    const done = messages.filter((message) => !failed.has(message.MessageId!));
    const again = messages.filter((message) => failed.has(message.MessageId!));
    if (done.length > 0) {
      const { Failed = [] } = await sqs.send(
        new DeleteMessageBatchCommand({ QueueUrl: queueUrl, Entries: done.map(toEntry) }),
      );
      for (const entry of Failed)
        log(`${functionName}: message not deleted, it will come again: ${entry.Code}`);
    }
    // Nobody wants to wait for a visibility timeout, here.
    if (again.length > 0 && (threw || !options.setsVisibility)) {
      const { Failed = [] } = await sqs.send(
        new ChangeMessageVisibilityBatchCommand({
          QueueUrl: queueUrl,
          Entries: again.map((message, index) => ({
            ...toEntry(message, index),
            VisibilityTimeout: options.retryDelaySeconds,
          })),
        }),
      );
      for (const entry of Failed)
        log(`${functionName}: message comes again only when its visibility ends: ${entry.Code}`);
    }
  };

  /** The handler's response; every message as failed when it throws. */
  const invoke = async (messages: readonly Message[]): Promise<{ response: unknown; threw: boolean }> => {
    const event = { Records: messages.map((message) => toRecord(message, options)) };
    try {
      return { response: await options.handler(event, toContext(options)), threw: false };
    } catch (error) {
      log(`${functionName}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      const batchItemFailures = messages.map((message) => ({ itemIdentifier: message.MessageId! }));
      return { response: { batchItemFailures }, threw: true };
    }
  };

  const polling = poll();
  return {
    stop: async () => {
      stopping.abort();
      await polling;
      await Promise.all(running);
    },
  };
}

function toEntry(message: Message, index: number) {
  return { Id: String(index), ReceiptHandle: message.ReceiptHandle! };
}

function toRecord(message: Message, { queueArn, region }: MappingOptions): SQSRecord {
  const attributes = message.Attributes ?? {};
  return {
    messageId: message.MessageId!,
    receiptHandle: message.ReceiptHandle!,
    body: message.Body ?? "",
    attributes: {
      ...attributes,
      ApproximateReceiveCount: attributes.ApproximateReceiveCount ?? "1",
      SentTimestamp: attributes.SentTimestamp ?? "0",
      SenderId: attributes.SenderId ?? "",
      ApproximateFirstReceiveTimestamp: attributes.ApproximateFirstReceiveTimestamp ?? "0",
    },
    messageAttributes: {},
    md5OfBody: message.MD5OfBody ?? "",
    eventSource: "aws:sqs",
    eventSourceARN: queueArn,
    awsRegion: region,
  };
}

function toContext({ functionName, region, timeoutMs }: MappingOptions): Context {
  const endsMs = performance.now() + timeoutMs;
  const none = () => {};
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
    done: none,
    fail: none,
    succeed: none,
  };
}
