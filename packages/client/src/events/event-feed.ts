/**
 * Follows a stage's bus: a rule and a queue for as long as the feed is open, with the caller's own credentials. The same calls
 * work on AWS and on the local host.
 */
import {
  DeleteMessageBatchCommand,
  type Message,
  ReceiveMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { type BusEvent, parseBusEvent } from "@ferry/core/events/events";
import { ClientError } from "../client-error.ts";
import type { Stage } from "../stage/stage.ts";
import { type EventType, eventTypes } from "./event-summary.ts";
import { PROBE_TYPE, putEvent } from "./events.ts";
import {
  createFeedQueue,
  IN_USE_MS,
  isMissing,
  newFeedName,
  onQueue,
  patternOf,
  putFeedRule,
  putFeedTarget,
  removeFeed,
  removeLeftovers,
  unlessMissing,
} from "./feed-resources.ts";

export interface EventFeedOptions {
  /** The types of events. Default: all. */
  readonly types?: readonly EventType[];
  /** The JSON path of the message group that EventBridge sets. Default: it sets none. */
  readonly messageGroup?: string;
  /** Stops the opening: what was created is removed, and the call rejects. */
  readonly signal?: AbortSignal;
}

export interface FedEvent {
  readonly event: BusEvent;
  /** The message group that EventBridge set. */
  readonly group?: string;
}

export interface EventFeed {
  /** The name of the rule and of the queue. */
  readonly name: string;
  /**
   * Whether an event of the feed's own came through. If not, the rule may not deliver yet, or the caller may put no such event:
   * then the first events may be missing.
   */
  readonly isConfirmed: boolean;
  /** The names of the rules and queues of killed processes that were removed. */
  readonly removed: readonly string[];
  /** Waits up to `seconds` (at most 20) for events. Each is returned once, in no certain order. */
  receive(seconds: number, signal?: AbortSignal): Promise<readonly FedEvent[]>;
  /** Removes the rule and the queue. ClientError `feed-not-removed`. */
  close(): Promise<void>;
}

/** Often enough that a failed extension does not matter. */
const EXTEND_EVERY_MS = IN_USE_MS / 3;
/** A new rule works after some seconds. */
const CONFIRM_MS_MAX = 60_000;
const CONFIRM_WAIT_SECONDS = 2;
/** More repetitions than these do not arrive at once. */
const REMEMBERED_IDS = 10_000;

/** Opens a feed. ClientErrors `no-such-stage`, `access-denied`. */
export async function openEventFeed(stage: Stage, options: EventFeedOptions = {}): Promise<EventFeed> {
  const sqs = stage.access.client(SQSClient, stage.region);
  const removed = await removeLeftovers(stage, sqs);
  const name = newFeedName(stage);
  const pattern = patternOf(name, options.types ?? eventTypes);
  const putRule = () => putFeedRule(stage, name, pattern);
  // If one fails, the next one is in time. If all do, another feed may remove this one, and `receive` says so.
  const extending = setInterval(() => void putRule().catch(() => {}), EXTEND_EVERY_MS).unref();
  const close = async () => {
    clearInterval(extending);
    await removeFeed(stage, sqs, name);
  };

  const seen = new Set<string>();
  const early: FedEvent[] = [];
  let isConfirmed = false;
  let queueUrl = "";

  /** New events, without the feed's own. */
  const receive = async (seconds: number, signal?: AbortSignal): Promise<FedEvent[]> => {
    const messages = await receiveMessages(stage, sqs, { name, queueUrl }, seconds, signal);
    return messages.flatMap(({ Body, Attributes }) => {
      const event = parseBusEvent(Body!);
      // The queue's policy admits the rule alone, but its owner may put messages too.
      if (event === undefined || seen.has(event.id)) return [];
      seen.add(event.id);
      if (seen.size > REMEMBERED_IDS) seen.delete(seen.values().next().value!);
      if (event["detail-type"] === PROBE_TYPE) {
        isConfirmed = true;
        return [];
      }
      const { MessageGroupId: group } = Attributes ?? {};
      return [{ event, ...(group !== undefined && { group }) }];
    });
  };

  try {
    const ruleArn = await putRule();
    options.signal?.throwIfAborted();
    const queue = await createFeedQueue(stage, sqs, name, ruleArn);
    queueUrl = queue.queueUrl;
    options.signal?.throwIfAborted();
    await putFeedTarget(stage, name, queue.queueArn, options.messageGroup);
    const end = performance.now() + CONFIRM_MS_MAX;
    // The queue may not be found in its first second.
    while (!isConfirmed && performance.now() < end) {
      options.signal?.throwIfAborted();
      if (!(await putProbe(stage, name))) break;
      early.push(...(await unlessMissing(receive(CONFIRM_WAIT_SECONDS, options.signal), [])));
    }
  } catch (error) {
    // The first error says why; the next feed removes what this does not.
    await close().catch(() => {});
    throw error;
  }

  return {
    name,
    isConfirmed,
    removed,
    close,
    async receive(seconds, signal) {
      if (early.length > 0) return early.splice(0);
      try {
        return await receive(seconds, signal);
      } catch (error) {
        if (!isMissing(error)) throw error;
        throw new ClientError("failed", "feed-removed", {
          message: `The queue ${name} was removed: this machine was asleep for longer than ${IN_USE_MS / 60_000} minutes, or it was deleted.`,
          hint: "Run the command again.",
          cause: error,
        });
      }
    },
  };
}

/** Puts an event that only this feed's rule matches. False if the caller may not. */
async function putProbe(stage: Stage, feed: string): Promise<boolean> {
  try {
    await putEvent(stage, PROBE_TYPE, { feed });
    return true;
  } catch (error) {
    if ((error as ClientError).code === "access-denied") return false;
    throw error;
  }
}

async function receiveMessages(
  stage: Stage,
  sqs: SQSClient,
  { name, queueUrl }: { readonly name: string; readonly queueUrl: string },
  seconds: number,
  abortSignal: AbortSignal | undefined,
): Promise<readonly Message[]> {
  const { Messages = [] } = await onQueue(stage, name, "ReceiveMessage", () =>
    sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: queueUrl,
        MaxNumberOfMessages: 10,
        WaitTimeSeconds: seconds,
        MessageSystemAttributeNames: ["MessageGroupId"],
      }),
      abortSignal === undefined ? {} : { abortSignal },
    ),
  );
  // A message that is not deleted is received again, and then its event is known.
  if (Messages.length > 0)
    await onQueue(stage, name, "DeleteMessageBatch", () =>
      sqs.send(
        new DeleteMessageBatchCommand({
          QueueUrl: queueUrl,
          Entries: Messages.map(({ ReceiptHandle }, i) => ({ Id: String(i), ReceiptHandle })),
        }),
      ),
    );
  return Messages;
}
