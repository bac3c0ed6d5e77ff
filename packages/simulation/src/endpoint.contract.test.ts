/**
 * The tables and status suites over the AWS adapters and any DynamoDB engine that the environment names, such as
 * DynamoDB Local: `npm run test:dynamodb-local --workspace packages/simulation` starts that one.
 */
import { dynamodbClient } from "@ferry/aws/clients";
import { it } from "vitest";
import { awsStatusStore, awsTables, pointSdkAt, REGION } from "./contracts/aws-subjects.ts";
import { statusStoreContract } from "./contracts/status-store.ts";
import { tablesContract } from "./contracts/tables.ts";

const endpoint = process.env["FERRY_CONTRACT_ENDPOINT_DYNAMODB"];

if (endpoint === undefined || endpoint === "")
  it.skip("no DynamoDB endpoint is given: set FERRY_CONTRACT_ENDPOINT_DYNAMODB to its URL to run the suites on it", () => {});
else {
  pointSdkAt(endpoint);
  answerTagsWithNone();
  // An engine that keeps its tables may have those of an earlier run.
  const prefix = `ferry-contract-${Date.now()}-`;
  tablesContract(endpoint, async () => awsTables(prefix));
  statusStoreContract(endpoint, () => awsStatusStore(prefix));
}

/** DynamoDB Local has no tags and says that there is no such operation; DynamoDB always answers. */
function answerTagsWithNone(): void {
  dynamodbClient(REGION).middlewareStack.add(
    (next, context) => async (args) => {
      try {
        return await next(args);
      } catch (error) {
        const lacking = (error as Error).name === "UnknownOperationException";
        if (!lacking || context["commandName"] !== "ListTagsOfResourceCommand") throw error;
        return { output: { $metadata: {}, Tags: [] }, response: undefined };
      }
    },
    { step: "initialize" },
  );
}
