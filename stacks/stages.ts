/**
 * The settings of each stage: the only file in stacks/ that an operator edits. docs/settings.md describes every
 * setting; those that are left out have defaults. `production` is an example: replace its account, region,
 * tables, buckets and address with yours.
 */
import type { Stages } from "./settings/parse.ts";

export const stages: Stages = {
  production: {
    account: "111111111111",
    region: "us-east-1",
    backup: {
      tables: [
        { region: "us-east-1", name: "orders" },
        { region: "us-east-1", name: "customers" },
        // A table that npm run smoke creates and deletes.
        { region: "us-east-1", name: "ferry-production-smoke" },
        // A table of another account, whose resource policy names this stage's backup role (docs/deploy.md):
        // "arn:aws:dynamodb:us-east-1:222222222222:table/invoices",
      ],
      buckets: ["example-ferry-archive"],
      // kmsKeys: ["arn:aws:kms:us-east-1:111111111111:key/00000000-0000-0000-0000-000000000000"],
    },
    restore: {
      tables: [
        { region: "us-east-1", name: "orders-restored" },
        { region: "us-east-1", name: "customers-restored" },
        { region: "us-east-1", name: "ferry-production-smoke-restored" },
        // A table that a restore with create-table may create, and whose settings it then sets:
        // { region: "us-east-1", name: "orders-copy", create: true },
      ],
      buckets: ["example-ferry-archive"],
    },
    schedules: [
      {
        name: "nightly",
        expression: "cron(0 2 * * ? *)",
        timezone: "Europe/London",
        tables: [
          { region: "us-east-1", name: "orders" },
          { region: "us-east-1", name: "customers" },
        ],
        request: {
          "bucket-region": "us-east-1",
          "bucket-name": "example-ferry-archive",
          "bucket-prefix": "nightly/{table}/{date}-{time}",
        },
      },
    ],
    alarmEmail: "oncall@example.com",
    tags: { application: "ferry" },
  },
};
