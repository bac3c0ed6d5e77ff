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

/** `--only` of the commands that have it. */
export function onlyOption(what: string): OptionSpec {
  return {
    flags: "--only <JSON>",
    description: `only ${what}: {"id":"a"}, {"id":{"S":"a"}}, or with a range of the sort key {"id":"a","n":{"from":1,"to":9}}`,
    repeatable: true,
  };
}
