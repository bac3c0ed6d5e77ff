/**
 * The settings of a stage. Types, defaults, error messages and docs/settings.md come from this schema; those that the workers
 * read are in packages/core/src/settings/settings.ts.
 */
import { compressionNames, compressions } from "@ferry/core/archive/compression";
import { described, integerBetween } from "@ferry/core/events/schema-parts";
import { SEGMENTS_MAX } from "@ferry/core/settings/settings";
import { numberSetting, operatorEntries } from "@ferry/core/settings/settings-schema";
import * as v from "valibot";
import {
  accountField,
  alarmEmailField,
  bucketField,
  expressionField,
  kmsKeyField,
  regionField,
  restoredTableField,
  tableField,
  tagsField,
  textLike,
  timezoneField,
} from "./fields.ts";

/** The buckets and keys that one action may use. There is no default. Without any of them the action is refused (contradictions.ts). */
const access = {
  buckets: described(
    v.optional(v.array(bucketField), []),
    "Backup: the buckets in which archives may be created. Restore: those whose archives may be read.",
  ),
  kmsKeys: described(
    v.optional(v.array(kmsKeyField), []),
    "The ARNs of the customer-managed keys of these tables and buckets. Leave it out if they use AWS's keys.",
  ),
};

const backupAccess = v.strictObject({
  tables: described(
    v.optional(v.array(tableField), []),
    "The tables that may be read. Each is a table's ARN, or `{ region, name }`.",
  ),
  ...access,
});

const restoreAccess = v.strictObject({
  tables: described(
    v.optional(v.array(restoredTableField), []),
    "The tables that may be written. Each is a table's ARN, or `{ region, name }`. With `create: true` beside `region` and `name`, a restore with `create-table` may create it; without it, no role may.",
  ),
  ...access,
});

/** The fields of a request that a schedule may set. They are validated again like those of any request. */
const scheduledRequest = v.strictObject({
  "bucket-region": regionField,
  "bucket-name": bucketField,
  /**
   * `{table}` becomes the table's name, `{date}` and `{time}` the time at which the schedule was due, such as 2026-11-23 and
   * 02-00-00.
   */
  "bucket-prefix": v.optional(
    v.pipe(
      v.string(),
      v.check(
        (prefix) => prefix.includes("{date}") && prefix.includes("{time}"),
        "must contain {date} and {time}, so that each run has its own prefix",
      ),
      v.includes("{table}", "must contain {table}, so that each table has its own prefix"),
    ),
    "{table}/{date}-{time}",
  ),
  "bucket-owner": v.optional(accountField),
  "total-segments": v.optional(integerBetween(1, SEGMENTS_MAX)),
  "read-units": v.optional(integerBetween(1, 10_000_000)),
  "consistent-read": v.optional(v.boolean()),
  compression: v.optional(v.picklist(compressionNames)),
  "compression-level": v.optional(integerBetween(1, compressions.zstd.levelMax)),
  "kms-key-id": v.optional(v.string()),
});

const schedule = v.strictObject({
  name: described(
    textLike(/^[a-z][a-z0-9-]{0,19}$/, "must be 1 to 20 characters of a-z 0-9 - and begin with a letter"),
    "Short, because it is part of the entries' names: 1 to 20 of a-z 0-9 -.",
  ),
  expression: described(
    expressionField,
    "An expression of EventBridge Scheduler: `cron(0 2 * * ? *)` or `rate(12 hours)`.",
  ),
  timezone: described(
    v.optional(timezoneField, "UTC"),
    "An IANA time zone. Cron expressions follow its daylight saving time.",
  ),
  windowMinutes: numberSetting({
    unit: "minutes",
    lowest: 0,
    highest: 1_440,
    default: 15,
    description:
      "Starts are distributed over this time, so that not all tables start at the same time. 0: all start at once.",
  }),
  overdueAfterMinutes: numberSetting({
    unit: "minutes",
    lowest: 60,
    highest: 10_080,
    default: 360,
    description:
      "How long after a run, and its `windowMinutes`, its backups must have succeeded; later the alarm `backup-overdue` starts. At least the time that a backup takes, and an hour for a change of the clocks.",
  }),
  tables: described(
    v.pipe(v.array(tableField), v.minLength(1, "must name a table")),
    "The tables to back up. Each must also be in `backup.tables`.",
  ),
  request: described(
    scheduledRequest,
    "`bucket-region`, `bucket-name` and, if needed, other fields of a backup's request. `bucket-prefix` is `{table}/{date}-{time}` unless it is set.",
  ),
});

/** The fields of a worker function and of the projector. */
const functionEntries = (memory: number, timeoutSeconds: number, concurrency: number) => ({
  memoryMb: numberSetting({
    unit: "MB",
    lowest: 128,
    highest: 10_240,
    default: memory,
    description: "The function's memory. Lambda gives one vCPU for each 1,769 MB, and compression needs CPU.",
  }),
  timeoutSeconds: numberSetting({
    unit: "s",
    lowest: 30,
    highest: 900,
    default: timeoutSeconds,
    description:
      "The timeout of an invocation. For a worker at least 60 s more than `sliceBudgetSeconds`, for a slice's last batch.",
  }),
  concurrency: numberSetting({
    unit: "invocations",
    lowest: 2,
    highest: 1_000,
    default: concurrency,
    description: "The most concurrent invocations. It limits the load on tables and on the account.",
  }),
});

export const stageSchema = v.strictObject({
  account: described(
    accountField,
    "The account that the stage is deployed to. Credentials of another account are refused before anything is created.",
  ),
  region: described(
    regionField,
    "The region that the stage is deployed to. It must not change while the stage exists: the names of roles are global and contain no region.",
  ),
  backup: described(
    v.optional(backupAccess, {}),
    "The tables that may be backed up, and the buckets for their archives. Without it the stage has only restores.",
  ),
  restore: described(
    v.optional(restoreAccess, {}),
    "The tables that may be restored into, and the buckets of archives. A separate list, because a restore changes tables. Without it the stage has only backups.",
  ),
  schedules: described(
    v.optional(v.array(schedule), []),
    "Backups that run on a schedule. Disabled in `sst dev`.",
  ),
  callerAccounts: described(
    v.optional(
      v.pipe(v.array(accountField), v.maxLength(50, "must be at most 50, the limit of a queue's policy")),
      [],
    ),
    "Other accounts that may send requests, at most 50.",
  ),

  attempts: numberSetting({
    unit: "attempts",
    lowest: 1,
    highest: 1_000,
    default: 5,
    description: "The number of attempts before a message counts as failed. AWS advises at least 5.",
  }),
  ...operatorEntries,

  backupWorker: described(
    v.optional(v.strictObject(functionEntries(1_769, 360, 50)), {}),
    "The function that reads tables.",
  ),
  restoreWorker: described(
    v.optional(v.strictObject(functionEntries(1_769, 360, 50)), {}),
    "The function that writes tables.",
  ),
  projector: described(
    v.optional(
      v.strictObject({
        ...functionEntries(512, 60, 2),
        reservedConcurrency: described(
          v.optional(integerBetween(2, 1_000)),
          "Invocations of the account's quota that only the projector uses, so that other functions cannot delay the rows. At least `concurrency`.",
        ),
      }),
      {},
    ),
    "The function that writes the status tables. Its concurrency is low, because invocations update the same rows.",
  ),

  ownKmsKey: described(
    v.optional(kmsKeyField),
    "The ARN of a customer-managed key, in the stage's region, for Ferry's own tables, queues and topic. Without it they have AWS's keys. The key's policy must admit EventBridge and CloudWatch ([deploy.md](deploy.md), *KMS*).",
  ),
  profile: described(
    v.optional(v.picklist(["full", "minimal"]), "full"),
    "`minimal`: no dashboard, and only the alarms without which a loss would not be noticed ([deploy.md](deploy.md), *What it costs*).",
  ),
  alarmEmail: described(
    v.optional(alarmEmailField),
    'The address for alarms, or `"none"`: no mail is sent. Required in a protected stage. The first mail requests a confirmation.',
  ),
  alarmQueueAgeMinutes: numberSetting({
    unit: "minutes",
    lowest: 5,
    highest: 10_080,
    default: 60,
    description: "How old a worker's oldest message may become before its alarm starts.",
  }),
  stalledAfterMinutes: numberSetting({
    unit: "minutes",
    lowest: 15,
    highest: 1_440,
    default: 60,
    description: "How long a task may make no progress before it counts as stalled.",
  }),
  logRetentionDays: described(
    v.optional(v.picklist([1, 3, 7, 14, 30, 60, 90, 180, 365]), 30),
    "How many days logs are kept. CloudWatch offers these values.",
  ),
  tags: described(v.optional(tagsField, {}), "Tags for every resource that can have them, at most 7."),
  protect: described(
    v.optional(v.boolean()),
    "Whether Ferry refuses to remove the stage, and keeps its status tables. Without it: true in `production` and `production-…`, otherwise false.",
  ),
});

/** The settings as the operator writes them. */
export type StageSettingsInput = v.InferInput<typeof stageSchema>;
/** The same with every default filled in. */
export type StageSettings = v.InferOutput<typeof stageSchema> & { readonly protect: boolean };
export type Table = v.InferOutput<typeof tableField>;
export type Schedule = v.InferOutput<typeof schedule>;
export type Access = v.InferOutput<typeof backupAccess> | v.InferOutput<typeof restoreAccess>;
