/**
 * The suites over the AWS adapters and the engines that the environment names: DynamoDB Local, which
 * `npm run test:dynamodb-local --workspace packages/contracts` starts, any other, or AWS itself. docs/engines.md tells how.
 */
import { retryingDynamodbClient } from "@ferry/aws/clients";
import { it } from "vitest";
import { archiveStoreContract } from "./archive-store.ts";
import {
  awsArchiveStore,
  awsNotes,
  awsStatusStore,
  awsTables,
  pathStyleS3,
  pointSdkAtGiven,
  REGION,
} from "./aws-subjects.ts";
import { rateLimiterContract } from "./rate-limiter.ts";
import { sliceClaimsContract } from "./slice-claims.ts";
import { statusStoreContract } from "./status-store.ts";
import { tableLeasesContract } from "./table-leases.ts";
import { type TablesSubject, tablesContract } from "./tables.ts";
import { taskRegistryContract } from "./task-registry.ts";

const dynamodb = process.env["FERRY_TEST_DYNAMODB_ENDPOINT"];
const s3 = process.env["FERRY_TEST_S3_ENDPOINT"];
/** Empty where the engine has no accounts. */
const s3Owner = process.env["FERRY_TEST_S3_OWNER"] || undefined;

pointSdkAtGiven({ dynamodb, s3 });
// An engine that keeps what it holds may have that of an earlier run.
/** DynamoDB Local gives tables no ids; any other engine is held to them. */
const lacking: TablesSubject["lacks"] = process.env["FERRY_TEST_DYNAMODB_LOCAL"]
  ? { "table ids": "DynamoDB Local gives a table no id" }
  : {};
const prefix = `ferry-contract-${Date.now()}`;

if (!dynamodb)
  it.skip("any other DynamoDB: FERRY_TEST_DYNAMODB_ENDPOINT is not set (docs/engines.md; test:dynamodb-local sets it)", () => {});
else {
  answerTagsWithNone();
  tablesContract(dynamodb, async () => awsTables(`${prefix}-`, lacking));
  statusStoreContract(dynamodb, () => awsStatusStore(`${prefix}-`));
  rateLimiterContract(dynamodb, () => awsNotes(`${prefix}-limiter-`));
  tableLeasesContract(dynamodb, () => awsNotes(`${prefix}-leases-`));
  sliceClaimsContract(dynamodb, () => awsNotes(`${prefix}-claims-`));
  taskRegistryContract(dynamodb, () => awsNotes(`${prefix}-registry-`));
}

if (!s3) it.skip("any other S3: FERRY_TEST_S3_ENDPOINT is not set (docs/engines.md)", () => {});
else archiveStoreContract(s3, () => awsArchiveStore(prefix, s3Owner, pathStyleS3()));

/** DynamoDB Local has no tags and says that there is no such operation; DynamoDB always answers. */
function answerTagsWithNone(): void {
  retryingDynamodbClient(REGION).middlewareStack.add(
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
