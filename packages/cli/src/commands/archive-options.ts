/**
 * The options of the commands that read an archive.
 */
import type { OptionSpecs } from "../command.ts";

export const reading: OptionSpecs = {
  "--manifest-keys <HOW>": {
    description: "as for a restore; rebase reads an archive that was moved",
    choices: ["own", "rebase", "as-listed"],
    fallback: "own",
  },
  "--bucket-owner <ACCOUNT>": "the account that must own the bucket, 12 digits",
};

/** `--only` of the commands that have it. */
export function onlyOption(what: string): OptionSpecs {
  return {
    "--only <JSON>": {
      description: `only ${what}: {"id":"a"}, {"id":{"S":"a"}}, or with a range of the sort key {"id":"a","n":{"from":1,"to":9}}`,
      repeatable: true,
    },
  };
}
