/**
 * The handler of `projection-queue`: projects a batch's facts into the status tables.
 */
import { type Message, parseMessage } from "@ferry/core/events/events";
import type { Bus } from "@ferry/core/ports";
import { type BatchResult, type ProjectionPorts, projectBatch } from "@ferry/core/projection/projector";
import type { SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import { countStateChanges } from "./state-metrics.ts";
import { aboutMessage, type Log, logUnreadable, type Publish } from "./telemetry.ts";

/** What a projector's handler uses. */
export interface Projector extends ProjectionPorts {
  readonly bus: Bus;
  readonly logger: Log;
  readonly publish: Publish;
}

/** A projector's handler. It connects at the first batch. */
export function projectorHandler(connect: () => Projector): (event: SQSEvent) => Promise<SQSBatchResponse> {
  let connected: Projector | undefined;
  return async (event) => {
    connected ??= connect();
    const { bus, logger, publish, ...ports } = connected;
    const start = Date.now();
    const messages = new Map<string, { record: SQSRecord; message: Message }>();
    const failed = new Map<string, unknown>();
    for (const record of event.Records) {
      try {
        messages.set(record.messageId, { record, message: parseMessage(record.body) });
      } catch (error) {
        logUnreadable(logger, record, error);
        failed.set(record.messageId, error);
      }
    }
    const readable = [...messages].map(([id, { message }]) => ({ id, message }));
    const changes = countStateChanges(ports.store);
    const result = await projectBatch(readable, { ...ports, store: changes.store });
    for (const { id, error } of [...result.failed, ...(await putRefused(result, bus))]) {
      failed.set(id, error);
      const { record, message } = messages.get(id)!;
      logger.error("the fact could not be projected and is tried again", {
        ...aboutMessage(record, message),
        error: error instanceof Error ? error : new Error(String(error)),
      });
    }
    const { RequestsRejected = 0, ...others } = changes.counts;
    publish({
      ...others,
      // Rejections without a row count too.
      RequestsRejected: RequestsRejected + result.withoutRow.length,
      ControlsRefused: result.refused.length,
      SegmentsFailed: readable.filter(({ message }) => message.event["detail-type"] === "SegmentFailed")
        .length,
      Facts: readable.length,
      Retries: failed.size,
      Duration: Date.now() - start,
    });
    return { batchItemFailures: [...failed.keys()].map((itemIdentifier) => ({ itemIdentifier })) };
  };
}

/** Puts the events of refused messages. If that fails, returns those messages as failed. */
async function putRefused({ refused }: BatchResult, bus: Bus): Promise<BatchResult["failed"]> {
  if (refused.length === 0) return [];
  try {
    await bus.put(refused.map(({ event }) => event));
    return [];
  } catch (error) {
    return refused.map(({ id }) => ({ id, error }));
  }
}
