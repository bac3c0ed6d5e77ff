/**
 * The options of backup and restore: one for each field of a request, with the field's name, and how to send it.
 */
import type { OptionSpecs } from "../command.ts";
import { onlyOption } from "./archive-options.ts";

const places: OptionSpecs = {
  "--table-region <REGION>": { description: "the table's region", fallback: "--region" },
  "--bucket-region <REGION>": { description: "the bucket's region", fallback: "read from the bucket" },
  "--bucket-owner <ACCOUNT>": "the account that must own the bucket, 12 digits",
  "--total-segments <N>": { description: "number of parallel segments", fallback: "from the size" },
};

export const backupFields: OptionSpecs = {
  ...places,
  "--consistent-read": "strongly consistent scan, at twice the read cost",
  "--read-units <N>": {
    description: "ceiling for the whole task, units a second",
    fallback: "half of a provisioned table's capacity",
  },
  "--batch-bytes <BYTES>": {
    description: "uncompressed size of a data file; at least 1 MiB, unless the table is smaller",
    fallback: "33554432",
  },
  "--compression <NAME>": { description: "gzip or zstd", fallback: "the stage's setting" },
  "--compression-level <N>": {
    description: "1 (fast) to 9 (small), for zstd to 19",
    fallback: "the stage's setting",
  },
  "--kms-key-id <KEY>": "SSE-KMS key for the archive: an id, ARN or alias",
};

export const restoreFields: OptionSpecs = {
  ...places,
  "--restore-mode <MODE>": {
    description:
      "empty-only refuses a table that holds items; merge overwrites items with the same key; if-absent never overwrites",
    fallback: "empty-only",
  },
  "--write-units <N>": {
    description: "ceiling for the whole task, units a second",
    fallback: "half of a provisioned table's capacity",
  },
  "--manifest-keys <HOW>": {
    description:
      "own refuses an archive that was moved; rebase reads it at its new prefix; as-listed reads the keys in its manifest",
    fallback: "own",
  },
  ...onlyOption("the items with this key; up to 100 keys"),
  "--out-of-order": "accept an older incremental export after a newer one",
  "--increments <PREFIX>": {
    description:
      "an incremental export that follows the full one, its prefix or URL, repeated in order: the table as it was at the end of the last one",
    repeatable: true,
  },
  "--until <TIME>":
    "find the incremental exports beside the full one that lead to this time or the latest before it, in UTC as 2026-11-01T02:00:00Z",
  "--create-table":
    "create the table with the settings of the backed-up one; a table of that name is refused",
  "--table-settings <WHICH>": {
    description:
      "with --create-table: none is the primary key alone, keys adds the indexes, all has every setting in the archive",
    fallback: "all",
  },
  "--billing-mode <MODE>": {
    description: "with --create-table: on-demand or provisioned",
    fallback: "the backed-up table's",
  },
  "--table-class <CLASS>": {
    description: "with --create-table: standard or standard-infrequent-access",
    fallback: "the backed-up table's",
  },
};

export const sending: OptionSpecs = {
  "--dry-run": "check it, print the event and what it would do, and send nothing",
  "--wait": { description: "show the progress until the task ends", fallback: "on a terminal" },
  "--detach": { description: "print the task's id once Ferry has accepted it", fallback: "elsewhere" },
  "--request-id <ID>": "the id of this request; the same id within 15 minutes is the same task",
};

/** The request field of each option, with its values as the request has them. Other values stay texts, which the schema refuses. */
export function requestFields(
  options: Readonly<Record<string, unknown>>,
  specs: OptionSpecs,
): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const flags of Object.keys(specs)) {
    const field = /^--([a-z-]+)/.exec(flags)![1]!;
    const value = options[field.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())];
    if (value === undefined) continue;
    const isNumber =
      / <(N|BYTES)>$/.test(flags) && typeof value === "string" && /^-?\d+(\.\d+)?$/.test(value);
    fields[field] = isNumber ? Number(value) : value;
  }
  return fields;
}
