/**
 * The AWS hosts as subjects of the suites, on the endpoints that the environment configures for the SDK.
 */

import { setTimeout as sleep } from "node:timers/promises";
import {
  CreateTableCommand,
  DeleteTableCommand,
  GetItemCommand,
  waitUntilTableExists,
  waitUntilTableNotExists,
} from "@aws-sdk/client-dynamodb";
import { CreateBucketCommand, DeleteBucketCommand, DeleteObjectsCommand, S3Client } from "@aws-sdk/client-s3";
import { archiveStore } from "@ferry/aws/archive-store";
import { dynamodbClient, retryingDynamodbClient, s3Client, s3ReadingClient } from "@ferry/aws/clients";
import { tableData } from "@ferry/aws/dynamodb/table";
import { tableAdmin } from "@ferry/aws/dynamodb/table-admin";
import { rowSearch } from "@ferry/aws/status/row-search";
import { recordOfItem } from "@ferry/aws/status/status-item";
import { statusStore } from "@ferry/aws/status/status-store";
import { lastErrors } from "@ferry/aws/worker-table/last-errors";
import { rateLimiter } from "@ferry/aws/worker-table/rate-limiter";
import { sliceClaims } from "@ferry/aws/worker-table/slice-claims";
import { tableLeases } from "@ferry/aws/worker-table/table-leases";
import { taskRegistry } from "@ferry/aws/worker-table/task-registry";
import { workerTableItems } from "@ferry/aws/worker-table/worker-table";
import { onDemandTable } from "@ferry/core/table/key-definition";
import {
  type RowIndex,
  rowIndexes,
  type TableName,
  tables as topologyTables,
  workerTable,
} from "@ferry/core/topology";
import type { KeyAttributes } from "@ferry/memory/item-key";
import type { ArchiveStoreSubject } from "./archive-store.ts";
import type { LastErrorsSubject } from "./last-errors.ts";
import type { RateLimiterSubject } from "./rate-limiter.ts";
import type { RowSearchSubject } from "./row-search.ts";
import type { SliceClaimsSubject } from "./slice-claims.ts";
import type { StatusStoreSubject } from "./status-store.ts";
import type { TableAdminSubject } from "./table-admin.ts";
import type { TableLeasesSubject } from "./table-leases.ts";
import type { TablesSubject } from "./tables.ts";
import type { TaskRegistrySubject } from "./task-registry.ts";

/** The region of all resources. */
export const TEST_REGION = "eu-west-1";
const CREATE_SECONDS_MAX = 300;
const KEYS_PER_DELETE_MAX = 1000;
/** The endpoint of services that are not configured: its name never resolves. */
const NOWHERE = "http://nowhere.invalid";

/** Sends all SDK calls of this process to `endpoint`. */
export function pointSdkAt(endpoint: string): void {
  // A profile or session in the environment must not send a test to the real cloud.
  for (const name of Object.keys(process.env)) if (name.startsWith("AWS_")) delete process.env[name];
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: TEST_REGION,
    AWS_ACCESS_KEY_ID: "local",
    AWS_SECRET_ACCESS_KEY: "local",
  });
}

/**
 * Sends SDK calls of this process only to the given engines. Naming an engine is deliberate, so the environment's credentials
 * are used for it; without any, it gets credentials that only a local engine accepts.
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

/** Tables. `prefix` separates their names from those of other runs; `lacks`: features that the engine does not have. */
export function awsTables(prefix: string, lacks: TablesSubject["lacks"] = {}): TablesSubject {
  const made: string[] = [];
  return {
    tables: tableData(dynamodbClient, retryingDynamodbClient),
    region: TEST_REGION,
    keeps: "values",
    lacks,
    async create(name, keys) {
      const table = { region: TEST_REGION, name: `${prefix}${name}` };
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

/** Creates tables. `prefix` separates their names from those of other runs. */
export function awsTableAdmin(prefix: string): TableAdminSubject {
  return {
    admin: tableAdmin(retryingDynamodbClient),
    tables: tableData(dynamodbClient, retryingDynamodbClient),
    region: TEST_REGION,
    prefix,
    pass: async () => {
      await sleep(50);
    },
    close: (tables) => deleteTables(tables.map(({ name }) => name)),
  };
}

/** The status tables, created as the topology specifies. */
export async function awsStatusStore(prefix: string): Promise<StatusStoreSubject & RowSearchSubject> {
  const nameOf = (table: TableName) => `${prefix}${table}`;
  const entries = Object.entries(topologyTables) as [TableName, (typeof topologyTables)[TableName]][];
  for (const [name, { hash, range }] of entries)
    await createTable(nameOf(name), [hash, range], name === "segment-table" ? [] : rowIndexes);
  const client = retryingDynamodbClient(TEST_REGION);
  const segment = nameOf("segment-table");
  const rows = { backup: nameOf("backup-table"), restore: nameOf("restore-table") };
  return {
    status: statusStore(client, { ...rows, segment }),
    search: rowSearch(client, rows),
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

/** The ports that use the worker table, on a new one. */
export async function awsWorkerTable(
  prefix: string,
): Promise<
  RateLimiterSubject & SliceClaimsSubject & TableLeasesSubject & TaskRegistrySubject & LastErrorsSubject
> {
  const name = `${prefix}${workerTable.name}`;
  await createTable(name, [workerTable.hash]);
  const updateItem = workerTableItems(retryingDynamodbClient(TEST_REGION), name);
  return {
    limiter: rateLimiter(updateItem),
    claims: sliceClaims(updateItem),
    leases: tableLeases(updateItem),
    registry: taskRegistry(updateItem),
    lastErrors: lastErrors(updateItem),
    close: () => deleteTables([name]),
  };
}

/**
 * An archive store with a new bucket, which `close` deletes. `owner`: the account that will own it, if the engine has
 * accounts.
 */
export async function awsArchiveStore(
  name: string,
  owner: string | undefined,
  { s3, reading }: { s3: (region: string) => S3Client; reading: (region: string) => S3Client } = {
    s3: s3Client,
    reading: s3ReadingClient,
  },
): Promise<ArchiveStoreSubject> {
  const client = s3(TEST_REGION);
  await client.send(new CreateBucketCommand({ Bucket: name }));
  const bucket = { region: TEST_REGION, name };
  const archive = archiveStore(s3, { reading });
  return {
    archive,
    bucket,
    ...(owner !== undefined && { owner }),
    async close() {
      const listed = await archive.list(bucket, "");
      for (let at = 0; at < listed.length; at += KEYS_PER_DELETE_MAX) {
        const Objects = listed.slice(at, at + KEYS_PER_DELETE_MAX).map(({ key }) => ({ Key: key }));
        await client.send(new DeleteObjectsCommand({ Bucket: name, Delete: { Objects, Quiet: true } }));
      }
      await client.send(new DeleteBucketCommand({ Bucket: name }));
    },
  };
}

/**
 * S3 clients that name the bucket in the path, since a plain server has no host name for each bucket. All else is the SDK's
 * default.
 */
export function pathStyleS3() {
  const client = new S3Client({ region: TEST_REGION, forcePathStyle: true });
  return { s3: () => client, reading: () => client };
}

async function createTable(
  TableName: string,
  keys: KeyAttributes,
  indexes: readonly RowIndex[] = [],
): Promise<void> {
  const client = retryingDynamodbClient(TEST_REGION);
  await client.send(new CreateTableCommand(onDemandTable(TableName, keys, indexes)));
  await waitUntilTableExists(waitFor(), { TableName });
}

function waitFor() {
  return {
    client: retryingDynamodbClient(TEST_REGION),
    maxWaitTime: CREATE_SECONDS_MAX,
    minDelay: 0.05,
    maxDelay: 1,
  };
}

async function deleteTables(names: readonly string[]): Promise<void> {
  await Promise.all(
    names.map((TableName) => retryingDynamodbClient(TEST_REGION).send(new DeleteTableCommand({ TableName }))),
  );
}
