/** Least privilege. */
import { SOURCE } from "@ferry/core/events";
import { callerTypes, physicalName, workerTable } from "@ferry/core/topology";
import {
  type Deployment,
  equalAsJson,
  type Invariant,
  resourcesOfType,
  violationUnless,
} from "./invariant.ts";
import { policyGrants, roleGrants, statementsOf } from "./policies.ts";

/** The resources that may end in `*`, because a narrower one is not possible. */
const WIDE_RESOURCES = [
  /^arn:aws:s3:::[^*/]+\/\*$/, // the objects of a listed bucket: archives have keys of any name
  /^arn:aws:logs:.+:log-group:\/aws\/lambda\/[^*]+:\*$/, // the streams of a function's own log group
  /^arn:aws:dynamodb:.+:table\/[^*]+\/stream\/\*$/, // AWS authorises ListStreams on all streams of a table
];

const noWildcards: Invariant = {
  name: "no-wildcards",
  reason: "A wildcard grants permissions that were not reviewed, and those that AWS adds later.",
  violations: (deployment) =>
    [...roleGrants(deployment), ...policyGrants(deployment)].flatMap(({ owner, statement }) => [
      ...statement.Action.filter((action) => action.includes("*")).map(
        (action) => `${owner} allows the action ${action}`,
      ),
      ...statement.Resource.filter(
        (resource) => resource.includes("*") && !WIDE_RESOURCES.some((wide) => wide.test(resource)),
      ).map((resource) => `${owner} allows the resource ${resource}`),
    ]),
};

const isWorkerTable = ({ graph }: Deployment, arn: string) =>
  arn.endsWith(`:table/${physicalName(graph.app.stage, workerTable.name)}`);

const backupOnlyCreates: Invariant = {
  name: "backup-only-creates",
  reason:
    "A bug in the backup worker must not be able to change a table, or to replace or delete an archive.",
  violations: (deployment) =>
    roleGrants(deployment)
      .filter(({ owner }) => owner === `ferry-${deployment.graph.app.stage}-backup`)
      .flatMap(({ statement }) =>
        statement.Action.flatMap((action) => [
          ...violationUnless(
            !/^s3:(?!PutObject$|Get|List)/.test(action),
            `the backup role allows ${action}, but may only create and read objects`,
          ),
          ...violationUnless(
            action !== "s3:PutObject" ||
              equalAsJson(statement.Condition?.["Null"]?.["s3:if-none-match"], ["false"]),
            "the backup role allows s3:PutObject without If-None-Match",
          ),
          ...violationUnless(
            !/^dynamodb:(?!Scan$|Get|Describe|List|Query)/.test(action) ||
              statement.Resource.every((arn) => isWorkerTable(deployment, arn)),
            `the backup role allows ${action} on ${statement.Resource.join(", ")}`,
          ),
        ]),
      ),
};

const onlyFerryPutsFacts: Invariant = {
  name: "only-ferry-puts-facts",
  reason:
    "A forged fact changes rows and starts work, so only Ferry's roles put events with its source; callers put requests.",
  violations: (deployment) =>
    [
      ...roleGrants(deployment).map((grant) => ({ ...grant, isRole: true })),
      ...policyGrants(deployment).map((grant) => ({ ...grant, isRole: false })),
    ]
      .filter(({ statement }) => statement.Action.includes("events:PutEvents"))
      .flatMap(({ owner, statement, isRole }) => {
        const equals = statement.Condition?.["StringEquals"] ?? {};
        return violationUnless(
          isRole
            ? equalAsJson(equals["events:source"], [SOURCE])
            : equalAsJson(equals["events:detail-type"], [...callerTypes]),
          `${owner} allows events:PutEvents for events that look like facts`,
        );
      }),
};

const principalsAreBound: Invariant = {
  name: "principals-are-bound",
  reason:
    "A service that acts for another account's resource, or an account that the settings do not name, must have no access.",
  violations: (deployment) => {
    const { graph, settings } = deployment;
    const callers = settings.callerAccounts.map((id) => `arn:aws:iam::${id}:root`);
    const roles = resourcesOfType(deployment, "Role").flatMap(({ inputs }) =>
      statementsOf(inputs.assumeRolePolicy).map((statement) => ({ owner: inputs.name, statement })),
    );
    return [...policyGrants(deployment), ...roles].flatMap(({ owner, statement }) =>
      Object.entries(statement.Principal ?? {}).flatMap(([type, principals]) => {
        const isRole = statement.Action.includes("sts:AssumeRole");
        if (type === "Service") {
          const isBound = statement.Condition?.["StringEquals"]?.["aws:SourceAccount"]?.length === 1;
          // Lambda sends no source account when it assumes a function's role; only a function of this account can name it.
          const isLambda = isRole && equalAsJson(principals, ["lambda.amazonaws.com"]);
          return violationUnless(
            isBound || isLambda,
            `${owner} admits ${principals.join(", ")} for any account`,
          );
        }
        // In `sst dev` the developer's machine assumes the functions' roles.
        if (isRole) return violationUnless(graph.dev, `${owner} can be assumed by ${principals.join(", ")}`);
        return violationUnless(equalAsJson(principals, callers), `${owner} admits ${principals.join(", ")}`);
      }),
    );
  },
};

export const permissionInvariants: readonly Invariant[] = [
  noWildcards,
  backupOnlyCreates,
  onlyFerryPutsFacts,
  principalsAreBound,
];
