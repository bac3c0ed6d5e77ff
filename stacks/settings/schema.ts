/**
 * What an operator may set for a stage. The schema is the one source of the types, the defaults and every message.
 */
import { defaultSettings } from "@ferry/core/settings";
import * as v from "valibot";
import { account, between, bucket, expression, kmsKey, region, table, tags, timezone } from "./fields.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

/** What one action may touch. Nothing by default: an empty list stops the deploy. */
const access = v.strictObject({
  /** Backup: the tables that may be read. Restore: those that may be written. */
  tables: v.optional(v.array(table), []),
  /** Backup: the buckets in which archives may be created. Restore: those whose archives may be read. */
  buckets: v.optional(v.array(bucket), []),
  /** The customer-managed keys of these tables and buckets; none where AWS's own keys are used. */
  kmsKeys: v.optional(v.array(kmsKey), []),
});

/** The request's optional fields that a schedule may set; a request's own validation has the last word on them. */
const scheduledRequest = v.strictObject({
  "bucket-region": region,
  "bucket-name": bucket,
  /** `{table}` is the table's name, `{date}` and `{time}` when the schedule was due, such as 2026-11-23 and 02-00-00. */
  "bucket-prefix": v.optional(
    v.pipe(
      v.string(),
      v.check(
        (prefix) => prefix.includes("{date}") && prefix.includes("{time}"),
        "must hold {date} and {time}, or one archive would meet the last",
      ),
      v.includes("{table}", "must hold {table}, or the tables' archives would meet each other"),
    ),
    "{table}/{date}-{time}",
  ),
  "bucket-owner": v.optional(account),
  "total-segments": v.optional(between(1, 1_000_000)),
  "read-units": v.optional(between(1, 10_000_000)),
  "consistent-read": v.optional(v.boolean()),
  "compression-level": v.optional(between(1, 9)),
  "kms-key-id": v.optional(v.string()),
});

const schedule = v.strictObject({
  /** Short: it is part of the entries' names. */
  name: v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]{0,19}$/, "must be 1 to 20 of a-z 0-9 -, a letter first")),
  /** As EventBridge Scheduler takes it: `cron(0 2 * * ? *)` or `rate(12 hours)`. */
  expression,
  /** An IANA time zone; cron expressions follow its daylight saving time. */
  timezone: v.optional(timezone, "UTC"),
  /** Starts are spread over this many minutes, so that not all tables start at once. 0: on the dot. */
  windowMinutes: v.optional(between(0, 1_440), 15),
  /** The tables to back up; each must be listed in `backup.tables` too. */
  tables: v.pipe(v.array(table), v.minLength(1, "must name a table")),
  request: scheduledRequest,
});

/** A worker function, or the projector. */
const functionSettings = (memory: number, timeoutSeconds: number, concurrency: number) =>
  v.optional(
    v.strictObject({
      /** MB. A vCPU is 1,769 MB; compression uses it. */
      memoryMb: v.optional(between(128, 10_240), memory),
      /** When Lambda stops an invocation. It must leave a slice room to finish its last batch. */
      timeoutSeconds: v.optional(between(30, 900), timeoutSeconds),
      /** The most invocations at once: what bounds the load on tables and account. */
      concurrency: v.optional(between(2, 1_000), concurrency),
    }),
    {},
  );

export const stageSchema = v.strictObject({
  /** What may be backed up, and where to. */
  backup: v.optional(access, {}),
  /** What may be restored into, and where from: its own list, since it is the one that can do harm. */
  restore: v.optional(access, {}),
  /** Nightly backups and the like. Off in `sst dev`. */
  schedules: v.optional(v.array(schedule), []),
  /** Other accounts that may send requests. */
  callerAccounts: v.optional(
    v.pipe(v.array(account), v.maxLength(50, "must be 50 at most: a queue's policy takes no more")),
    [],
  ),

  /** The most segments a task may have. */
  maximumSegments: v.optional(between(1, 1_000_000), defaultSettings.maximumSegments),
  /** How often a message is tried before it counts as failed. AWS advises 5 at least. */
  attempts: v.optional(between(1, 1_000), 5),
  /** How soon a failed message is tried again, seconds. */
  retryDelaySeconds: v.optional(between(0, 900), 30),
  /** How long one slice works before it hands off, seconds. */
  sliceBudgetSeconds: v.optional(between(10, 840), defaultSettings.sliceBudgetMs / 1_000),
  /** How long one attempt of a task may take before its segments give up, hours. */
  taskTimeoutHours: v.optional(between(1, 24 * 365), defaultSettings.taskTimeoutMs / HOUR_MS),
  /** The least time between two batches of one segment, ms: how production is spared. */
  batchSpacingMs: v.optional(between(0, 60_000), defaultSettings.batchSpacingMs),
  /** The gzip level where a request names none: 1 (fast) to 9 (small). */
  compressionLevel: v.optional(between(1, 9), defaultSettings.compressionLevel),
  /** How many hand-offs in a row may move nothing, throttling aside, before a segment fails. */
  maximumIdleHops: v.optional(between(1, 1_000), defaultSettings.maximumIdleHops),
  /** How often a slice reports what it has stored, ms. */
  progressIntervalMs: v.optional(between(1_000, MINUTE_MS), defaultSettings.progressIntervalMs),
  /** How often a slice looks whether its segment is still wanted: how soon a cancel stops it, ms. */
  lookIntervalMs: v.optional(between(1_000, MINUTE_MS), defaultSettings.lookIntervalMs),
  /** The largest decompressed data file that a restore keeps in memory, bytes; a larger one is read twice. */
  maximumFileBytesInMemory: v.optional(between(MIB, 4 * GIB), defaultSettings.maximumFileBytesInMemory),
  /** The largest decompressed data file that is read at all, bytes: it must be verified within one slice. */
  maximumFileBytes: v.optional(between(MIB, 128 * GIB), defaultSettings.maximumFileBytes),

  /** The function that reads tables. */
  backupWorker: functionSettings(1_769, 360, 50),
  /** The function that writes tables. */
  restoreWorker: functionSettings(1_769, 360, 50),
  /** The function that writes the status tables. Few at once: they meet on the rows. */
  projector: functionSettings(512, 60, 2),

  /** Who is told of alarms; none sends no mail. The first mail asks for a confirmation. */
  alarmEmail: v.optional(v.pipe(v.string(), v.email("must be an e-mail address"))),
  /** How old a request's or a worker's oldest message may become before the alarm, minutes. */
  alarmQueueAgeMinutes: v.optional(between(5, 10_080), 60),
  /** How long a task may be silent before it counts as stalled, minutes. */
  stalledAfterMinutes: v.optional(between(15, 1_440), 60),
  /** How many days logs are kept, as CloudWatch offers it. */
  logRetentionDays: v.optional(v.picklist([1, 3, 7, 14, 30, 60, 90, 180, 365]), 30),
  /** On every resource that can have tags. */
  tags: v.optional(tags, {}),
  /** Keeps the status tables when the stage is removed, and refuses to remove it. By default in `production` and `production-…`. */
  protect: v.optional(v.boolean()),
});

/** What the operator writes. */
export type StageSettingsInput = v.InferInput<typeof stageSchema>;
/** The same with every default filled in. */
export type StageSettings = v.InferOutput<typeof stageSchema> & { readonly protect: boolean };
export type Table = v.InferOutput<typeof table>;
export type Schedule = v.InferOutput<typeof schedule>;
export type Access = v.InferOutput<typeof access>;
