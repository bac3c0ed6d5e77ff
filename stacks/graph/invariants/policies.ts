/** The IAM policies of a graph. */
import { type Deployment, ofType } from "./invariant.ts";

export interface Statement {
  readonly Effect: "Allow" | "Deny";
  readonly Principal?: Readonly<Record<string, readonly string[]>>;
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
}

/** A policy's statements, with lists also where the policy has single values. The policy is a document or its JSON. */
export function statementsOf(policy: string | { readonly Statement: unknown }): Statement[] {
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
  readonly statement: Statement;
}

/** What the roles grant. In `sst dev` SST adds two statements of its own to each function's role, which are left out. */
export const roleGrants = (deployment: Deployment): Grant[] =>
  ofType(deployment, "Role").flatMap(({ inputs }) =>
    (inputs.inlinePolicies ?? [])
      .flatMap(({ policy }: { policy: string }) => statementsOf(policy))
      .filter(
        ({ Action }: Statement) =>
          !(deployment.graph.dev && Action.length === 1 && ["appsync:*", "s3:*"].includes(Action[0]!)),
      )
      .map((statement: Statement) => ({ owner: inputs.name, statement })),
  );

/** What the policies of queues, topics and buses grant, and managed policies. */
export const policyGrants = (deployment: Deployment): Grant[] =>
  ["QueuePolicy", "TopicPolicy", "EventBusPolicy", "Policy"]
    .flatMap((type) => ofType(deployment, type))
    .flatMap(({ name, inputs }) =>
      statementsOf(inputs.policy).map((statement) => ({ owner: name, statement })),
    );
