/**
 * The contract suites on the AWS adapters and the emulator's engines, over HTTP.
 */
import type { Server } from "node:http";
import { zlibCodec } from "@ferry/aws/codec";
import { archiveStoreContract } from "@ferry/contracts/archive-store";
import {
  awsArchiveStore,
  awsStatusStore,
  awsTableAdmin,
  awsTables,
  awsWorkerTable,
  pointSdkAt,
} from "@ferry/contracts/aws-subjects";
import { codecContract } from "@ferry/contracts/codec";
import { lastErrorsContract } from "@ferry/contracts/last-errors";
import { rateLimiterContract } from "@ferry/contracts/rate-limiter";
import { rowSearchContract } from "@ferry/contracts/row-search";
import { sliceClaimsContract } from "@ferry/contracts/slice-claims";
import { statusStoreContract } from "@ferry/contracts/status-store";
import { tableAdminContract } from "@ferry/contracts/table-admin";
import { tableLeasesContract } from "@ferry/contracts/table-leases";
import { tablesContract } from "@ferry/contracts/tables";
import { taskRegistryContract } from "@ferry/contracts/task-registry";
import { pakoCodec } from "@ferry/core/archive/pako-codec";
import { openMd5 } from "@ferry/memory/ports";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ACCOUNT } from "../arns.ts";
import { createDynamoDb, type DynamoDb } from "./dynamodb.ts";
import { startGateway } from "./gateway.ts";
import { createS3Sqs } from "./s3-sqs.ts";
import { withStatements } from "./statements.ts";
import { withTableSettings } from "./table-settings.ts";

let server: Server;
beforeAll(async () => {
  const s3Sqs = await createS3Sqs("http://127.0.0.1");
  const services = {
    dynamodb: recordingStatements(withTableSettings(withStatements(createDynamoDb().handle))),
    s3: s3Sqs.handle,
    sqs: s3Sqs.handle,
    events: () => {
      throw new Error("none of these suites uses a bus");
    },
  };
  server = await startGateway(0, Promise.resolve(services), console.error);
  pointSdkAt(`http://127.0.0.1:${(server.address() as { port: number }).port}`);
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

/** The status of each BatchExecuteStatement. */
const statuses: number[] = [];
const recordingStatements =
  (handle: DynamoDb["handle"]): DynamoDb["handle"] =>
  async (region, request) => {
    const answer = await handle(region, request);
    if (String(request.headers["x-amz-target"]).endsWith(".BatchExecuteStatement"))
      statuses.push(answer.status);
    return answer;
  };

tablesContract("the AWS adapter and dynalite", async () =>
  awsTables("", {
    "units of consistent reads": "dynalite counts the same units for a consistent scan as for any other",
  }),
);
// The adapter puts the items of a refused call one by one, so the suite alone would not detect it.
test("every call of the suite that inserts by statements is accepted", () => {
  expect(statuses.length).toBeGreaterThan(0);
  expect(statuses.filter((status) => status !== 200)).toEqual([]);
});
statusStoreContract("the AWS adapter and dynalite", () => awsStatusStore("ferry-contract-"));
rowSearchContract("the AWS adapter and dynalite", () => awsStatusStore("ferry-search-"));
lastErrorsContract("the AWS adapter and dynalite", () => awsWorkerTable("ferry-errors-"));
rateLimiterContract("the AWS adapter and dynalite", () => awsWorkerTable("ferry-limiter-"));
sliceClaimsContract("the AWS adapter and dynalite", () => awsWorkerTable("ferry-claims-"));
tableAdminContract("the AWS adapter and dynalite", async () => awsTableAdmin("ferry-admin-"));
tableLeasesContract("the AWS adapter and dynalite", () => awsWorkerTable("ferry-leases-"));
taskRegistryContract("the AWS adapter and dynalite", () => awsWorkerTable("ferry-registry-"));
archiveStoreContract("the AWS adapter and fauxqs", () => awsArchiveStore("contract", ACCOUNT));
codecContract("zlib", () => zlibCodec, { pako: pakoCodec(openMd5) });
