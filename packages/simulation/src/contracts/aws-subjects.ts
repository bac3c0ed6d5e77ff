/**
 * The AWS adapters as subjects of the suites, on whatever the environment points the SDK at.
 */
import {
  CreateTableCommand,
  DeleteTableCommand,
  GetItemCommand,
  waitUntilTableExists,
} from "@aws-sdk/client-dynamodb";
import { CreateBucketCommand } from "@aws-sdk/client-s3";
import { archiveStore } from "@ferry/aws/archive-store";
import { dynamodbClient, s3Client } from "@ferry/aws/clients";
import { recordOfItem } from "@ferry/aws/status-item";
import { statusStore } from "@ferry/aws/status-store";
import { tableData } from "@ferry/aws/table";
import { type TableName, tables as topologyTables } from "@ferry/core/topology";
import type { KeyAttributes } from "../memory/item-key.ts";
import type { ArchiveStoreSubject } from "./archive-store.ts";
import type { StatusStoreSubject } from "./status-store.ts";
import type { TablesSubject } from "./tables.ts";

/** Where everything is. */
export const REGION = "eu-west-1";
const CREATE_SECONDS_MAX = 30;

/** Sends everything that the SDK of this process says to `endpoint`. */
export function pointSdkAt(endpoint: string): void {
  // Someone's profile or session must not send a test to the real cloud.
  for (const name of Object.keys(process.env)) if (name.startsWith("AWS_")) delete process.env[name];
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: REGION,
    AWS_ACCESS_KEY_ID: "local",
    AWS_SECRET_ACCESS_KEY: "local",
  });
}

/** Tables. `prefix` keeps their names apart from those of another run. */
export function awsTables(prefix: string): TablesSubject {
  const made: string[] = [];
  return {
    tables: tableData(dynamodbClient),
    region: REGION,
    keeps: "values",
    async create(name, keys) {
      const table = { region: REGION, name: `${prefix}${name}` };
      await createTable(table.name, keys);
      made.push(table.name);
      return table;
    },
    close: () => deleteTables(made),
  };
}

/** The status tables, made as the topology says. */
export async function awsStatusStore(prefix: string): Promise<StatusStoreSubject> {
  const nameOf = (table: TableName) => `${prefix}${table}`;
  const entries = Object.entries(topologyTables) as [TableName, (typeof topologyTables)[TableName]][];
  for (const [name, { hash, range }] of entries) await createTable(nameOf(name), [hash, range]);
  const client = dynamodbClient(REGION);
  const segment = nameOf("segment-table");
  return {
    status: statusStore(client, {
      backup: nameOf("backup-table"),
      restore: nameOf("restore-table"),
      segment,
    }),
    async record(task, number) {
      const Key = { task: { S: task }, segment: { N: String(number) } };
      const { Item } = await client.send(
        new GetItemCommand({ TableName: segment, Key, ConsistentRead: true }),
      );
      return Item && recordOfItem(Item);
    },
    close: () => deleteTables(entries.map(([name]) => nameOf(name))),
  };
}

/** An archive store with a fresh bucket, which will be `owner`'s. */
export async function awsArchiveStore(name: string, owner: string): Promise<ArchiveStoreSubject> {
  await s3Client(REGION).send(new CreateBucketCommand({ Bucket: name }));
  return { archive: archiveStore(s3Client), bucket: { region: REGION, name }, owner };
}

async function createTable(TableName: string, keys: KeyAttributes): Promise<void> {
  const client = dynamodbClient(REGION);
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: keys.map(({ name, type }) => ({ AttributeName: name, AttributeType: type })),
      KeySchema: keys.map(({ name }, i) => ({ AttributeName: name, KeyType: i === 0 ? "HASH" : "RANGE" })),
    }),
  );
  await waitUntilTableExists(
    { client, maxWaitTime: CREATE_SECONDS_MAX, minDelay: 0.05, maxDelay: 1 },
    { TableName },
  );
}

async function deleteTables(names: readonly string[]): Promise<void> {
  await Promise.all(
    names.map((TableName) => dynamodbClient(REGION).send(new DeleteTableCommand({ TableName }))),
  );
}
