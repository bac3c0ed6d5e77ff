/** The IAM policies of a graph. */
import { type Deployment, resourcesOfType } from "./invariant.ts";

export interface PolicyStatement {
  readonly Effect: "Allow" | "Deny";
  readonly Principal?: Readonly<Record<string, readonly string[]>>;
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
}

/** A policy's statements, with single values as lists. The policy is a document or its JSON. */
export function statementsOf(policy: string | { readonly Statement: unknown }): PolicyStatement[] {
  const list = (value: unknown) => (Array.isArray(value) ? value : value === undefined ? [] : [value]);
  return list((typeof policy === "string" ? JSON.parse(policy) : policy).Statement).map((statement) => ({
    ...statement,
    Action: list(statement.Action),
    Resource: list(statement.Resource),
    ...(statement.Principal !== undefined && {
      Principal: Object.fromEntries(
        Object.entries(statement.Principal).map(([type, value]) => [type, list(value)]),
      ),
    }),
  }));
}

/** A statement, and the physical name of the role, or the logical name of the policy, that contains it. */
export interface Grant {
  readonly owner: string;
  readonly statement: PolicyStatement;
}

/** The grants of the roles. In `sst dev` SST adds two statements to each function's role, which are left out. */
export const roleGrants = (deployment: Deployment): Grant[] =>
  resourcesOfType(deployment, "Role").flatMap(({ inputs }) =>
    (inputs.inlinePolicies ?? [])
      .flatMap(({ policy }: { policy: string }) => statementsOf(policy))
      .filter(
        ({ Action }: PolicyStatement) =>
          !(deployment.graph.dev && Action.length === 1 && ["appsync:*", "s3:*"].includes(Action[0]!)),
      )
      .map((statement: PolicyStatement) => ({ owner: inputs.name, statement })),
  );

/** The grants of the policies of queues, topics and buses, and of managed policies. */
export const policyGrants = (deployment: Deployment): Grant[] =>
  ["QueuePolicy", "TopicPolicy", "EventBusPolicy", "Policy"]
    .flatMap((type) => resourcesOfType(deployment, type))
    .flatMap(({ name, inputs }) =>
      statementsOf(inputs.policy).map((statement) => ({ owner: name, statement })),
    );

/** The ARNs of the tables that a restore may create. */
export function creatableArns({ settings }: Deployment): ReadonlySet<string> {
  return new Set(
    settings.restore.tables.flatMap((table) =>
      typeof table !== "string" && table.create
        ? [`arn:aws:dynamodb:${table.region}:${settings.account}:table/${table.name}`]
        : [],
    ),
  );
}
