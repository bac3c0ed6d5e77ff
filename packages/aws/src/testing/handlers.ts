/**
 * For tests of handlers: records as Lambda delivers them, and a log and metrics that are recorded.
 */
import type { SQSEvent, SQSRecord } from "aws-lambda";
import type { Log, Measurements } from "../lambda/telemetry.ts";

/** A record. A body that is not a string becomes JSON. */
export function record(messageId: string, body: unknown, receiveCount = 1): SQSRecord {
  return {
    messageId,
    receiptHandle: `handle-${messageId}`,
    body: typeof body === "string" ? body : JSON.stringify(body),
    attributes: {
      ApproximateReceiveCount: String(receiveCount),
      SentTimestamp: "0",
      SenderId: "",
      ApproximateFirstReceiveTimestamp: "0",
    },
    messageAttributes: {},
    md5OfBody: "",
    eventSource: "aws:sqs",
    eventSourceARN: "arn:aws:sqs:eu-west-1:123456789012:ferry-test-backup-queue",
    awsRegion: "eu-west-1",
  };
}

export function event(...Records: readonly SQSRecord[]): SQSEvent {
  return { Records: [...Records] };
}

export interface RecordedTelemetry {
  readonly logger: Log;
  readonly lines: { level: string; message: string; [field: string]: unknown }[];
  publish(measurements: Measurements): void;
  /** The sums of the published measurements. */
  readonly sums: Record<string, number>;
}

export function recordedTelemetry(): RecordedTelemetry {
  const lines: RecordedTelemetry["lines"] = [];
  const sums: Record<string, number> = {};
  const at =
    (level: string) =>
    (message: unknown, ...extra: unknown[]) => {
      lines.push({ level, message: String(message), ...(extra[0] as object) });
    };
  return {
    lines,
    sums,
    logger: { info: at("info"), warn: at("warn"), error: at("error") },
    publish(measurements) {
      for (const [name, value] of Object.entries(measurements)) sums[name] = (sums[name] ?? 0) + value;
    },
  };
}

export function failedIds(response: {
  readonly batchItemFailures: readonly { itemIdentifier: string }[];
}): string[] {
  return response.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
}
