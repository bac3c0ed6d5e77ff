/** A stage for the tests that sets all that can be set. */
import type { Stages } from "../settings/parse.ts";

const KEY = "arn:aws:kms:eu-west-1:111111111111:key/00000000-0000-0000-0000-000000000000";

export const stages: Stages = {
  full: {
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
      tables: [{ region: "eu-west-1", name: "orders-restored" }],
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
    attempts: 7,
    backupWorker: { memoryMb: 3_008, timeoutSeconds: 900, concurrency: 200 },
    alarmEmail: "oncall@example.com",
    logRetentionDays: 90,
    tags: { team: "data" },
    protect: true,
  },
};
