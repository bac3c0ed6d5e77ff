import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { readOtherEngines } from "./other-engines.ts";

async function answering(status: number, body: string, use: (url: string) => Promise<void>) {
  const server = createServer((_, response) => response.writeHead(status).end(body));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const listBuckets = "<ListAllMyBucketsResult></ListAllMyBucketsResult>";

describe("other engines for the local host", () => {
  test("are none without an option and a variable", async () => {
    expect(await readOtherEngines({}, {})).toEqual({});
    expect(await readOtherEngines({}, { AWS_ENDPOINT_URL_DYNAMODB: "", AWS_ENDPOINT_URL: "" })).toEqual({});
  });

  test.each([
    ["dynamodb", "otherDynamoDb", '{"TableNames":[]}'],
    ["s3", "otherS3", listBuckets],
  ])("%s is named by the option, or else by its AWS_ENDPOINT_URL", async (service, name, body) => {
    const variable = `AWS_ENDPOINT_URL_${service.toUpperCase()}`;
    await answering(200, body, async (url) => {
      expect(await readOtherEngines({ [service]: url }, { [variable]: "http://other" })).toEqual({
        [name]: url,
      });
      expect(await readOtherEngines({}, { [variable]: url })).toEqual({ [name]: url });
    });
  });

  describe.each(["dynamodb", "s3"])("%s", (service) => {
    test.each([
      ["8000", `--${service} must be a URL such as http://127.0.0.1:8000: got 8000`],
      ["ftp://host", `--${service} must be a URL`],
      ["https://dynamodb.us-east-1.amazonaws.com", `--${service} must not be AWS`],
      ["https://s3.cn-north-1.amazonaws.com.cn", `--${service} must not be AWS`],
      ["http://127.0.0.1:1", "cannot be reached (ECONNREFUSED): start the engine first"],
    ])("at %s is refused: %s", async (url, message) => {
      await expect(readOtherEngines({ [service]: url }, {})).rejects.toThrow(message);
    });
  });

  test("must answer like DynamoDB and like S3", async () => {
    await answering(404, "nothing here", async (url) => {
      await expect(readOtherEngines({ dynamodb: url }, {})).rejects.toThrow(
        "does not answer ListTables like DynamoDB, but with 404: nothing here",
      );
      await expect(readOtherEngines({ s3: url }, {})).rejects.toThrow(
        "does not answer ListBuckets like S3, but with 404: nothing here",
      );
    });
  });

  test.each(["SQS", "EVENTBRIDGE"])("AWS_ENDPOINT_URL_%s is refused, not dropped", async (service) => {
    const env = { [`AWS_ENDPOINT_URL_${service}`]: "http://127.0.0.1:9000" };
    await expect(readOtherEngines({}, env)).rejects.toThrow(
      `AWS_ENDPOINT_URL_${service} is http://127.0.0.1:9000, but the local host has its own ${service}: unset it.`,
    );
  });

  test("AWS_ENDPOINT_URL is refused, unless it is that of a local host, whose lines the shell executed", async () => {
    const env = { AWS_ENDPOINT_URL: "http://127.0.0.1:9000" };
    await expect(readOtherEngines({}, env)).rejects.toThrow(
      "AWS_ENDPOINT_URL is http://127.0.0.1:9000, but the local host has its own SQS and EventBridge: unset it, and name",
    );
    expect(await readOtherEngines({}, { ...env, FERRY_LOCAL: env.AWS_ENDPOINT_URL })).toEqual({});
  });
});
