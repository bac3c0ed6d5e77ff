/**
 * The options of the commands that read an archive.
 */
import type { OptionSpec } from "../command.ts";

export const reading: readonly OptionSpec[] = [
  {
    flags: "--manifest-keys <HOW>",
    description: "as for a restore; rebase reads an archive that was moved",
    choices: ["own", "rebase", "as-listed"],
    fallback: "own",
  },
  { flags: "--bucket-owner <ACCOUNT>", description: "the account that must own the bucket, 12 digits" },
];
