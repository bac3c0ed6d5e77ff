import type { CommandSpec } from "../command.ts";

export const pruneCommand: CommandSpec = {
  name: "prune",
  summary: "remove the archives that no rule keeps",
  description:
    "The rules are those of restic's forget: they apply to each table's archives, and an archive is kept if any of them keeps it. It uses your own permissions and asks first; without a terminal it needs --yes. With --stage, or --local, it keeps what an open task of that stage reads or writes.",
  arguments: { S3URL: "s3://BUCKET or s3://BUCKET/PREFIX" },
  options: {
    "--keep-last <N>": "keep the newest N archives",
    "--keep-within <PERIOD>":
      "keep those within a period before the newest, such as 30d or 1y6m (y, m, d, h)",
    "--keep-daily <N>": "keep the newest of each of the last N days that have archives, UTC",
    "--keep-weekly <N>": "the same for weeks, from Monday",
    "--keep-monthly <N>": "the same for months",
    "--exports": "apply the rules to DynamoDB's full exports, too; incremental ones always stay",
    "--dry-run": "print what it would do, and remove nothing",
    "--yes": "remove without asking",
  },
  examples: {
    "ferry prune s3://archives/nightly --keep-daily 7 --keep-weekly 5 --keep-monthly 12 --dry-run":
      "what would be removed",
    "ferry prune s3://archives/nightly/orders --keep-within 30d --stage production --yes":
      "from a schedule, checking the open tasks",
  },
  uses: "stage",
  json: "One PrunedArchive a line: with --dry-run each decision; otherwise each archive that stays, then each that was removed.",
  load: () => import("../run/prune.ts"),
};
