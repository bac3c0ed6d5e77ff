import type { CommandSpec } from "../command.ts";
import { restoreFields, sending } from "./request-options.ts";

export const restoreCommand: CommandSpec = {
  name: "restore",
  summary: "restore an archive, or DynamoDB's own export, into a table",
  description:
    "The table must exist, with the archive's keys; --create-table creates it. If it holds items, the restore asks first; without a terminal it needs --yes.",
  arguments: {
    S3URL: "the archive: s3://BUCKET/PREFIX",
    TABLE: "the destination: a table's name, or the ARN of another account's table",
  },
  options: {
    ...sending,
    "--yes": "restore into a table that holds items without asking",
    ...restoreFields,
  },
  examples: {
    "ferry restore s3://archives/orders/2026-11-23 orders-restored --stage production": "into an empty table",
    "ferry restore s3://archives/orders/2026-11-23 orders-copy --create-table --billing-mode on-demand --stage production":
      "into a new table with the settings of the backed-up one",
    "ferry restore s3://exports/AWSDynamoDB/01793498400000-a1b2c3d4 orders-restored --until 2026-11-20T12:00:00Z --stage production":
      "the table as it was then, from DynamoDB's full and incremental exports",
    "ferry restore s3://archives/orders/2026-11-23 orders --restore-mode if-absent --yes":
      "put back what was deleted, and overwrite nothing",
    'ferry restore s3://archives/orders/2026-11-23 orders --restore-mode if-absent --only \'{"customer":"c-17"}\'':
      "put back one customer's items",
  },
  uses: "stage",
  json: "With --wait one Progress a line; with --detach one Task; with --dry-run one DryRun.",
  load: () => import("../run/restore.ts"),
};
