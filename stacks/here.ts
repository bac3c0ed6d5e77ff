/** Where this stage is deployed to, and how things are named there. */
import { physicalName } from "@ferry/core/topology";

export const account = aws.getCallerIdentityOutput().accountId;
export const region = aws.getRegionOutput().region;
export const partition = aws.getPartitionOutput().partition;

type Named = Parameters<typeof physicalName>[1];

/** The stable name that other systems address. */
export const physical = (name: Named): string => physicalName($app.stage, name);

/** The same for what the topology does not know of: roles, functions, log groups, alarms. */
export const named = (name: string): string => `ferry-${$app.stage}-${name}`;

/** A name as Pulumi knows it: `backup-queue` is `BackupQueue`. */
export const logical = (name: string): string =>
  name.replace(/(?:^|[^A-Za-z0-9])([A-Za-z0-9])/g, (_, first: string) => first.toUpperCase());

/** The ARN of something here. Known before the thing exists, so that policies can name each other's subjects. */
export const arnOf = (service: string, resource: string) =>
  $interpolate`arn:${partition}:${service}:${region}:${account}:${resource}`;

/** Where the functions' own metrics are, by the dimension `service`: the function's name. */
export const METRICS_NAMESPACE = "Ferry";
