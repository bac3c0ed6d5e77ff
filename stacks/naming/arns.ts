/** The account and region that the stage is deployed to, and ARNs in it. */
import type { Table } from "../settings/schema.ts";

export const account = aws.getCallerIdentityOutput().accountId;
export const region = aws.getRegionOutput().region;
const partition = aws.getPartitionOutput().partition;

/**
 * The ARN of a resource of this stage. It is known before the resource exists, so that policies can refer to each other's
 * resources.
 */
export const arnOf = (service: string, resource: string) =>
  $interpolate`arn:${partition}:${service}:${region}:${account}:${resource}`;

/** The ARN of a role of this account, before the role exists. */
export const roleArn = (name: string) => $interpolate`arn:${partition}:iam::${account}:role/${name}`;

/** The ARNs of tables that the settings list. Another account's table is listed by its ARN. */
export const tableArns = (tables: readonly Table[]) =>
  tables.map((table) =>
    typeof table === "string"
      ? table
      : $interpolate`arn:${partition}:dynamodb:${table.region}:${account}:table/${table.name}`,
  );
export const bucketArns = (buckets: readonly string[]) =>
  buckets.map((name) => $interpolate`arn:${partition}:s3:::${name}`);
export const objectArns = (buckets: readonly string[]) =>
  buckets.map((name) => $interpolate`arn:${partition}:s3:::${name}/*`);

/** The root of other accounts. As a principal it includes every role of the account whose own policies allow the action. */
export const accountRoots = (ids: readonly string[]) =>
  ids.map((id) => $interpolate`arn:${partition}:iam::${id}:root`);
