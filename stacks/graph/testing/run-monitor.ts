/**
 * Runs the monitor's bundle once against a stub of DynamoDB and Pipes, with two open tasks that made no progress for a day,
 * one running and one finishing, and one stopped Pipe. Prints the metrics, and the state and the condition of each row that
 * the monitor writes. Its argument is the bundle's path.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import { attributes, tables } from "@ferry/core/topology";

const DAY_MS = 24 * 3_600_000;
const { hash, range } = tables["backup-table"];
const rowOf = (key: string) => ({ [hash.name]: { S: key }, [range.name]: { N: "1790000000123" } });
const rows: Readonly<Record<string, object>> = {
  running: rowOf("us-east-1-orders"),
  finishing: rowOf("us-east-1-parts"),
};
const none = { M: {} };
const zero = { N: "0" };
const one = { N: "1" };
/** The attributes of a row whose one segment is complete. */
const finishing = {
  action: { S: "backup" },
  accepted: { BOOL: true },
  rejected: { BOOL: false },
  finished: { BOOL: false },
  attempt: one,
  "cancelled-attempt": zero,
  "failed-step-attempt": zero,
  rev: { N: "7" },
  plan: { NULL: true },
  "request-fields": { L: [] },
  "total-segments": one,
  completed: { NS: ["0"] },
  failed: none,
  attempts: none,
  "segment-checkpoints": none,
  causes: { L: [] },
  "transferred-batches": one,
  "transferred-items": one,
  "transferred-bytes": one,
};

interface Input {
  readonly TableName: string;
  readonly Key?: Readonly<Record<string, { readonly S?: string }>>;
  readonly ExpressionAttributeValues?: Readonly<Record<string, { readonly S?: string }>>;
  readonly Item?: Readonly<Record<string, { readonly S?: string }>>;
}

const answers: Readonly<Record<string, (input: Input) => object>> = {
  Query({ TableName, ExpressionAttributeValues: values }) {
    const row = rows[values?.[":state"]?.S ?? ""];
    return { Items: row !== undefined && TableName === "backups" ? [row] : [] };
  },
  GetItem: ({ Key }) => ({
    Item: {
      ...Key,
      ...finishing,
      [attributes.updatedTime]: { S: new Date(Date.now() - DAY_MS).toISOString() },
    },
  }),
  PutItem({ TableName, Item, ExpressionAttributeValues: values }) {
    const written = { table: TableName, key: Item?.[hash.name]?.S, state: Item?.[attributes.state]?.S };
    console.info(JSON.stringify({ written, condition: values }));
    return {};
  },
};

const server = createServer(async (request, response) => {
  const body = await text(request);
  response.setHeader("content-type", "application/json");
  const operation = String(request.headers["x-amz-target"] ?? "").split(".")[1];
  if (operation === undefined)
    return response.end(
      JSON.stringify({ CurrentState: request.url?.endsWith("/two") ? "STOPPED" : "RUNNING" }),
    );
  return response.end(JSON.stringify(answers[operation]!(JSON.parse(body))));
});
await once(server.listen(0, "127.0.0.1"), "listening");
const { port } = server.address() as AddressInfo;

Object.assign(process.env, {
  AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
  AWS_ACCESS_KEY_ID: "local",
  AWS_SECRET_ACCESS_KEY: "local",
  AWS_REGION: "us-east-1",
  POWERTOOLS_SERVICE_NAME: "ferry-test-monitor",
  POWERTOOLS_METRICS_NAMESPACE: "Ferry",
  SST_RESOURCE_App: JSON.stringify({ name: "ferry", stage: "test" }),
  SST_RESOURCE_BackupTable: JSON.stringify({ name: "backups" }),
  SST_RESOURCE_RestoreTable: JSON.stringify({ name: "restores" }),
  SST_RESOURCE_SegmentTable: JSON.stringify({ name: "segments" }),
  SST_RESOURCE_Monitor: JSON.stringify({
    pipes: ["one", "two"],
    stalledAfterMs: 3_600_000,
    schedules: [
      { name: "nightly", keys: ["us-east-1-orders", "us-east-1-customers"], overdueAfterMs: DAY_MS },
    ],
  }),
});
const { handler } = (await import(pathToFileURL(process.argv[2]!).href)) as { handler: () => Promise<void> };
await handler();
process.exit(0);
