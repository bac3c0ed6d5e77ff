/**
 * The calls of the functions' code and of AWS's services, and the statements of the functions' roles that allow them.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import type { Deployment } from "../invariants/invariant.ts";
import { creatableArns, type PolicyStatement, roleGrants } from "../invariants/policies.ts";
import { root } from "../synth/bundle.ts";

/** A use of a permission: by the function's code, or by a service on its behalf. */
export interface Use {
  /** The function's name without `ferry-STAGE-`. */
  readonly function: string;
  readonly action: string;
  /** See `kindOf`. */
  readonly resource: string;
  /** What uses it: the API call, or why a service does. */
  readonly by: string;
}

/** What one action of a role's statement allows on one kind of resource. */
export interface Allowed {
  readonly function: string;
  readonly action: string;
  readonly resource: string;
  readonly condition: PolicyStatement["Condition"];
}

/** A table that a restore may create. */
const CREATABLE = "a table with `create`";

interface AwsCall {
  readonly function: string;
  readonly service: string;
  readonly operation: string;
  readonly resource: string;
}

/** The file that packages/contracts writes. stacks/ imports only core, so it is read as a file. */
export const CALLS_FILE = "packages/contracts/src/permissions/aws-calls.json";

const PREFIXES: Readonly<Record<string, string>> = {
  DynamoDB: "dynamodb",
  EventBridge: "events",
  Pipes: "pipes",
  S3: "s3",
  SQS: "sqs",
};
/** Operations whose action has another name. Source: AWS's service authorization reference. */
const ACTIONS: Readonly<Record<string, string>> = {
  "S3 HeadObject": "s3:GetObject",
  "S3 ListObjectsV2": "s3:ListBucket",
  // Every statement that Ferry executes is an INSERT.
  "DynamoDB BatchExecuteStatement": "dynamodb:PartiQLInsert",
};

const consumers = ["backup", "restore", "projection"] as const;
const functions = [...consumers, "monitor"] as const;

/** A use of each action by each function. */
const usesOf = (names: readonly string[], actions: readonly string[], resource: string, by: string): Use[] =>
  names.flatMap((name) => actions.map((action) => ({ function: name, action, resource, by })));

/** What AWS's services do with a function's role. */
const serviceUses: readonly Use[] = [
  ...consumers.flatMap((name) =>
    usesOf(
      [name],
      ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
      `${name}-queue`,
      "Lambda's event source mapping",
    ),
  ),
  ...usesOf(
    functions,
    ["kms:Decrypt", "kms:GenerateDataKey"],
    "the stage's own key",
    "DynamoDB and SQS, for Ferry's own tables and queues",
  ),
  ...usesOf(
    functions,
    ["logs:CreateLogStream", "logs:PutLogEvents"],
    "its log group",
    "Lambda, for the function's log",
  ),
  ...usesOf(
    ["restore"],
    ["s3:ListBucket"],
    "a bucket",
    "S3, to answer 404 instead of 403 for an object that does not exist",
  ),
  ...usesOf(
    ["backup", "restore"],
    ["kms:Decrypt"],
    "a key",
    "DynamoDB and S3, for what a key of the settings encrypts",
  ),
  ...usesOf(
    ["backup"],
    ["kms:GenerateDataKey"],
    "a key",
    "S3, for objects that a key of the settings encrypts",
  ),
  ...usesOf(
    ["restore"],
    [
      "kms:CreateGrant",
      "kms:DescribeKey",
      "kms:Encrypt",
      "kms:GenerateDataKey",
      "kms:ReEncryptFrom",
      "kms:ReEncryptTo",
    ],
    "a key",
    "DynamoDB, for a new table that a key of the settings encrypts",
  ),
  ...usesOf(["restore"], ["dynamodb:TagResource"], CREATABLE, "DynamoDB, for the tag in CreateTable"),
];

/** Every use of a function's role. */
export function uses(): Use[] {
  const calls = JSON.parse(readFileSync(path.join(root, CALLS_FILE), "utf8")) as AwsCall[];
  return [
    ...calls.map(({ function: name, service, operation, resource }) => ({
      function: name,
      action: ACTIONS[`${service} ${operation}`] ?? `${PREFIXES[service]}:${operation}`,
      resource,
      by: `${service} ${operation}`,
    })),
    ...serviceUses,
  ];
}

/** What the functions' roles of a deployment allow, one entry for each action and kind of resource. */
export function allowed(deployment: Deployment): Allowed[] {
  const { stage } = deployment.graph.app;
  const all = new Map<string, Allowed>();
  const creatable = creatableArns(deployment);
  for (const { owner, statement } of roleGrants(deployment)) {
    const name = functions.find((one) => owner === `ferry-${stage}-${one}`);
    if (name === undefined) continue;
    const isOfCreatable = statement.Resource.every((arn) => creatable.has(arn));
    for (const action of statement.Action)
      for (const arn of statement.Resource) {
        const isOwnKey = arn === deployment.settings.ownKmsKey;
        const resource = isOwnKey ? "the stage's own key" : isOfCreatable ? CREATABLE : kindOf(arn, stage);
        const one = { function: name, action, resource, condition: statement.Condition };
        all.set(JSON.stringify(one), one);
      }
  }
  return [...all.values()];
}

/** Whether the statement allows the use. Conditions are not evaluated: the page lists them. */
export const isFor = (use: Use) => (one: Allowed) =>
  one.function === use.function &&
  one.action === use.action &&
  // A table that may be created may also be restored into.
  (one.resource === use.resource || (use.resource === CREATABLE && one.resource === "a table"));

/**
 * The kind of resource that an ARN names: a name of the topology, `its log group`, or what the settings list: `a table`,
 * `a bucket`, `an object`, `a key`. Throws for any other ARN.
 */
function kindOf(arn: string, stage: string): string {
  const own = arn.replace(`ferry-${stage}-`, "");
  if (arn.startsWith("arn:aws:dynamodb:")) {
    if (own === arn) return "a table";
    const [, table, index] = /:table\/([^/]+)(?:\/index\/(.+))?$/.exec(own)!;
    return index === undefined ? table! : `${table}, index ${index}`;
  }
  if (arn.startsWith("arn:aws:s3:::")) return arn.endsWith("/*") ? "an object" : "a bucket";
  if (arn.startsWith("arn:aws:kms:")) return "a key";
  if (arn.startsWith("arn:aws:pipes:")) return "a Pipe";
  if (arn.endsWith(`:event-bus/ferry-${stage}`)) return "bus";
  if (arn.startsWith("arn:aws:logs:")) return "its log group";
  const queue = /^arn:aws:sqs:.+:([^:]+)$/.exec(own)?.[1];
  if (queue === undefined) throw new Error(`a function's role names an unknown kind of resource: ${arn}`);
  return queue;
}
