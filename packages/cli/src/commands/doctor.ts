import type { CommandSpec } from "../command.ts";

export const doctorCommand: CommandSpec = {
  name: "doctor",
  summary:
    "check credentials, region, what is deployed and running, permissions, quotas, a table and a bucket",
  description:
    "Each line is ✓, or says what to do. A line with - is a check that could not be made. To see whether you may put events, it puts one of the type FerryProbe, which no rule of Ferry matches. If your role may put requests only, it puts a request whose detail is not JSON, which EventBridge refuses. It reads quotas with lambda:GetAccountSettings and dynamodb:DescribeLimits, if your role may.",
  arguments: {},
  options: {
    "--table <NAME>": "also check that this table can be described",
    "--table-region <REGION>": { description: "the table's region", fallback: "--region" },
    "--bucket <NAME>": "also check that this bucket can be listed",
  },
  examples: { "ferry doctor --stage production --table orders --bucket archives": "before the first backup" },
  uses: "stage",
  json: "One Check a line. The exit code is 1 if one failed.",
  load: () => import("../run/doctor.ts"),
};
