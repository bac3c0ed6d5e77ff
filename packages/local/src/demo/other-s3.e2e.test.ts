import { execFile } from "node:child_process";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { startGateway } from "@ferry/emulator/engines/gateway";
import { createS3Sqs } from "@ferry/emulator/engines/s3-sqs";
import { expect, test } from "vitest";

const main = fileURLToPath(new URL("./main.ts", import.meta.url));
const absent = () => {
  throw new Error("this engine has only S3");
};

test("the demo with --s3 puts its archive into the other engine", async () => {
  const { handle } = await createS3Sqs("http://127.0.0.1");
  const services = { s3: handle, sqs: absent, dynamodb: absent, events: absent };
  const server = await startGateway(0, Promise.resolve(services), console.error);
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [main, "--items", "300", "--json", "--s3", endpoint],
      { env: { PATH: process.env["PATH"], NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"] } },
    );
    expect(JSON.parse(stdout)).toMatchObject({ items: 300, restored: 300, identical: true });
    const credentials = { accessKeyId: "local", secretAccessKey: "local" };
    const s3 = new S3Client({ endpoint, region: "eu-central-1", credentials });
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: "archives" }));
    expect(Contents.map(({ Key }) => Key)).toContain("demo/cities/manifest-summary.json");
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
