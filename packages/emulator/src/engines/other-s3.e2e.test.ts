/** The gateway in front of another S3 engine, which here is an S3 of the emulator behind a port of its own. */
import type { Server } from "node:http";
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startGateway } from "./gateway.ts";
import { requireS3, withOtherS3 } from "./other-s3.ts";
import { createS3Sqs, type S3Sqs } from "./s3-sqs.ts";

const servers: Server[] = [];
const absent = () => {
  throw new Error("these tests use only S3");
};

async function gatewayOf(s3: S3Sqs["handle"]): Promise<string> {
  const services = { s3, sqs: absent, dynamodb: absent, events: absent };
  const server = await startGateway(0, Promise.resolve(services), console.error);
  servers.push(server);
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
}

const clientOf = (endpoint: string) =>
  new S3Client({
    endpoint,
    region: "eu-west-1",
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
    maxAttempts: 1,
  });

let engine: string;
let gateway: string;
beforeAll(async () => {
  engine = await gatewayOf((await createS3Sqs("http://127.0.0.1")).handle);
  gateway = await gatewayOf(withOtherS3(engine));
});
afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

test("objects that are put through the gateway are in the engine, with metadata and odd keys, and only once", async () => {
  const s3 = clientOf(gateway);
  const Bucket = "others";
  await s3.send(new CreateBucketCommand({ Bucket }));
  const Body = Buffer.alloc(12 * 1024 * 1024, "0123456789");
  const Key = "a b/\u{1F600}+%2F.json";
  const put = new PutObjectCommand({ Bucket, Key, Body, Metadata: { items: "3" }, IfNoneMatch: "*" });
  await s3.send(put);
  await expect(s3.send(put)).rejects.toMatchObject({ name: "PreconditionFailed" });
  for (const client of [s3, clientOf(engine)]) {
    const object = await client.send(new GetObjectCommand({ Bucket, Key }));
    expect(object.Metadata).toEqual({ items: "3" });
    expect(Body.equals(await object.Body!.transformToByteArray())).toBe(true);
    const { Contents } = await client.send(new ListObjectsV2Command({ Bucket, Prefix: "a b/" }));
    expect(Contents?.map((one) => one.Key)).toEqual([Key]);
  }
});

test("an engine that does not answer ListBuckets, or cannot be reached, is refused", async () => {
  await requireS3(engine);
  await requireS3(gateway);
  await expect(requireS3(`${engine}/no-such-bucket`)).rejects.toThrow(
    /does not answer ListBuckets like S3, but with 404/,
  );
  await expect(requireS3("http://127.0.0.1:1")).rejects.toThrow(
    "http://127.0.0.1:1 cannot be reached (ECONNREFUSED): start the engine first",
  );
});

test("an engine that ended is reported as unavailable", async () => {
  const lost = clientOf(await gatewayOf(withOtherS3("http://127.0.0.1:1")));
  await expect(lost.send(new ListObjectsV2Command({ Bucket: "any" }))).rejects.toMatchObject({
    name: "ServiceUnavailable",
    message: "http://127.0.0.1:1 cannot be reached (ECONNREFUSED)",
  });
});
