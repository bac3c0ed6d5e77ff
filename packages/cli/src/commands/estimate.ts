import type { CommandSpec } from "../command.ts";

export const estimateCommand: CommandSpec = {
  name: "estimate",
  summary: "estimate how long a backup or a restore takes and what it costs, beside DynamoDB's own ways",
  description:
    "From DynamoDB's size of the table, up to six hours old, and list prices of us-east-1. Durations are ranges; where AWS gives none, there is none.",
  arguments: { TABLE: "a table's name, or an ARN" },
  options: [
    { flags: "--restore", description: "estimate a restore of as many items into such a table" },
    { flags: "--table-region <REGION>", description: "the table's region", fallback: "--region" },
    {
      flags: "--bucket-region <REGION>",
      description: "the bucket's region, for the price of the transfer",
      fallback: "the table's",
    },
    { flags: "--total-segments <N>", description: "number of parallel segments", fallback: "from the size" },
    { flags: "--read-units <N>", description: "ceiling of a backup, units a second" },
    { flags: "--write-units <N>", description: "ceiling of a restore, units a second" },
    { flags: "--consistent-read", description: "a strongly consistent backup" },
  ],
  examples: {
    "ferry estimate orders": "a backup, an export, an on-demand backup, AWS Backup",
    "ferry estimate orders --restore --write-units 2000": "a restore, an import, a bulk put",
  },
  uses: "aws",
  json: "One Estimate.",
  load: () => import("../run/estimate.ts"),
};
