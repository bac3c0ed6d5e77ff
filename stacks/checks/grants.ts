/**
 * Who may do what: every role of the graph, grant by grant, written down a second time. A permission that is added in
 * the stacks alone is found here.
 */
import { physicalName, pipes as pipeSpecs, type TableName, tables, workerTable } from "@ferry/core/topology";
import { ACCOUNT, REGION } from "../../tools/synth/mocks.ts";
import type { Table } from "../settings/schema.ts";
import type { Deployment } from "./check.ts";
import type { Statement } from "./policies.ts";

type Named = Parameters<typeof physicalName>[1];

/** One action on one resource, and under which condition. */
export const grantsOf = (statements: readonly Statement[]): string[] =>
  statements.flatMap((statement) =>
    statement.Action.flatMap((action) =>
      statement.Resource.map((resource) => grant(action, resource, statement.Condition)),
    ),
  );

const grant = (action: string, resource: string, condition?: Statement["Condition"]) =>
  `${action} on ${resource}${condition === undefined ? "" : ` if ${JSON.stringify(condition)}`}`;

const each = (actions: readonly string[], resources: readonly string[], condition?: Statement["Condition"]) =>
  actions.flatMap((action) => resources.map((resource) => grant(action, resource, condition)));

const arn = (service: string, rest: string) => `arn:aws:${service}:${REGION}:${ACCOUNT}:${rest}`;
const tableArn = (table: Table) =>
  typeof table === "string" ? table : `arn:aws:dynamodb:${table.region}:${ACCOUNT}:table/${table.name}`;
const VIA = { StringLike: { "kms:ViaService": ["dynamodb.*.amazonaws.com", "s3.*.amazonaws.com"] } };
const DESCRIBE = ["dynamodb:DescribeTable", "dynamodb:DescribeTimeToLive", "dynamodb:ListTagsOfResource"];
const CONSUME = [
  "ChangeMessageVisibility",
  "DeleteMessage",
  "GetQueueAttributes",
  "GetQueueUrl",
  "ReceiveMessage",
];

/** Every role by its name, and all that it may do. */
export function expectedGrants({ stage, settings }: Deployment): ReadonlyMap<string, readonly string[]> {
  const queue = (name: Named) => arn("sqs", physicalName(stage, name));
  const table = (name: TableName) => arn("dynamodb", `table/${physicalName(stage, name)}`);
  const bus = arn("events", `event-bus/${physicalName(stage, "bus")}`);
  const speak = each(["events:PutEvents"], [bus], { StringEquals: { "events:source": ["ferry"] } });
  const note = each(
    ["dynamodb:UpdateItem"],
    [arn("dynamodb", `table/${physicalName(stage, workerTable.name)}`)],
  );
  const log = (name: string) =>
    each(
      ["logs:CreateLogStream", "logs:PutLogEvents"],
      [arn("logs", `log-group:/aws/lambda/ferry-${stage}-${name}:*`)],
    );
  const consume = (name: Named) =>
    each(
      CONSUME.map((action) => `sqs:${action}`),
      [queue(name)],
    );
  const buckets = (names: readonly string[]) => names.map((name) => `arn:aws:s3:::${name}`);
  const objects = (names: readonly string[]) => names.map((name) => `arn:aws:s3:::${name}/*`);
  const { backup, restore } = settings;

  const roles = new Map<string, string[]>([
    [
      "backup",
      [
        ...consume("backup-queue"),
        ...each(["dynamodb:Scan", ...DESCRIBE], backup.tables.map(tableArn)),
        ...each(["s3:PutObject"], objects(backup.buckets), { Null: { "s3:if-none-match": ["false"] } }),
        ...each(["s3:GetObject"], objects(backup.buckets)),
        ...each(["s3:ListBucket"], buckets(backup.buckets)),
        ...each(["kms:Decrypt", "kms:GenerateDataKey"], backup.kmsKeys, VIA),
        ...each(["dynamodb:GetItem"], [table("backup-table")]),
        ...note,
        ...speak,
        ...log("backup"),
      ],
    ],
    [
      "restore",
      [
        ...consume("restore-queue"),
        ...each(["s3:GetObject"], objects(restore.buckets)),
        ...each(["s3:ListBucket"], buckets(restore.buckets)),
        ...each(
          ["dynamodb:BatchWriteItem", "dynamodb:PutItem", "dynamodb:Scan", ...DESCRIBE],
          restore.tables.map(tableArn),
        ),
        ...each(["kms:Decrypt"], restore.kmsKeys, VIA),
        ...each(["dynamodb:GetItem"], [table("restore-table")]),
        ...note,
        ...speak,
        ...log("restore"),
      ],
    ],
    [
      "projection",
      [
        ...consume("projection-queue"),
        ...each(
          ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"],
          (Object.keys(tables) as TableName[]).map(table),
        ),
        ...log("projection"),
      ],
    ],
    [
      "watch",
      [
        ...each(
          ["dynamodb:Query"],
          [
            `${table("backup-table")}/index/by-state`,
            `${table("restore-table")}/index/by-state`,
            table("segment-table"),
          ],
        ),
        ...each(["dynamodb:GetItem"], [table("backup-table"), table("restore-table")]),
        ...each(
          ["pipes:DescribePipe"],
          Object.keys(pipeSpecs).map((key) => arn("pipes", `pipe/ferry-${stage}-${key}`)),
        ),
        ...log("watch"),
      ],
    ],
    ["watch-schedule", each(["lambda:InvokeFunction"], [arn("lambda", `function:ferry-${stage}-watch`)])],
    [
      "schedules",
      [
        ...each(["events:PutEvents"], [bus], {
          StringEquals: { "events:source": ["ferry"], "events:detail-type": ["TaskRequested"] },
        }),
        ...each(["sqs:SendMessage"], [queue("undelivered-queue")]),
      ],
    ],
  ]);
  for (const [key, { from }] of Object.entries(pipeSpecs))
    roles.set(`${key}-pipe`, [
      ...("queue" in from
        ? each(["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], [queue(from.queue)])
        : [
            ...each(
              ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"],
              [`${table(from.table)}/stream/2026-01-01T00:00:00.000`],
            ),
            ...each(["dynamodb:ListStreams"], [`${table(from.table)}/stream/*`]),
            ...each(["sqs:SendMessage"], [queue("undelivered-queue")]),
          ]),
      ...speak,
    ]);
  return new Map([...roles].map(([name, grants]) => [`ferry-${stage}-${name}`, grants]));
}
