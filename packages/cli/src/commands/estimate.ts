import type { CommandSpec } from "../command.ts";

export const estimateCommand: CommandSpec = {
  name: "estimate",
  summary: "estimate how long a backup or a restore takes and what it costs, beside DynamoDB's own ways",
  description:
    "From DynamoDB's size of the table, up to six hours old, and list prices of us-east-1. Durations are ranges; where AWS gives none, there is none.",
  arguments: { TABLE: "a table's name, or an ARN" },
  options: {
    "--restore": "estimate a restore of as many items into such a table",
    "--table-region <REGION>": { description: "the table's region", fallback: "--region" },
    "--bucket-region <REGION>": {
      description: "the bucket's region, for the price of the transfer",
      fallback: "the table's",
    },
    "--total-segments <N>": { description: "number of parallel segments", fallback: "from the size" },
    "--read-units <N>": "ceiling of a backup, units a second",
    "--write-units <N>": "ceiling of a restore, units a second",
    "--consistent-read": "a strongly consistent backup",
  },
  examples: {
    "ferry estimate orders": "a backup, an export, an on-demand backup, AWS Backup",
    "ferry estimate orders --restore --write-units 2000": "a restore, an import, a bulk put",
  },
  uses: "aws",
  json: "One Estimate.",
  load: () => import("../run/estimate.ts"),
};
