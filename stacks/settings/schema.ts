/** The settings of a stage. Types, defaults and error messages all come from this schema. */
import { defaultSettings, SEGMENTS_MAX } from "@ferry/core/settings";
import * as v from "valibot";
import {
  accountField,
  bucketField,
  expressionField,
  integerBetween,
  kmsKeyField,
  regionField,
  tableField,
  tagsField,
  timezoneField,
} from "./fields.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

/** The tables, buckets and keys that one action may use. There is no default: an empty list ends the deploy with an error. */
const access = v.strictObject({
  /** Backup: the tables that may be read. Restore: those that may be written. */
  tables: v.optional(v.array(tableField), []),
  /** Backup: the buckets in which archives may be created. Restore: those whose archives may be read. */
  buckets: v.optional(v.array(bucketField), []),
  /** The customer-managed keys of these tables and buckets. Leave it out if they use AWS's keys. */
  kmsKeys: v.optional(v.array(kmsKeyField), []),
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
  "compression-level": v.optional(integerBetween(1, 9)),
  "kms-key-id": v.optional(v.string()),
});

const schedule = v.strictObject({
  /** Short, because it is part of the entries' names. */
  name: v.pipe(
    v.string(),
    v.regex(/^[a-z][a-z0-9-]{0,19}$/, "must be 1 to 20 characters of a-z 0-9 - and begin with a letter"),
  ),
  /** An expression of EventBridge Scheduler: `cron(0 2 * * ? *)` or `rate(12 hours)`. */
  expression: expressionField,
  /** An IANA time zone. Cron expressions follow its daylight saving time. */
  timezone: v.optional(timezoneField, "UTC"),
  /** Starts are distributed over this many minutes, so that not all tables start at the same time. 0: all start at once. */
  windowMinutes: v.optional(integerBetween(0, 1_440), 15),
  /** The tables to back up. Each must also be in `backup.tables`. */
  tables: v.pipe(v.array(tableField), v.minLength(1, "must name a table")),
  request: scheduledRequest,
});

/** A worker function, or the projector. */
const functionSettings = (memory: number, timeoutSeconds: number, concurrency: number) =>
  v.optional(
    v.strictObject({
      /** Memory in MB. Lambda gives one vCPU for each 1,769 MB, and compression needs CPU. */
      memoryMb: v.optional(integerBetween(128, 10_240), memory),
      /** The timeout of an invocation, seconds. At least 60 s more than `sliceBudgetSeconds`, for a slice's last batch. */
      timeoutSeconds: v.optional(integerBetween(30, 900), timeoutSeconds),
      /** The most concurrent invocations. It limits the load on tables and on the account. */
      concurrency: v.optional(integerBetween(2, 1_000), concurrency),
    }),
    {},
  );

export const stageSchema = v.strictObject({
  /** The tables that may be backed up, and the buckets for their archives. */
  backup: v.optional(access, {}),
  /** The tables that may be restored into, and the buckets of archives. A separate list, because a restore changes tables. */
  restore: v.optional(access, {}),
  /** Backups that run on a schedule. Disabled in `sst dev`. */
  schedules: v.optional(v.array(schedule), []),
  /** Other accounts that may send requests. */
  callerAccounts: v.optional(
    v.pipe(v.array(accountField), v.maxLength(50, "must be at most 50, the limit of a queue's policy")),
    [],
  ),

  /** The most segments a task may have. The row of a task has room for SEGMENTS_MAX, even if all of them fail. */
  maximumSegments: v.optional(integerBetween(1, SEGMENTS_MAX), defaultSettings.maximumSegments),
  /** The number of attempts before a message counts as failed. AWS advises at least 5. */
  attempts: v.optional(integerBetween(1, 1_000), 5),
  /** The delay before a failed message is retried, seconds. */
  retryDelaySeconds: v.optional(integerBetween(0, 900), 30),
  /** How long a slice works before its handoff, seconds. */
  sliceBudgetSeconds: v.optional(integerBetween(10, 840), defaultSettings.sliceBudgetMs / 1_000),
  /** How long one attempt of a task may take before its segments fail, hours. */
  taskTimeoutHours: v.optional(integerBetween(1, 24 * 365), defaultSettings.taskTimeoutMs / HOUR_MS),
  /** The least time between two batches of one segment, ms. It limits the load on production tables. */
  batchSpacingMs: v.optional(integerBetween(0, 60_000), defaultSettings.batchSpacingMs),
  /** The gzip level of requests without one: 1 (fast) to 9 (small). */
  compressionLevel: v.optional(integerBetween(1, 9), defaultSettings.compressionLevel),
  /** How many handoffs in a row may make no progress before a segment fails. Handoffs because of throttling do not count. */
  maxHandoffsWithoutProgress: v.optional(
    integerBetween(1, 1_000),
    defaultSettings.maxHandoffsWithoutProgress,
  ),
  /** How often a slice reports its progress, ms. */
  progressIntervalMs: v.optional(integerBetween(1_000, MINUTE_MS), defaultSettings.progressIntervalMs),
  /** How often a slice checks for a cancel or a newer attempt, ms. */
  cancelPollIntervalMs: v.optional(integerBetween(1_000, MINUTE_MS), defaultSettings.cancelPollIntervalMs),
  /** The largest decompressed data file that a restore keeps in memory, bytes. A larger file is read twice. */
  maximumFileBytesInMemory: v.optional(
    integerBetween(MIB, 4 * GIB),
    defaultSettings.maximumFileBytesInMemory,
  ),
  /** The largest decompressed data file that a restore accepts, bytes. A file must be verified within one slice. */
  maximumFileBytes: v.optional(integerBetween(MIB, 128 * GIB), defaultSettings.maximumFileBytes),

  /** The function that reads tables. */
  backupWorker: functionSettings(1_769, 360, 50),
  /** The function that writes tables. */
  restoreWorker: functionSettings(1_769, 360, 50),
  /** The function that writes the status tables. Its concurrency is low, because invocations update the same rows. */
  projector: functionSettings(512, 60, 2),

  /** The address for alarms. Without it no mail is sent. The first mail requests a confirmation. */
  alarmEmail: v.optional(v.pipe(v.string(), v.email("must be an e-mail address"))),
  /** How old a worker's oldest message may become before its alarm starts, minutes. */
  alarmQueueAgeMinutes: v.optional(integerBetween(5, 10_080), 60),
  /** How long a task may make no progress before it counts as stalled, minutes. */
  stalledAfterMinutes: v.optional(integerBetween(15, 1_440), 60),
  /** How many days logs are kept. CloudWatch offers these values. */
  logRetentionDays: v.optional(v.picklist([1, 3, 7, 14, 30, 60, 90, 180, 365]), 30),
  /** Tags for every resource that can have them. */
  tags: v.optional(tagsField, {}),
  /** Refuses to remove the stage, and keeps its status tables. Default: true in `production` and `production-…`, else false. */
  protect: v.optional(v.boolean()),
});

/** The settings as the operator writes them. */
export type StageSettingsInput = v.InferInput<typeof stageSchema>;
/** The same with every default filled in. */
export type StageSettings = v.InferOutput<typeof stageSchema> & { readonly protect: boolean };
export type Table = v.InferOutput<typeof tableField>;
export type Schedule = v.InferOutput<typeof schedule>;
export type Access = v.InferOutput<typeof access>;
