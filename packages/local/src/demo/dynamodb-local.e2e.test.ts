import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { prepareDynamoDbLocal, startDynamoDbLocal } from "@ferry/contracts/start-dynamodb-local";
import { expect, test } from "vitest";

const main = fileURLToPath(new URL("./main.ts", import.meta.url));
const problem = prepareDynamoDbLocal();

if (problem !== undefined) test.skip(`the demo on DynamoDB Local did not run: ${problem}`, () => {});
else
  test("the demo backs up and restores tables of DynamoDB Local", { timeout: 300_000 }, async () => {
    const engine = await startDynamoDbLocal();
    try {
      // By the SDK's variable, which the demo and the local host respect.
      const { stdout } = await promisify(execFile)(process.execPath, [main, "--items", "300", "--json"], {
        env: {
          PATH: process.env["PATH"],
          NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"],
          AWS_ENDPOINT_URL_DYNAMODB: engine.endpoint,
        },
      });
      expect(JSON.parse(stdout)).toMatchObject({ items: 300, restored: 300, identical: true });
      // The tables are in the engine itself.
      const response = await fetch(engine.endpoint, {
        method: "POST",
        headers: {
          "content-type": "application/x-amz-json-1.0",
          "x-amz-target": "DynamoDB_20120810.ListTables",
          authorization:
            "AWS4-HMAC-SHA256 Credential=local/20260101/eu-west-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0",
        },
        body: "{}",
      });
      expect(await response.json()).toEqual({ TableNames: ["cities-copy"] });
    } finally {
      engine.stop();
    }
  });
