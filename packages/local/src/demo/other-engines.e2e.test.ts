/**
 * The demo with its buckets and its tables in other engines, both in one run of it. Its tables are in DynamoDB Local where that
 * can run.
 */
import { execFile } from "node:child_process";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { DynamoDBClient, ListTablesCommand } from "@aws-sdk/client-dynamodb";
import { ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import {
  type DynamoDbLocal,
  prepareDynamoDbLocal,
  startDynamoDbLocal,
} from "@ferry/contracts/start-dynamodb-local";
import { startGateway } from "@ferry/emulator/engines/gateway";
import { createS3Sqs } from "@ferry/emulator/engines/s3-sqs";
import { beforeAll, expect, test } from "vitest";

const main = fileURLToPath(new URL("./main.ts", import.meta.url));
const absent = () => {
  throw new Error("this engine has only S3");
};
const credentials = { accessKeyId: "local", secretAccessKey: "local" };

const problem = prepareDynamoDbLocal();
let dynamodb: DynamoDbLocal | undefined;
let s3: string;
let result: unknown;

beforeAll(async () => {
  const { handle } = await createS3Sqs("http://127.0.0.1");
  const services = { s3: handle, sqs: absent, dynamodb: absent, events: absent };
  const server = await startGateway(0, Promise.resolve(services), console.error);
  s3 = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  if (problem === undefined) dynamodb = await startDynamoDbLocal();
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [main, "--items", "300", "--segments", "2", "--json", "--s3", s3],
    {
      env: {
        PATH: process.env["PATH"],
        NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"],
        // The SDK's variable, which the demo and the local host respect.
        ...(dynamodb !== undefined && { AWS_ENDPOINT_URL_DYNAMODB: dynamodb.endpoint }),
      },
    },
  );
  result = JSON.parse(stdout);
  return () => {
    dynamodb?.stop();
    server.closeAllConnections();
    server.close();
  };
});

test("the demo backs up and restores its tables", () => {
  expect(result).toMatchObject({ items: 300, restored: 300, identical: true });
});

test("given --s3, the archive is in the other engine", async () => {
  const client = new S3Client({ endpoint: s3, region: "eu-central-1", credentials });
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: "archives" }));
  expect(Contents.map(({ Key }) => Key)).toContain("demo/cities/manifest-summary.json");
});

if (problem !== undefined) test.skip(`the demo on DynamoDB Local did not run: ${problem}`, () => {});
else
  test("given the variable of DynamoDB Local, the tables are in the engine itself", async () => {
    const client = new DynamoDBClient({ endpoint: dynamodb!.endpoint, region: "eu-west-1", credentials });
    expect((await client.send(new ListTablesCommand({}))).TableNames).toEqual(["cities-copy"]);
  });
