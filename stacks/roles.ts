/** What each worker may do: these statements are the whole of it, besides its own queue and its own log. */
import { SOURCE } from "@ferry/core/events";
import type { ConsumerName } from "@ferry/core/topology";
import { bus } from "./bus.ts";
import { account, arnOf, partition } from "./here.ts";
import { notes } from "./notes.ts";
import type { Table } from "./settings/schema.ts";
import { settings } from "./settings.ts";
import { status } from "./status.ts";

type Permission = Omit<ReturnType<typeof sst.aws.permission>, "type">;

const tableArns = (tables: readonly Table[]) =>
  tables.map((table) =>
    typeof table === "string"
      ? table
      : $interpolate`arn:${partition}:dynamodb:${table.region}:${account}:table/${table.name}`,
  );
const bucketArns = (buckets: readonly string[]) =>
  buckets.map((name) => $interpolate`arn:${partition}:s3:::${name}`);
const objectArns = (buckets: readonly string[]) =>
  buckets.map((name) => $interpolate`arn:${partition}:s3:::${name}/*`);

/** To say things on the bus, and nothing in another's name. */
const speak: Permission = {
  actions: ["events:PutEvents"],
  resources: [bus.arn],
  conditions: [{ test: "StringEquals", variable: "events:source", values: [SOURCE] }],
};

/** To claim slices and to book turns of a task's ceiling. */
const note: Permission = { actions: ["dynamodb:UpdateItem"], resources: [notes.arn] };

/** The keys of listed tables and buckets, through DynamoDB and S3 alone. */
const keys = (arns: readonly string[], actions: string[]): Permission[] =>
  arns.length === 0
    ? []
    : [
        {
          actions,
          resources: [...arns],
          conditions: [
            {
              test: "StringLike",
              variable: "kms:ViaService",
              values: ["dynamodb.*.amazonaws.com", "s3.*.amazonaws.com"],
            },
          ],
        },
      ];

const DESCRIBE = ["dynamodb:DescribeTable", "dynamodb:DescribeTimeToLive", "dynamodb:ListTagsOfResource"];

/** Reads tables; creates objects. Nothing that could change a table, or replace or delete an object. */
const backup: Permission[] = [
  { actions: ["dynamodb:Scan", ...DESCRIBE], resources: tableArns(settings.backup.tables) },
  {
    actions: ["s3:PutObject"],
    resources: objectArns(settings.backup.buckets),
    // A put without If-None-Match could overwrite: S3 refuses it to this role.
    conditions: [{ test: "Null", variable: "s3:if-none-match", values: ["false"] }],
  },
  // Its own chain: the archive is its journal.
  { actions: ["s3:GetObject"], resources: objectArns(settings.backup.buckets) },
  { actions: ["s3:ListBucket"], resources: bucketArns(settings.backup.buckets) },
  ...keys(settings.backup.kmsKeys, ["kms:Decrypt", "kms:GenerateDataKey"]),
  { actions: ["dynamodb:GetItem"], resources: [status["backup-table"].arn] },
  note,
  speak,
];

/** Reads archives; writes the tables of its own list. */
const restore: Permission[] = [
  { actions: ["s3:GetObject"], resources: objectArns(settings.restore.buckets) },
  // Without it S3 answers 403, not 404, for an object that is not there.
  { actions: ["s3:ListBucket"], resources: bucketArns(settings.restore.buckets) },
  {
    // BatchWriteItem is authorised by its own action, deletes among it. Scan: one item, to see that a table is empty.
    actions: ["dynamodb:BatchWriteItem", "dynamodb:PutItem", "dynamodb:Scan", ...DESCRIBE],
    resources: tableArns(settings.restore.tables),
  },
  ...keys(settings.restore.kmsKeys, ["kms:Decrypt"]),
  { actions: ["dynamodb:GetItem"], resources: [status["restore-table"].arn] },
  note,
  speak,
];

/** Writes the status tables, and can do nothing else at all. */
const projection: Permission[] = [
  {
    actions: ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"],
    resources: Object.values(status).map((table) => table.arn),
  },
];

export const permissions: Readonly<Record<ConsumerName, Permission[]>> = { backup, restore, projection };

/** To write a function's own log: instead of AWS's managed policy, which allows every log group of the account. */
export const ownLog = (functionName: string): Permission => ({
  actions: ["logs:CreateLogStream", "logs:PutLogEvents"],
  resources: [arnOf("logs", `log-group:/aws/lambda/${functionName}:*`)],
});
