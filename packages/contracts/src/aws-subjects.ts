/**
 * The AWS adapters as subjects of the suites, on whatever the environment points the SDK at.
 */
import {
  CreateTableCommand,
  DeleteTableCommand,
  GetItemCommand,
  waitUntilTableExists,
  waitUntilTableNotExists,
} from "@aws-sdk/client-dynamodb";
import { CreateBucketCommand, DeleteBucketCommand, DeleteObjectsCommand, S3Client } from "@aws-sdk/client-s3";
import { archiveStore } from "@ferry/aws/archive-store";
import { dynamodbClient, retryingDynamodbClient, s3Client } from "@ferry/aws/clients";
import { rateLimiter } from "@ferry/aws/rate-limiter";
import { sliceClaims } from "@ferry/aws/slice-claims";
import { recordOfItem } from "@ferry/aws/status-item";
import { statusStore } from "@ferry/aws/status-store";
import { tableData } from "@ferry/aws/table";
import { tableLeases } from "@ferry/aws/table-leases";
import { taskRegistry } from "@ferry/aws/task-registry";
import { workerTableItems } from "@ferry/aws/worker-table";
import { type TableName, tables as topologyTables, workerTable } from "@ferry/core/topology";
import type { KeyAttributes } from "@ferry/memory/item-key";
import type { ArchiveStoreSubject } from "./archive-store.ts";
import type { RateLimiterSubject } from "./rate-limiter.ts";
import type { SliceClaimsSubject } from "./slice-claims.ts";
import type { StatusStoreSubject } from "./status-store.ts";
import type { TableLeasesSubject } from "./table-leases.ts";
import type { TablesSubject } from "./tables.ts";
import type { TaskRegistrySubject } from "./task-registry.ts";

/** Where everything is. */
export const REGION = "eu-west-1";
const CREATE_SECONDS_MAX = 30;
const KEYS_PER_DELETE_MAX = 1000;
/** For services that no endpoint is given for: nothing resolves it. */
const NOWHERE = "http://nowhere.invalid";

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

/**
 * Sends what the SDK of this process says to the engines that are given, and to no other. They are named on purpose, so
 * the credentials that the environment holds are theirs; without any they get some that only a local engine takes.
 */
export function pointSdkAtGiven(endpoints: { dynamodb?: string | undefined; s3?: string | undefined }): void {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = process.env;
  pointSdkAt(NOWHERE);
  if (endpoints.dynamodb) process.env["AWS_ENDPOINT_URL_DYNAMODB"] = endpoints.dynamodb;
  if (endpoints.s3) process.env["AWS_ENDPOINT_URL_S3"] = endpoints.s3;
  if (!AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY) return;
  Object.assign(process.env, { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY });
  if (AWS_SESSION_TOKEN) process.env["AWS_SESSION_TOKEN"] = AWS_SESSION_TOKEN;
}

/** Tables. `prefix` keeps their names apart from those of another run; `lacks` is what the engine has not. */
export function awsTables(prefix: string, lacks: TablesSubject["lacks"] = {}): TablesSubject {
  const made: string[] = [];
  return {
    tables: tableData(dynamodbClient, retryingDynamodbClient),
    region: REGION,
    keeps: "values",
    lacks,
    async create(name, keys) {
      const table = { region: REGION, name: `${prefix}${name}` };
      await createTable(table.name, keys);
      made.push(table.name);
      return table;
    },
    async recreate({ name }, keys) {
      await deleteTables([name]);
      await waitUntilTableNotExists(waitFor(), { TableName: name });
      await createTable(name, keys);
    },
    close: () => deleteTables(made),
  };
}

/** The status tables, made as the topology says. */
export async function awsStatusStore(prefix: string): Promise<StatusStoreSubject> {
  const nameOf = (table: TableName) => `${prefix}${table}`;
  const entries = Object.entries(topologyTables) as [TableName, (typeof topologyTables)[TableName]][];
  for (const [name, { hash, range }] of entries) await createTable(nameOf(name), [hash, range]);
  const client = retryingDynamodbClient(REGION);
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

/** What stands on the workers' notes, with a table of its own. */
export async function awsNotes(
  prefix: string,
): Promise<RateLimiterSubject & SliceClaimsSubject & TableLeasesSubject & TaskRegistrySubject> {
  const name = `${prefix}${workerTable.name}`;
  await createTable(name, [workerTable.hash]);
  const notes = workerTableItems(retryingDynamodbClient(REGION), name);
  return {
    limiter: rateLimiter(notes),
    claims: sliceClaims(notes),
    leases: tableLeases(notes),
    registry: taskRegistry(notes),
    close: () => deleteTables([name]),
  };
}

/**
 * An archive store with a fresh bucket, which is deleted in the end. `owner` is the account that it will belong to,
 * where the engine has accounts.
 */
export async function awsArchiveStore(
  name: string,
  owner: string | undefined,
  s3: (region: string) => S3Client = s3Client,
): Promise<ArchiveStoreSubject> {
  const client = s3(REGION);
  await client.send(new CreateBucketCommand({ Bucket: name }));
  const bucket = { region: REGION, name };
  const archive = archiveStore(s3);
  return {
    archive,
    bucket,
    ...(owner !== undefined && { owner }),
    async close() {
      const keys = await archive.list(bucket, "");
      for (let at = 0; at < keys.length; at += KEYS_PER_DELETE_MAX) {
        const Objects = keys.slice(at, at + KEYS_PER_DELETE_MAX).map((Key) => ({ Key }));
        await client.send(new DeleteObjectsCommand({ Bucket: name, Delete: { Objects, Quiet: true } }));
      }
      await client.send(new DeleteBucketCommand({ Bucket: name }));
    },
  };
}

/**
 * S3 that names the bucket in the path: a server on a plain host name has no name for each bucket, as S3 has.
 * Otherwise the SDK as it comes.
 */
export function pathStyleS3(): (region: string) => S3Client {
  const client = new S3Client({ region: REGION, forcePathStyle: true });
  return () => client;
}

async function createTable(TableName: string, keys: KeyAttributes): Promise<void> {
  const client = retryingDynamodbClient(REGION);
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: keys.map(({ name, type }) => ({ AttributeName: name, AttributeType: type })),
      KeySchema: keys.map(({ name }, i) => ({ AttributeName: name, KeyType: i === 0 ? "HASH" : "RANGE" })),
    }),
  );
  await waitUntilTableExists(waitFor(), { TableName });
}

function waitFor() {
  return {
    client: retryingDynamodbClient(REGION),
    maxWaitTime: CREATE_SECONDS_MAX,
    minDelay: 0.05,
    maxDelay: 1,
  };
}

async function deleteTables(names: readonly string[]): Promise<void> {
  await Promise.all(
    names.map((TableName) => retryingDynamodbClient(REGION).send(new DeleteTableCommand({ TableName }))),
  );
}
