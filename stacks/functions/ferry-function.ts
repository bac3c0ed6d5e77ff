/** The arguments that all functions of Ferry share. */
import { METRICS_NAMESPACE, resourceName } from "../naming/names.ts";
import { ownLog } from "../permissions/function-permissions.ts";
import { settings } from "../settings/stage-settings.ts";

const RETENTION = {
  1: "1 day",
  3: "3 days",
  7: "1 week",
  14: "2 weeks",
  30: "1 month",
  60: "2 months",
  90: "3 months",
  180: "6 months",
  365: "1 year",
} as const satisfies Record<typeof settings.logRetentionDays, string>;

type FunctionArgs = Pick<
  sst.aws.FunctionArgs,
  "handler" | "memory" | "timeout" | "link" | "description" | "concurrency"
> & {
  readonly environment?: Readonly<Record<string, string>>;
  readonly permissions: Parameters<typeof sst.aws.permission>[0][];
};

/** The arguments of a function whose physical name, and its role's and log group's, is `ferry-<stage>-<name>`. */
export function ferryFunction(name: string, args: FunctionArgs): sst.aws.FunctionArgs {
  return {
    ...args,
    name: resourceName(name),
    runtime: "nodejs24.x",
    architecture: "arm64",
    nodejs: { minify: true },
    // `service` is the metrics' one dimension. It contains the stage, because an account may hold several.
    environment: {
      ...args.environment,
      POWERTOOLS_SERVICE_NAME: resourceName(name),
      POWERTOOLS_METRICS_NAMESPACE: METRICS_NAMESPACE,
    },
    logging: { format: "json", retention: RETENTION[settings.logRetentionDays] },
    permissions: [...args.permissions, ownLog(resourceName(name))],
    transform: {
      role: (role) => {
        // Policies of tables and buckets in other accounts refer to the role by this name.
        role.name = resourceName(name);
        role.managedPolicyArns = [];
        // By default SST allows every principal of the account to assume the role, which only `sst dev` needs.
        if (!$dev)
          role.assumeRolePolicy = aws.iam.assumeRolePolicyForPrincipal({ Service: "lambda.amazonaws.com" });
      },
    },
  };
}
