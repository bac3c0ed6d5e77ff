import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { readOtherDynamoDb } from "./other-dynamodb.ts";

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

describe("another DynamoDB engine for the local host", () => {
  test("is none without the option and the variable", async () => {
    expect(await readOtherDynamoDb(undefined, {})).toBeUndefined();
    expect(await readOtherDynamoDb(undefined, { AWS_ENDPOINT_URL_DYNAMODB: "" })).toBeUndefined();
  });

  test("is named by the option, or else by AWS_ENDPOINT_URL_DYNAMODB", async () => {
    await answering(200, '{"TableNames":[]}', async (url) => {
      expect(await readOtherDynamoDb(url, { AWS_ENDPOINT_URL_DYNAMODB: "http://other" })).toBe(url);
      expect(await readOtherDynamoDb(undefined, { AWS_ENDPOINT_URL_DYNAMODB: url })).toBe(url);
    });
  });

  test.each([
    ["8000", "--dynamodb must be a URL such as http://127.0.0.1:8000: got 8000"],
    ["ftp://host", "--dynamodb must be a URL"],
    ["https://dynamodb.us-east-1.amazonaws.com", "--dynamodb must not be AWS"],
    ["https://dynamodb.cn-north-1.amazonaws.com.cn", "--dynamodb must not be AWS"],
    ["http://127.0.0.1:1", "cannot be reached (ECONNREFUSED): start the engine first"],
  ])("%s is refused: %s", async (url, message) => {
    await expect(readOtherDynamoDb(url, {})).rejects.toThrow(message);
  });

  test("must answer ListTables", async () => {
    await answering(404, "nothing here", async (url) => {
      await expect(readOtherDynamoDb(url, {})).rejects.toThrow(
        "does not answer ListTables like DynamoDB, but with 404: nothing here",
      );
    });
  });

  test.each(["S3", "SQS", "EVENTBRIDGE"])("AWS_ENDPOINT_URL_%s is refused, not dropped", async (service) => {
    const env = { [`AWS_ENDPOINT_URL_${service}`]: "http://127.0.0.1:9000" };
    await expect(readOtherDynamoDb(undefined, env)).rejects.toThrow(
      `AWS_ENDPOINT_URL_${service} is http://127.0.0.1:9000, but the local host has its own ${service}: unset it.`,
    );
  });
});
