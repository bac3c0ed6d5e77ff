/**
 * The handler of `backup-queue` and `restore-queue`: one message is one step of the engine. A message is done only after
 * the events that conclude its step are put.
 */
import { FerryError, messageOf, stopped, toReport } from "@ferry/core/errors/errors";
import { type Message, parseMessage } from "@ferry/core/events/events";
import type { Ports, RecordedError, Time } from "@ferry/core/ports";
import type { Settings } from "@ferry/core/settings/settings";
import { work } from "@ferry/core/worker";
import type { SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import type { SetVisibility } from "../queue.ts";
import { aboutMessage, type Log, logUnreadable, measure, type Publish, receiveCountOf } from "./telemetry.ts";
import { countThrottles } from "./throttle-metrics.ts";

/** The part of Lambda's context that a handler uses. */
export interface InvocationContext {
  /** The time left in this invocation, ms. */
  getRemainingTimeInMillis(): number;
}

export type SqsHandler = (event: SQSEvent, context: InvocationContext) => Promise<SQSBatchResponse>;

/** What a worker's handler uses. `ports.time` is added per invocation, from `clock`. */
export interface Worker {
  readonly ports: Omit<Ports, "time" | "settings">;
  readonly clock: Pick<Time, "now" | "sleep">;
  readonly settings: Settings;
  readonly setVisibility: SetVisibility;
  readonly logger: Log;
  readonly publish: Publish;
}

/** How much longer than its invocation a message stays invisible, s. */
const VISIBILITY_MARGIN_SECONDS = 30;
const RETRY_DELAY_SECONDS_MAX = 900;

/** A worker's handler. It connects at the first message. */
export function workerHandler(connect: () => Worker): SqsHandler {
  let connected: Worker | undefined;
  return async (event, context) => {
    connected ??= connect();
    const worker = connected;
    // Each message succeeds or fails by itself.
    const done = await Promise.all(event.Records.map((record) => handle(record, worker, context)));
    const failed = event.Records.filter((_, i) => !done[i]);
    return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
  };
}

/** Handles one message. False if it failed and must be delivered again. */
async function handle(record: SQSRecord, worker: Worker, context: InvocationContext): Promise<boolean> {
  const { logger, publish } = worker;
  let message: Message | undefined;
  try {
    message = parseMessage(record.body);
    await extendVisibility(
      record,
      context.getRemainingTimeInMillis() / 1000 + VISIBILITY_MARGIN_SECONDS,
      worker,
    );
    await step(message, record, worker, context);
    return true;
  } catch (error) {
    if (message === undefined) logUnreadable(logger, record, error);
    else {
      logger.error("the step failed and is retried", {
        ...aboutMessage(record, message),
        ...errorFields(error),
      });
      await recordError(message, record, error, worker);
    }
    publish({ Retries: 1 });
    // All calls of the step have settled, so another worker may begin.
    await extendVisibility(record, retryDelaySeconds(receiveCountOf(record), worker), worker);
    return false;
  }
}

async function step(
  message: Message,
  record: SQSRecord,
  { ports, clock, settings, logger, publish }: Worker,
  context: InvocationContext,
): Promise<void> {
  const start = clock.now();
  const { counts, tables, archive } = countThrottles(ports.tables, ports.archive);
  try {
    const delivery = { id: record.messageId, ...message };
    const events = await work(delivery, {
      ...ports,
      tables,
      archive,
      settings,
      time: { ...clock, remainingMs: () => context.getRemainingTimeInMillis() },
    });
    await ports.bus.put(events);
    logger.info("step done", { ...aboutMessage(record, message), events: summary(events) });
    publish(measure(message, events));
  } finally {
    publish({ ...counts, Duration: clock.now() - start });
  }
}

/** Best effort: without it, the row of a message that is never processed shows an earlier error, or none. */
async function recordError(
  { event }: Message,
  record: SQSRecord,
  error: unknown,
  { ports, logger }: Worker,
): Promise<void> {
  try {
    await ports.lastErrors.record(event.id, recordedError(event["detail-type"], error));
  } catch (failed) {
    logger.warn("the step's error could not be recorded", {
      ...aboutMessage(record),
      ...errorFields(failed),
    });
  }
}

function recordedError(step: string, error: unknown): RecordedError {
  if (error instanceof FerryError) return toReport(error);
  return {
    operation: step,
    resource: "message",
    message: `The step failed: ${stopped(messageOf(error))}`,
    hint: "The worker's log has the stack trace, under the task's request-id. If the network did not cause it, report it; then put TaskRetryRequested.",
  };
}

/** Best effort: if visibility cannot be set, the message may reappear early. That is safe: steps tolerate duplicates. */
async function extendVisibility(
  record: SQSRecord,
  seconds: number,
  { setVisibility, logger }: Worker,
): Promise<void> {
  try {
    await setVisibility(record.receiptHandle, seconds);
  } catch (error) {
    logger.warn("the message's visibility could not be set", {
      ...aboutMessage(record),
      ...errorFields(error),
    });
  }
}

/** Exponential in the receive count, with jitter, s. */
function retryDelaySeconds(receiveCount: number, { settings, ports }: Worker): number {
  const delay = settings.retryDelaySeconds * 2 ** (receiveCount - 1);
  return Math.min(delay, RETRY_DELAY_SECONDS_MAX) * (1 + ports.random() / 4);
}

/** The number of events of each type. */
function summary(events: readonly { readonly type: string }[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { type } of events) counts[type] = (counts[type] ?? 0) + 1;
  return counts;
}

function errorFields(error: unknown) {
  return {
    ...(error instanceof FerryError && { kind: error.kind, code: error.code, report: toReport(error) }),
    error: error instanceof Error ? error : new Error(String(error)),
  };
}
