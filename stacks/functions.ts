/** What every function of Ferry has in common. */
import { METRICS_NAMESPACE, named } from "./here.ts";
import { ownLog } from "./roles.ts";
import { settings } from "./settings.ts";

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

type FunctionArgs = Pick<sst.aws.FunctionArgs, "handler" | "memory" | "timeout" | "link" | "description"> & {
  readonly permissions: Parameters<typeof sst.aws.permission>[0][];
};

/** The arguments of a function that is called `ferry-<stage>-<name>`, as are its role and log group. */
export function ferryFunction(name: string, args: FunctionArgs): sst.aws.FunctionArgs {
  return {
    ...args,
    name: named(name),
    runtime: "nodejs24.x",
    architecture: "arm64",
    nodejs: { minify: true },
    // The metrics' one dimension, `service`: with the stage in it, since an account may hold several.
    environment: { POWERTOOLS_SERVICE_NAME: named(name), POWERTOOLS_METRICS_NAMESPACE: METRICS_NAMESPACE },
    logging: { format: "json", retention: RETENTION[settings.logRetentionDays] },
    permissions: [...args.permissions, ownLog(named(name))],
    transform: {
      // Named: other accounts' table and bucket policies name this role.
      role: (role) => {
        role.name = named(name);
        role.managedPolicyArns = [];
        // SST lets every principal of the account assume it, which only `sst dev` needs.
        if (!$dev)
          role.assumeRolePolicy = aws.iam.assumeRolePolicyForPrincipal({ Service: "lambda.amazonaws.com" });
      },
    },
  };
}
