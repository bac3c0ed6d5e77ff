/**
 * The contract suites over the AWS adapters and the local host's engines, on the wire.
 */
import type { Server } from "node:http";
import { zlibCodec } from "@ferry/aws/codec";
import { pakoCodec } from "@ferry/core/archive/pako-codec";
import { createDynamoDb } from "@ferry/local/engines/dynamodb";
import { listen } from "@ferry/local/engines/gateway";
import { createS3Sqs } from "@ferry/local/engines/s3-sqs";
import { ACCOUNT } from "@ferry/local/names";
import { afterAll, beforeAll } from "vitest";
import { archiveStoreContract } from "./contracts/archive-store.ts";
import {
  awsArchiveStore,
  awsNotes,
  awsStatusStore,
  awsTables,
  pointSdkAt,
} from "./contracts/aws-subjects.ts";
import { codecContract } from "./contracts/codec.ts";
import { rateLimiterContract } from "./contracts/rate-limiter.ts";
import { sliceClaimsContract } from "./contracts/slice-claims.ts";
import { statusStoreContract } from "./contracts/status-store.ts";
import { tableLeasesContract } from "./contracts/table-leases.ts";
import { tablesContract } from "./contracts/tables.ts";
import { taskRegistryContract } from "./contracts/task-registry.ts";
import { openMd5 } from "./memory/ports.ts";

let server: Server;
beforeAll(async () => {
  const s3Sqs = await createS3Sqs("http://127.0.0.1");
  const services = {
    dynamodb: createDynamoDb().handle,
    s3Sqs: s3Sqs.handle,
    events: () => {
      throw new Error("no suite here has a bus");
    },
  };
  server = await listen(0, Promise.resolve(services), console.error);
  pointSdkAt(`http://127.0.0.1:${(server.address() as { port: number }).port}`);
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

tablesContract("the AWS adapter and dynalite", async () =>
  awsTables("", { "units of consistent reads": "dynalite charges a consistent scan like any other" }),
);
statusStoreContract("the AWS adapter and dynalite", () => awsStatusStore("ferry-contract-"));
rateLimiterContract("the AWS adapter and dynalite", () => awsNotes("ferry-limiter-"));
sliceClaimsContract("the AWS adapter and dynalite", () => awsNotes("ferry-claims-"));
tableLeasesContract("the AWS adapter and dynalite", () => awsNotes("ferry-leases-"));
taskRegistryContract("the AWS adapter and dynalite", () => awsNotes("ferry-registry-"));
archiveStoreContract("the AWS adapter and fauxqs", () => awsArchiveStore("contract", ACCOUNT));
codecContract("zlib", () => zlibCodec, { pako: pakoCodec(openMd5) });
