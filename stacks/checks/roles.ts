/** Least privilege, from both sides: nothing beyond what is written down, and some things in no case. */
import { callerTypes, physicalName, workerTable } from "@ferry/core/topology";
import { ACCOUNT, REGION } from "../../tools/synth/mocks.ts";
import { type Check, type Deployment, differences, ofType, same, unless } from "./check.ts";
import { expectedGrants, grantsOf } from "./grants.ts";
import { everyStatement, rolesOf, statementsOf } from "./policies.ts";

/** Where a resource ends in `*`, and why nothing narrower would do. Every other one is a broken promise. */
export const WIDE_RESOURCES: readonly { readonly resource: RegExp; readonly why: string }[] = [
  {
    resource: /^arn:aws:s3:::[^*/]+\/\*$/,
    why: "the objects of one listed bucket: their keys are the archives'",
  },
  {
    resource: /^arn:aws:logs:.+:log-group:\/aws\/lambda\/[^*]+:\*$/,
    why: "the streams of one function's own log group",
  },
  {
    resource: /^arn:aws:dynamodb:.+:table\/[^*]+\/stream\/\*$/,
    why: "ListStreams is authorised on the table's streams, not on one",
  },
];

/** What SST itself grants every function in `sst dev`, so that it can reach the developer's machine. */
const DEV_ACTIONS = new Set(["appsync:*", "s3:*"]);
const isDevGrant = (deployment: Deployment, actions: readonly string[]) =>
  deployment.dev && actions.length === 1 && DEV_ACTIONS.has(actions[0]!);

const noActionIsWild: Check = {
  name: "no-action-is-wild",
  broken: (deployment) =>
    everyStatement(deployment)
      .filter(({ statement }) => statement.Effect === "Allow" && !isDevGrant(deployment, statement.Action))
      .flatMap(({ where, statement }) =>
        statement.Action.filter((action) => action.includes("*")).map(
          (action) => `${where} allows ${action}`,
        ),
      ),
};

const noResourceIsWild: Check = {
  name: "no-resource-is-wild",
  broken: (deployment) =>
    everyStatement(deployment)
      .filter(({ statement }) => statement.Effect === "Allow" && !isDevGrant(deployment, statement.Action))
      .flatMap(({ where, statement }) =>
        statement.Resource.filter(
          (resource) =>
            resource.includes("*") && !WIDE_RESOURCES.some((wide) => wide.resource.test(resource)),
        ).map((resource) => `${where} allows ${statement.Action.join(", ")} on ${resource}`),
      ),
};

const rolesMayWhatIsWritten: Check = {
  name: "roles-may-what-is-written",
  broken: (deployment) => {
    const expected = expectedGrants(deployment);
    const found = rolesOf(deployment);
    return [
      ...differences(
        "role",
        [...expected.keys()],
        found.map((role) => role.name),
      ),
      ...found.flatMap((role) => {
        const statements = role.statements.filter((statement) => !isDevGrant(deployment, statement.Action));
        return [
          ...differences(`${role.name}'s grant`, expected.get(role.name) ?? [], grantsOf(statements)),
          ...role.managed.map((arn) => `${role.name} has the managed policy ${arn}`),
        ];
      }),
    ];
  },
};

const workerTableArn = ({ stage }: Deployment) =>
  `arn:aws:dynamodb:${REGION}:${ACCOUNT}:table/${physicalName(stage, workerTable.name)}`;

const backupOnlyCreates: Check = {
  name: "backup-only-creates",
  broken: (deployment) =>
    rolesOf(deployment)
      .filter((role) => role.name === `ferry-${deployment.stage}-backup`)
      .flatMap((role) => role.statements)
      .filter((statement) => !isDevGrant(deployment, statement.Action))
      .flatMap((statement) =>
        statement.Action.flatMap((action) => [
          ...unless(
            !/^s3:(Delete|Put(?!Object$)|Replicate|Restore|\*)/.test(action),
            `the backup role may ${action}`,
          ),
          // Its notes are all that it writes to any table.
          ...unless(
            !/^dynamodb:(Put|Update|Delete|BatchWrite|Create|\*)/.test(action) ||
              (action === "dynamodb:UpdateItem" && same(statement.Resource, [workerTableArn(deployment)])),
            `the backup role may ${action} on ${statement.Resource}`,
          ),
          ...unless(
            action !== "s3:PutObject" || same(statement.Condition?.["Null"]?.["s3:if-none-match"], ["false"]),
            "the backup role may overwrite objects",
          ),
        ]),
      ),
};

/** Whoever speaks on the bus does so in Ferry's name, or may only ask. */
const onlyFerrySpeaksFacts: Check = {
  name: "only-ferry-speaks-facts",
  broken: (deployment) => {
    const policies = everyStatement(deployment).filter(({ statement }) =>
      statement.Action.includes("events:PutEvents"),
    );
    return policies.flatMap(({ where, statement }) => {
      const equals = statement.Condition?.["StringEquals"] ?? {};
      const isRole = where.startsWith(`ferry-${deployment.stage}-`);
      return unless(
        isRole
          ? same(equals["events:source"], ["ferry"])
          : same(equals["events:detail-type"], [...callerTypes]),
        `${where} may put events that look like a fact`,
      );
    });
  },
};

const callersMayOnlyAsk: Check = {
  name: "callers-may-only-ask",
  broken: (deployment) => {
    const { stage } = deployment;
    const policy = ofType(deployment, "Policy").find(
      ({ inputs }) => inputs.name === `ferry-${stage}-callers`,
    );
    if (policy === undefined) return ["there is no managed policy for callers"];
    return differences(
      "the callers' action",
      ["events:PutEvents", "sqs:SendMessage", "sqs:GetQueueUrl"],
      statementsOf(policy.inputs.policy).flatMap((statement) => statement.Action),
    ).concat(
      statementsOf(policy.inputs.policy)
        .flatMap((statement) => statement.Resource)
        .filter(
          (resource) =>
            !resource.endsWith(`:event-bus/${physicalName(stage, "bus")}`) &&
            !resource.endsWith(`:${physicalName(stage, "request-queue")}`),
        )
        .map((resource) => `callers may reach ${resource}`),
    );
  },
};

/** Who else is let in by a bus's, a queue's or a topic's own policy: the accounts that the settings name. */
const onlyNamedAccountsAreAdmitted: Check = {
  name: "only-named-accounts-are-admitted",
  broken: (deployment) => {
    const { stage, settings } = deployment;
    const named = settings.callerAccounts.map((id) => `arn:aws:iam::${id}:root`);
    const doors = [
      `arn:aws:events:${REGION}:${ACCOUNT}:event-bus/${physicalName(stage, "bus")}`,
      `arn:aws:sqs:${REGION}:${ACCOUNT}:${physicalName(stage, "request-queue")}`,
    ];
    const open = everyStatement(deployment).filter(({ statement: { Principal = {} } }) =>
      Object.keys(Principal).some((type) => type !== "Service"),
    );
    return [
      ...differences(
        "other accounts' door",
        named.length === 0 ? [] : doors,
        open.flatMap(({ statement }) => statement.Resource),
      ),
      ...open.flatMap(({ where, statement: { Principal } }) =>
        unless(same(Principal, { AWS: named }), `${where} admits ${JSON.stringify(Principal)}`),
      ),
    ];
  },
};

/** What uses a service role: the Pipe of the same name, or the stage's schedules. */
const userOf = ({ stage }: Deployment, role: string) =>
  role.endsWith("-pipe")
    ? `arn:aws:pipes:${REGION}:${ACCOUNT}:pipe/${role.slice(0, -"-pipe".length)}`
    : `arn:aws:scheduler:${REGION}:${ACCOUNT}:schedule-group/ferry-${stage}`;

const rolesTrustOneService: Check = {
  name: "roles-trust-one-service",
  broken: (deployment) =>
    rolesOf(deployment).flatMap((role) =>
      role.trust.flatMap((statement) => {
        const services = statement.Principal?.["Service"] ?? [];
        const others = Object.keys(statement.Principal ?? {}).filter((type) => type !== "Service");
        const bound = same(statement.Condition?.["ArnEquals"]?.["aws:SourceArn"], [
          userOf(deployment, role.name),
        ]);
        return [
          ...unless(services.length === 1, `${role.name} trusts ${services.join(", ") || "no service"}`),
          // In dev the handler on the developer's machine takes the function's role.
          ...unless(
            others.length === 0 || deployment.dev,
            `${role.name} may be assumed by ${others.join(", ")}`,
          ),
          ...unless(
            services[0] === "lambda.amazonaws.com" || bound,
            `${role.name} may be used by another Pipe or schedule than its own, or not by that`,
          ),
        ];
      }),
    ),
};

export const roleChecks: readonly Check[] = [
  noActionIsWild,
  noResourceIsWild,
  rolesMayWhatIsWritten,
  backupOnlyCreates,
  onlyFerrySpeaksFacts,
  callersMayOnlyAsk,
  onlyNamedAccountsAreAdmitted,
  rolesTrustOneService,
];
