import type { CommandSpec } from "../command.ts";

export const archivesCommand: CommandSpec = {
  name: "archives",
  summary: "list the archives in a bucket or under a prefix",
  description: "Also lists DynamoDB's own exports, and backups that are not sealed.",
  arguments: { S3URL: "s3://BUCKET or s3://BUCKET/PREFIX" },
  options: {},
  examples: { "ferry archives s3://archives/nightly/orders": "with table, time, items and size" },
  uses: "aws",
  json: "One ListedArchive a line, in the order of their keys.",
  load: () => import("../run/archives.ts"),
};
