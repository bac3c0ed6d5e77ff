/**
 * The suites of the AWS hosts on the engines that the environment names: DynamoDB Local, which
 * `npm run test:dynamodb-local --workspace packages/contracts` starts, any other, or AWS itself. See docs/engines.md.
 */
import { it } from "vitest";
import { archiveStoreContract } from "./archive-store.ts";
import {
  awsArchiveStore,
  awsStatusStore,
  awsTableAdmin,
  awsTables,
  awsWorkerTable,
  pathStyleS3,
  pointSdkAtGiven,
} from "./aws-subjects.ts";
import { lastErrorsContract } from "./last-errors.ts";
import { rateLimiterContract } from "./rate-limiter.ts";
import { rowSearchContract } from "./row-search.ts";
import { sliceClaimsContract } from "./slice-claims.ts";
import { statusStoreContract } from "./status-store.ts";
import { tableAdminContract } from "./table-admin.ts";
import { tableLeasesContract } from "./table-leases.ts";
import { type TablesSubject, tablesContract } from "./tables.ts";
import { taskRegistryContract } from "./task-registry.ts";

const dynamodb = process.env["FERRY_TEST_DYNAMODB_ENDPOINT"];
const s3 = process.env["FERRY_TEST_S3_ENDPOINT"];
/** Empty if the engine has no accounts. */
const s3Owner = process.env["FERRY_TEST_S3_OWNER"] || undefined;

pointSdkAtGiven({ dynamodb, s3 });
/** DynamoDB Local has no table ids; every other engine must have them. */
const lacking: TablesSubject["lacks"] = process.env["FERRY_TEST_DYNAMODB_LOCAL"]
  ? { "table ids": "DynamoDB Local has no table ids" }
  : {};
/** Unique, since an engine may still hold resources of earlier runs. */
const prefix = `ferry-contract-${Date.now()}`;

if (!dynamodb)
  it.skip("other DynamoDB engines: FERRY_TEST_DYNAMODB_ENDPOINT is not set (docs/engines.md; test:dynamodb-local sets it)", () => {});
else {
  tablesContract(dynamodb, async () => awsTables(`${prefix}-`, lacking));
  // DynamoDB Local has no tags.
  if (!process.env["FERRY_TEST_DYNAMODB_LOCAL"])
    tableAdminContract(dynamodb, async () => awsTableAdmin(`${prefix}-`));
  statusStoreContract(dynamodb, () => awsStatusStore(`${prefix}-`));
  rowSearchContract(dynamodb, () => awsStatusStore(`${prefix}-search-`));
  lastErrorsContract(dynamodb, () => awsWorkerTable(`${prefix}-errors-`));
  rateLimiterContract(dynamodb, () => awsWorkerTable(`${prefix}-limiter-`));
  tableLeasesContract(dynamodb, () => awsWorkerTable(`${prefix}-leases-`));
  sliceClaimsContract(dynamodb, () => awsWorkerTable(`${prefix}-claims-`));
  taskRegistryContract(dynamodb, () => awsWorkerTable(`${prefix}-registry-`));
}

if (!s3) it.skip("other S3 engines: FERRY_TEST_S3_ENDPOINT is not set (docs/engines.md)", () => {});
else archiveStoreContract(s3, () => awsArchiveStore(prefix, s3Owner, pathStyleS3()));
