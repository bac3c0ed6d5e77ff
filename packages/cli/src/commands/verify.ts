import type { CommandSpec } from "../command.ts";
import { reading } from "./archive-options.ts";

export const verifyCommand: CommandSpec = {
  name: "verify",
  summary: "check every file and line of an archive, and compare it with a table",
  description:
    "Reads all data files and checks checksums, numbers of lines, sizes and keys against the manifest. With --against it compares the archive with a live table, item by item: this proves a restore. It scans the table with strongly consistent reads.",
  arguments: { S3URL: "the archive: s3://BUCKET/PREFIX" },
  options: {
    "--against <TABLE>": "compare with this table: a name, or an ARN",
    "--table-region <REGION>": { description: "the table's region", fallback: "--region" },
    "--read-units <N>": "ceiling for the reads of the table, units a second",
    "--list <N>": { description: "list at most this many differing keys", fallback: "100" },
    ...reading,
  },
  examples: {
    "ferry verify s3://archives/orders/2026-11-23": "is the archive as it was written?",
    "ferry verify s3://archives/orders/2026-11-23 --against orders-restored":
      "does the table hold exactly its items?",
  },
  uses: "aws",
  json: "One object: `archive` is a VerifiedArchive, with --against `table` is a ComparedTable.",
  load: () => import("../run/verify.ts"),
};
