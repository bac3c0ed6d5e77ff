/** The permissions of each function. They are complete: links grant nothing (functions/links.ts). */
import { byState, type ConsumerName, consumers, pipes, typesPutBy } from "@ferry/core/topology";
import { bus } from "../bus/bus.ts";
import { arnOf, bucketArns, objectArns, tableArns } from "../naming/arns.ts";
import { resourceName } from "../naming/names.ts";
import { stageQueues } from "../queues/queues.ts";
import { settings } from "../settings/stage-settings.ts";
import { statusTables } from "../tables/status-tables.ts";
import { stageWorkerTable } from "../tables/worker-table.ts";
import { useOwnKey } from "./own-key.ts";
import { putConditions } from "./put-events.ts";

type Permission = Omit<ReturnType<typeof sst.aws.permission>, "type">;

/** Allows Lambda's event source mapping to receive and delete the messages of the function's queue. */
const consume = (consumer: ConsumerName, ...more: string[]): Permission => ({
  actions: ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage", ...more],
  resources: [stageQueues[consumers[consumer].queue].arn],
});

/** The workers also set how long a message stays invisible. */
const SET_VISIBILITY = "sqs:ChangeMessageVisibility";

/** Allows to put the types of events that the function puts. */
const putEvents = (consumer: ConsumerName): Permission => ({
  actions: ["events:PutEvents"],
  resources: [bus.arn],
  conditions: putConditions(typesPutBy(consumer)),
});

/** Allows to find the rows near one that a refused cancel or retry named. */
const searchRows = (...tables: ("backup-table" | "restore-table")[]): Permission => ({
  actions: ["dynamodb:Query"],
  resources: tables.flatMap((table) => [
    statusTables[table].arn,
    $interpolate`${statusTables[table].arn}/index/${byState.name}`,
  ]),
});

/** Allows to register requests, to claim rows and slices, to reserve capacity of a task's ceiling, and to record errors. */
const updateWorkerTable: Permission = { actions: ["dynamodb:UpdateItem"], resources: [stageWorkerTable.arn] };

/** Allows to use the KMS keys of listed tables and buckets, through DynamoDB and S3 only. */
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

/**
 * The permissions on resources that the settings list. Without a `backup`, or a `restore`, these lists are empty, and a
 * statement must name a resource: the role then has no access to data, and S3 or DynamoDB refuses the calls of a request.
 */
const onListed = (...all: Permission[]): Permission[] =>
  all.filter(({ resources }) => (resources as unknown[]).length > 0);

/** Reads tables and creates objects. It cannot change a table, nor replace or delete an object. */
const backup: Permission[] = [
  consume("backup", SET_VISIBILITY),
  ...onListed(
    {
      // The last six are for the table's settings in table.json.
      actions: [
        "dynamodb:Scan",
        "dynamodb:DescribeTable",
        "dynamodb:DescribeTimeToLive",
        "dynamodb:ListTagsOfResource",
        "dynamodb:DescribeContinuousBackups",
        "dynamodb:GetResourcePolicy",
        "dynamodb:DescribeKinesisStreamingDestination",
        "dynamodb:DescribeContributorInsights",
      ],
      resources: tableArns(settings.backup.tables),
    },
    {
      actions: ["s3:PutObject"],
      resources: objectArns(settings.backup.buckets),
      // S3 refuses a put without If-None-Match to this role, because such a put could overwrite.
      conditions: [{ test: "Null", variable: "s3:if-none-match", values: ["false"] }],
    },
    // A worker reads its archive, which is its journal.
    { actions: ["s3:GetObject"], resources: objectArns(settings.backup.buckets) },
    { actions: ["s3:ListBucket"], resources: bucketArns(settings.backup.buckets) },
  ),
  ...keys(settings.backup.kmsKeys, ["kms:Decrypt", "kms:GenerateDataKey"]),
  { actions: ["dynamodb:GetItem"], resources: [statusTables["backup-table"].arn] },
  searchRows("backup-table"),
  updateWorkerTable,
  putEvents("backup"),
  ...useOwnKey("dynamodb", "sqs"),
];

/** The tables that a restore may create. */
const creatableTables = settings.restore.tables.filter((table) => typeof table !== "string" && table.create);

/** Reads archives and writes the tables of `restore.tables`. Creates those with `create`. */
const restore: Permission[] = [
  consume("restore", SET_VISIBILITY),
  ...onListed(
    { actions: ["s3:GetObject"], resources: objectArns(settings.restore.buckets) },
    // Without this permission S3 answers 403, not 404, for an object that does not exist.
    { actions: ["s3:ListBucket"], resources: bucketArns(settings.restore.buckets) },
    {
      // The action BatchWriteItem includes deletes. Scan is for the check that a table is empty, and for the count of its
      // items after a restore of a native export. PartiQL's INSERT and PutItem write without overwriting; BatchGetItem then
      // reads the items that were not overwritten.
      actions: [
        "dynamodb:BatchGetItem",
        "dynamodb:BatchWriteItem",
        "dynamodb:PartiQLInsert",
        "dynamodb:PutItem",
        "dynamodb:Scan",
        "dynamodb:DescribeTable",
      ],
      resources: tableArns(settings.restore.tables),
    },
    {
      // CreateTable with a tag needs TagResource. The tag says which task created the table. The others are for the settings
      // that the table gets after its data.
      actions: [
        "dynamodb:CreateTable",
        "dynamodb:ListTagsOfResource",
        "dynamodb:TagResource",
        "dynamodb:UntagResource",
        "dynamodb:DescribeTimeToLive",
        "dynamodb:UpdateTimeToLive",
        "dynamodb:UpdateContinuousBackups",
        "dynamodb:UpdateTable",
        "dynamodb:PutResourcePolicy",
      ],
      resources: tableArns(creatableTables),
    },
  ),
  ...keys(settings.restore.kmsKeys, [
    "kms:Decrypt",
    // For a new table that one of the keys encrypts.
    ...(creatableTables.length === 0
      ? []
      : [
          "kms:CreateGrant",
          "kms:DescribeKey",
          "kms:Encrypt",
          "kms:GenerateDataKey",
          "kms:ReEncryptFrom",
          "kms:ReEncryptTo",
        ]),
  ]),
  { actions: ["dynamodb:GetItem"], resources: [statusTables["restore-table"].arn] },
  searchRows("restore-table"),
  updateWorkerTable,
  putEvents("restore"),
  ...useOwnKey("dynamodb", "sqs"),
];

/** Writes the status tables, and finds the rows of requests that no worker could process. */
const projection: Permission[] = [
  consume("projection"),
  {
    actions: ["dynamodb:GetItem", "dynamodb:PutItem"],
    resources: [statusTables["backup-table"].arn, statusTables["restore-table"].arn],
  },
  searchRows("backup-table", "restore-table"),
  // A segment's record is replaced on a condition, without a read.
  { actions: ["dynamodb:PutItem"], resources: [statusTables["segment-table"].arn] },
  updateWorkerTable,
  putEvents("projection"),
  ...useOwnKey("dynamodb", "sqs"),
];

/** Reads the rows of open tasks and the state of the Pipes. It writes rows whose announcement was lost. */
const monitor: Permission[] = [
  {
    actions: ["dynamodb:Query"],
    resources: [
      $interpolate`${statusTables["backup-table"].arn}/index/${byState.name}`,
      $interpolate`${statusTables["restore-table"].arn}/index/${byState.name}`,
      statusTables["segment-table"].arn,
      // For the latest backups of each schedule's tables.
      statusTables["backup-table"].arn,
    ],
  },
  {
    actions: ["dynamodb:GetItem", "dynamodb:PutItem"],
    resources: [statusTables["backup-table"].arn, statusTables["restore-table"].arn],
  },
  {
    actions: ["pipes:DescribePipe"],
    resources: Object.keys(pipes).map((key) => arnOf("pipes", `pipe/${resourceName(key)}`)),
  },
  ...useOwnKey("dynamodb"),
];

export const permissions = { backup, restore, projection, monitor } satisfies Record<
  ConsumerName | "monitor",
  Permission[]
>;

/** Allows a function to write its log. AWS's managed policy would allow every log group of the account. */
export const ownLog = (functionName: string): Permission => ({
  actions: ["logs:CreateLogStream", "logs:PutLogEvents"],
  resources: [arnOf("logs", `log-group:/aws/lambda/${functionName}:*`)],
});
