/**
 * The options of backup and restore: one for each field of a request, with the field's name, and how to send it.
 */
import type { OptionSpec } from "../command.ts";
import { onlyOption } from "./archive-options.ts";

const places: readonly OptionSpec[] = [
  { flags: "--table-region <REGION>", description: "the table's region", fallback: "--region" },
  { flags: "--bucket-region <REGION>", description: "the bucket's region", fallback: "read from the bucket" },
  { flags: "--bucket-owner <ACCOUNT>", description: "the account that must own the bucket, 12 digits" },
  { flags: "--total-segments <N>", description: "number of parallel segments", fallback: "from the size" },
];

export const backupFields: readonly OptionSpec[] = [
  ...places,
  { flags: "--consistent-read", description: "strongly consistent scan, at twice the read cost" },
  {
    flags: "--read-units <N>",
    description: "ceiling for the whole task, units a second",
    fallback: "half of a provisioned table's capacity",
  },
  {
    flags: "--batch-bytes <BYTES>",
    description: "uncompressed size of a data file; at least 1 MiB, unless the table is smaller",
    fallback: "33554432",
  },
  { flags: "--compression <NAME>", description: "gzip or zstd", fallback: "the stage's setting" },
  {
    flags: "--compression-level <N>",
    description: "1 (fast) to 9 (small), for zstd to 19",
    fallback: "the stage's setting",
  },
  { flags: "--kms-key-id <KEY>", description: "SSE-KMS key for the archive: an id, ARN or alias" },
];

export const restoreFields: readonly OptionSpec[] = [
  ...places,
  {
    flags: "--restore-mode <MODE>",
    description:
      "empty-only refuses a table that holds items; merge overwrites items with the same key; if-absent never overwrites",
    fallback: "empty-only",
  },
  {
    flags: "--write-units <N>",
    description: "ceiling for the whole task, units a second",
    fallback: "half of a provisioned table's capacity",
  },
  {
    flags: "--manifest-keys <HOW>",
    description:
      "own refuses an archive that was moved; rebase reads it at its new prefix; as-listed reads the keys in its manifest",
    fallback: "own",
  },
  onlyOption("the items with this key; up to 100 keys"),
  { flags: "--out-of-order", description: "accept an older incremental export after a newer one" },
  {
    flags: "--increments <PREFIX>",
    description:
      "an incremental export that follows the full one, its prefix or URL, repeated in order: the table as it was at the end of the last one",
    repeatable: true,
  },
  {
    flags: "--until <TIME>",
    description:
      "find the incremental exports beside the full one that lead to this time or the latest before it, in UTC as 2026-11-01T02:00:00Z",
  },
  {
    flags: "--create-table",
    description: "create the table with the settings of the backed-up one; a table of that name is refused",
  },
  {
    flags: "--table-settings <WHICH>",
    description:
      "with --create-table: none is the primary key alone, keys adds the indexes, all has every setting in the archive",
    fallback: "all",
  },
  {
    flags: "--billing-mode <MODE>",
    description: "with --create-table: on-demand or provisioned",
    fallback: "the backed-up table's",
  },
  {
    flags: "--table-class <CLASS>",
    description: "with --create-table: standard or standard-infrequent-access",
    fallback: "the backed-up table's",
  },
];

export const sending: readonly OptionSpec[] = [
  { flags: "--dry-run", description: "check it, print the event and what it would do, and send nothing" },
  { flags: "--wait", description: "show the progress until the task ends", fallback: "on a terminal" },
  { flags: "--detach", description: "print the task's id once Ferry has accepted it", fallback: "elsewhere" },
  {
    flags: "--request-id <ID>",
    description: "the id of this request; the same id within 15 minutes is the same task",
  },
];

/** The request field of each option, with its values as the request has them. Other values stay texts, which the schema refuses. */
export function requestFields(
  options: Readonly<Record<string, unknown>>,
  specs: readonly OptionSpec[],
): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const { flags } of specs) {
    const field = /^--([a-z-]+)/.exec(flags)![1]!;
    const value = options[field.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())];
    if (value === undefined) continue;
    const isNumber =
      / <(N|BYTES)>$/.test(flags) && typeof value === "string" && /^-?\d+(\.\d+)?$/.test(value);
    fields[field] = isNumber ? Number(value) : value;
  }
  return fields;
}
