/** The stages of the tests. */
import type { Stages } from "../../settings/parse.ts";
import type { StageSettingsInput } from "../../settings/schema.ts";

const KEY = "arn:aws:kms:eu-west-1:111111111111:key/00000000-0000-0000-0000-000000000000";

/** A small stage with a schedule. */
const small: StageSettingsInput = {
  account: "111111111111",
  region: "us-east-1",
  backup: { tables: [{ region: "us-east-1", name: "orders" }], buckets: ["example-ferry-archive"] },
  restore: {
    tables: [{ region: "us-east-1", name: "orders-restored" }],
    buckets: ["example-ferry-archive"],
  },
  schedules: [
    {
      name: "nightly",
      expression: "cron(0 2 * * ? *)",
      timezone: "Europe/London",
      tables: [{ region: "us-east-1", name: "orders" }],
      request: {
        "bucket-region": "us-east-1",
        "bucket-name": "example-ferry-archive",
        "bucket-prefix": "nightly/{table}/{date}-{time}",
      },
    },
  ],
  alarmEmail: "none",
  tags: { application: "ferry" },
};

export const stages: Stages = {
  /** Protected, because of its name. */
  production: small,
  /** Synthesized as `sst dev` would deploy it; not protected. */
  developer: small,
  /** With the fewest alarms. */
  minimal: { ...small, profile: "minimal", protect: true },
  "only-backups": { ...small, protect: true, restore: {} },
  "only-restores": { ...small, protect: true, backup: {}, schedules: [] },
  /** Only tables of other accounts, which have no metrics in this one. */
  "other-accounts-tables": {
    ...small,
    protect: true,
    schedules: [],
    backup: {
      tables: ["arn:aws:dynamodb:us-east-1:222222222222:table/orders"],
      buckets: ["example-ferry-archive"],
    },
    restore: {
      tables: ["arn:aws:dynamodb:us-east-1:222222222222:table/orders-restored"],
      buckets: ["example-ferry-archive"],
    },
  },
  /** Every setting, each with another value than its default, and the longest name that a stage may have. */
  "every-setting-and-longest-name": {
    account: "111111111111",
    region: "us-east-1",
    backup: {
      tables: [
        { region: "us-east-1", name: "orders" },
        { region: "eu-west-1", name: "orders" },
        "arn:aws:dynamodb:us-east-1:222222222222:table/invoices",
        { region: "us-east-1", name: `long-${"x".repeat(250)}` },
      ],
      buckets: ["archive-one", "archive-two"],
      kmsKeys: [KEY],
    },
    restore: {
      tables: [
        { region: "eu-west-1", name: "orders-restored" },
        { region: "eu-west-1", name: "orders-created", create: true },
      ],
      buckets: ["archive-one"],
      kmsKeys: [KEY],
    },
    schedules: [
      {
        name: "nightly",
        expression: "cron(30 1 * * ? *)",
        timezone: "America/New_York",
        tables: [
          { region: "us-east-1", name: "orders" },
          "arn:aws:dynamodb:us-east-1:222222222222:table/invoices",
          { region: "us-east-1", name: `long-${"x".repeat(250)}` },
        ],
        request: { "bucket-region": "us-east-1", "bucket-name": "archive-one", "read-units": 500 },
      },
      {
        name: "hourly",
        expression: "rate(1 hour)",
        windowMinutes: 0,
        overdueAfterMinutes: 90,
        tables: [{ region: "eu-west-1", name: "orders" }],
        request: {
          "bucket-region": "eu-west-1",
          "bucket-name": "archive-two",
          "bucket-prefix": "{date}/{time}/{table}",
          "kms-key-id": KEY,
        },
      },
    ],
    callerAccounts: ["333333333333"],
    maximumSegments: 2_000,
    attempts: 7,
    retryDelaySeconds: 45,
    sliceBudgetSeconds: 300,
    taskTimeoutHours: 48,
    batchSpacingMs: 250,
    compressionLevel: 9,
    maxHandoffsWithoutProgress: 20,
    progressIntervalMs: 20_000,
    cancelPollIntervalMs: 5_000,
    maximumCompressedFileBytes: 32 * 1024 ** 2,
    maximumFileBytesInMemory: 96 * 1024 ** 2,
    maximumFileBytes: 4 * 1024 ** 3,
    backupWorker: { memoryMb: 3_008, timeoutSeconds: 900, concurrency: 200 },
    restoreWorker: { memoryMb: 2_048, timeoutSeconds: 600, concurrency: 20 },
    projector: { memoryMb: 1_024, timeoutSeconds: 90, concurrency: 3, reservedConcurrency: 5 },
    ownKmsKey: KEY.replace("eu-west-1", "us-east-1"),
    alarmEmail: "oncall@example.com",
    alarmQueueAgeMinutes: 120,
    stalledAfterMinutes: 90,
    logRetentionDays: 90,
    tags: { team: "data" },
    protect: true,
  },
};
