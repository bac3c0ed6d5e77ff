/**
 * Requests a task with PutEvents, as any other system does, and polls its row until it ends.
 */
import { DynamoDBClient, QueryCommand } from "@aws-sdk/client-dynamodb";
import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import type { Progress } from "@ferry/terminal/progress";
import type { Host } from "../host.ts";

const POLL_INTERVAL_MS = 150;

/** The request fields that a backup and its restore share. */
export interface ArchiveLocation {
  readonly "bucket-region": string;
  readonly "bucket-name": string;
  readonly "bucket-prefix": string;
}

export interface DemoRequest extends ArchiveLocation {
  readonly action: "backup" | "restore";
  readonly "total-segments": number;
  readonly "table-region": string;
  readonly "table-name": string;
  readonly "batch-bytes"?: number;
}

export interface TaskResult {
  /** The status row. */
  readonly row: Record<string, unknown>;
  readonly seconds: number;
}

/** Returns the task's row when it has succeeded. Throws an Error with the reasons if the task ends otherwise. */
export async function requestTask(
  host: Host,
  progress: Progress,
  request: DemoRequest,
  items: number,
): Promise<TaskResult> {
  const started = performance.now();
  const id = `demo-${request.action}`;
  const bus = new EventBridgeClient();
  const put = await bus.send(
    new PutEventsCommand({
      Entries: [
        {
          EventBusName: host.names.bus,
          Source: "demo",
          DetailType: "TaskRequested",
          Detail: JSON.stringify({ request, "request-id": id }),
        },
      ],
    }),
  );
  if (put.FailedEntryCount !== 0)
    throw new Error(`the bus refused the request: ${put.Entries?.[0]?.ErrorMessage}`);
  const verb = request.action === "backup" ? "Back up to" : "Restore from";
  const title = `${verb} s3://${request["bucket-name"]}/${request["bucket-prefix"]}`;
  const row = await progress.track(title, items, (onProgress) => untilEnded(host, request, onProgress));
  if (row["state"] !== "succeeded")
    throw new Error(`the ${request.action} ${row["state"]}: ${(row["reasons"] as string[]).join("; ")}`);
  return { row, seconds: (performance.now() - started) / 1000 };
}

async function untilEnded(host: Host, request: DemoRequest, onProgress: (items: number) => void) {
  const client = new DynamoDBClient();
  const key =
    request.action === "backup"
      ? `${request["table-region"]}-${request["table-name"]}`
      : `${request["bucket-region"]}-${request["bucket-name"]}-${request["bucket-prefix"]}`;
  for (;;) {
    const row = (await query(client, host.names.table(`${request.action}-table`), "key", key))[0];
    const state = row?.["state"];
    if (row !== undefined) {
      const records = await query(
        client,
        host.names.table("segment-table"),
        "task",
        `${key}@${row["timestamp"]}`,
      );
      onProgress(records.reduce((sum, record) => sum + Number(record["items"]), 0));
    }
    if (row !== undefined && ["succeeded", "failed", "rejected", "cancelled"].includes(String(state)))
      return row;
    await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
  }
}

async function query(client: DynamoDBClient, table: string, name: string, value: string) {
  const { Items = [] } = await client.send(
    new QueryCommand({
      TableName: table,
      KeyConditionExpression: "#k = :k",
      ExpressionAttributeNames: { "#k": name },
      ExpressionAttributeValues: { ":k": { S: value } },
    }),
  );
  return Items.map((item) => plain(unmarshall(item)));
}

/** Sets become lists: JSON has no sets. */
function plain(row: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, value instanceof Set ? [...value] : value]),
  );
}
