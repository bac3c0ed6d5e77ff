/**
 * Runs the monitor's bundle once against a stub of DynamoDB and Pipes, with one open task that made no progress for a day and
 * one stopped Pipe. Prints the metrics. Its argument is the bundle's path.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import { attributes, tables } from "@ferry/core/topology";

const DAY_MS = 24 * 3_600_000;
const { hash, range } = tables["backup-table"];
const row = { [hash.name]: { S: "us-east-1-orders" }, [range.name]: { N: "1790000000123" } };

const answers: Record<string, (input: { TableName: string; ExpressionAttributeValues?: object }) => object> =
  {
    Query: (input) => ({
      Items: JSON.stringify(input).includes('"running"') && input.TableName === "backups" ? [row] : [],
    }),
    GetItem: () => ({
      Item: { [attributes.updatedTime]: { S: new Date(Date.now() - DAY_MS).toISOString() } },
    }),
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
  }),
});
const { handler } = (await import(pathToFileURL(process.argv[2]!).href)) as { handler: () => Promise<void> };
await handler();
process.exit(0);
