/** IAM policies as the checks read them. */
import { type Deployment, ofType } from "./check.ts";

export interface Statement {
  readonly Sid?: string;
  readonly Effect: "Allow" | "Deny";
  readonly Principal?: Readonly<Record<string, readonly string[]>>;
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
}

/** A policy's statements, lists where IAM also takes single values. The policy is a document or its JSON. */
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

/** What one role may do. */
export interface Role {
  readonly name: string;
  readonly statements: readonly Statement[];
  readonly managed: readonly string[];
  readonly trust: readonly Statement[];
}

export function rolesOf(deployment: Deployment): Role[] {
  return ofType(deployment, "Role").map(({ inputs }) => ({
    name: inputs.name,
    statements: (inputs.inlinePolicies ?? []).flatMap(({ policy }: { policy: string }) =>
      statementsOf(policy),
    ),
    managed: inputs.managedPolicyArns ?? [],
    trust: statementsOf(inputs.assumeRolePolicy),
  }));
}

/** What a role, a queue, a bus or a managed policy grants, wherever it is written. */
export function everyStatement(
  deployment: Deployment,
): { readonly where: string; readonly statement: Statement }[] {
  const documents = [
    ...ofType(deployment, "QueuePolicy"),
    ...ofType(deployment, "TopicPolicy"),
    ...ofType(deployment, "EventBusPolicy"),
    ...ofType(deployment, "Policy"),
  ].flatMap(({ name, inputs }) =>
    statementsOf(inputs.policy).map((statement) => ({ where: name, statement })),
  );
  const roles = rolesOf(deployment).flatMap(({ name, statements }) =>
    statements.map((statement) => ({ where: name, statement })),
  );
  return [...documents, ...roles];
}
