import type { CommandSpec } from "../command.ts";
import { backupFields, sending } from "./request-options.ts";

export const backupCommand: CommandSpec = {
  name: "backup",
  summary: "back up a table to S3",
  description:
    "{table}, {date} and {time} in the prefix expand; without a prefix it is {table}/{date}T{time}. Each backup needs its own prefix.",
  arguments: {
    TABLE: "a table's name, or the ARN of another account's table",
    S3URL: "where the archive is put: s3://BUCKET/PREFIX",
  },
  options: { ...sending, ...backupFields },
  examples: {
    "ferry backup orders s3://archives --stage production": "to s3://archives/orders/2026-11-23T02-00-00",
    "ferry backup orders s3://archives/{table}/{date} --read-units 500 --detach": "slowly, without waiting",
    "ferry backup orders s3://archives/try --dry-run": "only check it, and see size and price",
  },
  uses: "stage",
  json: "With --wait one Progress a line; with --detach one Task; with --dry-run one DryRun.",
  load: () => import("../run/backup.ts"),
};
