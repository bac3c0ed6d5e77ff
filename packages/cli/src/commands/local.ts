import type { CommandSpec } from "../command.ts";

export const localCommand: CommandSpec = {
  name: "local",
  summary: "run Ferry on this machine until Ctrl-C, for the other commands with --local",
  description:
    "Only in a clone: the installed package does not contain the local host. It is `npm run local`.",
  arguments: {},
  options: {
    "--port <N>": { description: "the port to listen on; 0: a free port", fallback: "4650" },
    "--sample": "create a table with 3,000 cities, an empty one, and a bucket",
    "--dynamodb <URL>":
      "use another DynamoDB engine, such as DynamoDB Local, for all tables except Ferry's own",
    "--s3 <URL>": "use another S3 engine for all buckets",
  },
  examples: { "ferry local --sample": "then, in another terminal, ferry tasks --local" },
  uses: "nothing",
  load: () => import("../run/local.ts"),
};
