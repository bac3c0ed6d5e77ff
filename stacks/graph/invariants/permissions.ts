/** Least privilege. */
import { SOURCE } from "@ferry/core/events/events";
import {
  type ConsumerName,
  callerTypes,
  consumers,
  physicalName,
  pipes,
  typesPutBy,
  workerTable,
} from "@ferry/core/topology";
import { type Deployment, equalAsJson, type Invariants, nameInArn, resourcesOfType } from "./invariant.ts";
import { creatableArns, type Grant, policyGrants, roleGrants, statementsOf } from "./policies.ts";

/** The resources that may end in `*`, because a narrower one is not possible. */
const WIDE_RESOURCES = [
  /^arn:aws:s3:::[^*/]+\/\*$/, // the objects of a listed bucket: archives have keys of any name
  /^arn:aws:logs:.+:log-group:\/aws\/lambda\/[^*]+:\*$/, // the streams of a function's own log group
  /^arn:aws:dynamodb:.+:table\/[^*]+\/stream\/\*$/, // AWS authorises ListStreams on all streams of a table
];

const isWorkerTable = ({ graph }: Deployment, arn: string) =>
  arn.endsWith(`:table/${physicalName(graph.app.stage, workerTable.name)}`);

/** Actions on tables themselves, and not on their items. */
const CHANGES_TABLES =
  /^dynamodb:(Create|Delete(?!Item)|Update(?!Item)|Put(?!Item)|Restore|Import|Enable|Disable|TagResource|UntagResource)/;

/** The types that each role may put, by the role's name without the stage's. */
const typesOfRole: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries((Object.keys(consumers) as ConsumerName[]).map((name) => [name, typesPutBy(name)])),
  ...Object.fromEntries(Object.entries(pipes).map(([key, { types }]) => [`${key}-pipe`, types])),
  schedules: ["TaskRequested"],
};

export const permissionInvariants: Invariants = {
  "no-wildcards": {
    reason: "A wildcard grants permissions that were not reviewed, and those that AWS adds later.",
    *violations(deployment) {
      for (const { owner, statement } of [...roleGrants(deployment), ...policyGrants(deployment)]) {
        for (const action of statement.Action)
          if (action.includes("*")) yield `${owner} allows the action ${action}`;
        for (const resource of statement.Resource)
          if (resource.includes("*") && !WIDE_RESOURCES.some((wide) => wide.test(resource)))
            yield `${owner} allows the resource ${resource}`;
      }
    },
  },
  "statements-name-resources": {
    reason:
      "IAM refuses a statement without a resource, in the middle of a deploy. A list of the settings may be empty.",
    *violations(deployment) {
      for (const { owner, statement } of [...roleGrants(deployment), ...policyGrants(deployment)])
        if (statement.Resource.length === 0)
          yield `${owner} allows ${statement.Action.join(", ")} on no resource`;
    },
  },
  "backup-only-creates": {
    reason:
      "A bug in the backup worker must not be able to change a table, or to replace or delete an archive.",
    *violations(deployment) {
      for (const { owner, statement } of roleGrants(deployment)) {
        if (owner !== `ferry-${deployment.graph.app.stage}-backup`) continue;
        const { Action, Resource, Condition } = statement;
        for (const action of Action) {
          if (/^s3:(?!PutObject$|Get|List)/.test(action))
            yield `the backup role allows ${action}, but may only create and read objects`;
          if (action === "s3:PutObject" && !equalAsJson(Condition?.["Null"]?.["s3:if-none-match"], ["false"]))
            yield "the backup role allows s3:PutObject without If-None-Match";
          const isWrite = /^dynamodb:(?!Scan$|Get|Describe|List|Query)/.test(action);
          if (isWrite && !Resource.every((arn) => isWorkerTable(deployment, arn)))
            yield `the backup role allows ${action} on ${Resource.join(", ")}`;
        }
      }
    },
  },
  "only-listed-tables-are-created": {
    reason:
      "A restore must not be able to create a table, or to change a table's settings, unless the stage lists the table with create.",
    *violations(deployment) {
      const creatable = creatableArns(deployment);
      for (const { owner, statement } of roleGrants(deployment))
        for (const action of statement.Action)
          if (CHANGES_TABLES.test(action) && !statement.Resource.every((arn) => creatable.has(arn)))
            yield `${owner} allows ${action} on ${statement.Resource.join(", ")}`;
    },
  },
  "only-ferry-puts-facts": {
    reason:
      "A forged fact changes rows and starts work. Each of Ferry's roles puts its own types with Ferry's source; callers put requests.",
    *violations(deployment) {
      const { stage } = deployment.graph.app;
      const puts = ({ statement }: Grant) => statement.Action.includes("events:PutEvents");
      const roles = roleGrants(deployment).filter(puts);
      const others = policyGrants(deployment).filter(puts);
      const equals = ({ statement }: Grant) => statement.Condition?.["StringEquals"] ?? {};
      const exempt = others
        .filter(
          (grant) =>
            grant.statement.Effect === "Deny" && equalAsJson(equals(grant)["events:source"], [SOURCE]),
        )
        .flatMap(({ statement }) => statement.Condition?.["ArnNotEquals"]?.["aws:PrincipalArn"] ?? []);
      for (const grant of roles) {
        const types = typesOfRole[grant.owner.replace(`ferry-${stage}-`, "")];
        if (!equalAsJson(equals(grant), { "events:source": [SOURCE], "events:detail-type": types }))
          yield `the role ${grant.owner} may put events of other types, or with another source`;
      }
      for (const grant of others)
        if (
          grant.statement.Effect === "Allow" &&
          !equalAsJson(equals(grant)["events:detail-type"], [...callerTypes])
        )
          yield `${grant.owner} allows events:PutEvents for events that look like facts`;
      const owners = roles.map(({ owner }) => owner);
      if (!equalAsJson(exempt.map((arn) => arn.split("/")[1]).sort(), owners.toSorted()))
        yield `the bus denies Ferry's source to all but ${exempt.join(", ") || "nothing"}; the roles that put events are ${owners.join(", ")}`;
    },
  },
  "queues-take-no-others-dead-letters": {
    reason:
      "Every queue of the account may name a queue as its dead-letter queue, unless that queue says otherwise. Its messages would be read as Ferry's.",
    *violations(deployment) {
      const queues = resourcesOfType(deployment, "Queue");
      const target = (redrivePolicy?: string) =>
        nameInArn(JSON.parse(redrivePolicy ?? "{}").deadLetterTargetArn ?? "");
      for (const { inputs } of queues) {
        const sources = queues.filter((one) => target(one.inputs.redrivePolicy) === inputs.name);
        const { redrivePermission, sourceQueueArns = [] } = JSON.parse(inputs.redriveAllowPolicy ?? "{}");
        if (
          redrivePermission !== (sources.length === 0 ? "denyAll" : "byQueue") ||
          !equalAsJson(sourceQueueArns.map(nameInArn).sort(), sources.map((one) => one.inputs.name).sort())
        )
          yield `${inputs.name} takes dead letters of other queues (${redrivePermission ?? "every queue"})`;
      }
    },
  },
  "principals-are-bound": {
    reason:
      "A service that acts for another account's resource, or an account that the settings do not name, must have no access.",
    *violations(deployment) {
      const { graph, settings } = deployment;
      const callers = settings.callerAccounts.map((id) => `arn:aws:iam::${id}:root`);
      const roles = resourcesOfType(deployment, "Role").flatMap(({ inputs }) =>
        statementsOf(inputs.assumeRolePolicy).map((statement) => ({ owner: inputs.name, statement })),
      );
      const allowed = policyGrants(deployment).filter(({ statement }) => statement.Effect === "Allow");
      for (const { owner, statement } of [...allowed, ...roles])
        for (const [type, principals] of Object.entries(statement.Principal ?? {})) {
          const isRole = statement.Action.includes("sts:AssumeRole");
          const names = principals.join(", ");
          if (type === "Service") {
            const isBound = statement.Condition?.["StringEquals"]?.["aws:SourceAccount"]?.length === 1;
            // Lambda sends no source account when it assumes a function's role; only a function of this account can name it.
            const isLambda = isRole && equalAsJson(principals, ["lambda.amazonaws.com"]);
            if (!isBound && !isLambda) yield `${owner} admits ${names} for any account`;
          } else if (isRole) {
            // In `sst dev` the developer's machine assumes the functions' roles.
            if (!graph.dev) yield `${owner} can be assumed by ${names}`;
          } else if (!equalAsJson(principals, callers)) yield `${owner} admits ${names}`;
        }
    },
  },
};
