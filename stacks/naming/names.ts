/** The names of a stage's resources. */
import { physicalName } from "@ferry/core/topology";

export type TopologyName = Parameters<typeof physicalName>[1];

/** The physical name of a resource of the topology. It is stable, so that other systems can address it. */
export const physicalNameOf = (name: TopologyName): string => physicalName($app.stage, name);

/** The physical name of a resource that is not in the topology: a role, a function, a log group, an alarm. */
export const resourceName = (name: string): string => `ferry-${$app.stage}-${name}`;

/** The logical name, by which Pulumi identifies a resource: `backup-queue` becomes `BackupQueue`. */
export const logicalNameOf = (name: string): string =>
  name.replace(/(?:^|[^A-Za-z0-9])([A-Za-z0-9])/g, (_, first: string) => first.toUpperCase());

/**
 * The CloudWatch namespace of the metrics that the functions publish. Their only dimension is `service`, the function's
 * name.
 */
export const METRICS_NAMESPACE = "Ferry";
