/**
 * The account's quotas that limit a task, as the caller may read them.
 */
import { DescribeLimitsCommand } from "@aws-sdk/client-dynamodb";
import { GetAccountSettingsCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { translateErrors } from "@ferry/aws/errors";
import { consumers } from "@ferry/core/topology";
import type { Stage } from "./stage.ts";

/** The most concurrent executions of Ferry's functions, if the stage's settings do not change them. */
export const CONCURRENT_MAX = Object.values(consumers).reduce(
  (sum, { maximumConcurrency }) => sum + maximumConcurrency,
  0,
);

/**
 * Lambda's quota in the stage's region: concurrent executions of all functions, and those that no function has reserved. A FerryError
 * with code `access-denied`, if the caller may not read it.
 */
export async function lambdaQuota({ access, region }: Stage) {
  const call = { operation: "GetAccountSettings", resource: `Lambda in ${region}` };
  const { AccountLimit } = await translateErrors(call, () =>
    access.client(LambdaClient, region).send(new GetAccountSettingsCommand({})),
  );
  return {
    concurrent: AccountLimit?.ConcurrentExecutions ?? 0,
    unreserved: AccountLimit?.UnreservedConcurrentExecutions ?? 0,
  };
}

/**
 * DynamoDB's quota for each table of a region: what a table without an agreed quota of its own may consume, capacity units a second. A
 * FerryError with code `access-denied`, if the caller may not read it.
 */
export async function tableQuota({ access }: Stage, region: string) {
  const call = { operation: "DescribeLimits", resource: `DynamoDB in ${region}` };
  const answer = await translateErrors(call, () =>
    access.dynamodb(region).send(new DescribeLimitsCommand({})),
  );
  return {
    readUnits: answer.TableMaxReadCapacityUnits ?? 0,
    writeUnits: answer.TableMaxWriteCapacityUnits ?? 0,
  };
}
