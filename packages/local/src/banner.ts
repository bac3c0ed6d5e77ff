/**
 * The text that `npm run local` prints: export lines for a shell, the rest as comments.
 */
import { localHost } from "@ferry/core/local-host";
import type { Host } from "./host.ts";

/** Returns the text, for a shell whose environment is `shell`. `eval "$(grep ^export FILE)"` sets the shell up. */
export function banner(
  { env, names, endpoint, homeRegion }: Pick<Host, "env" | "names" | "endpoint" | "homeRegion">,
  shell: NodeJS.ProcessEnv,
): string {
  const client = Object.entries(env).filter(([name]) => name.startsWith("AWS_"));
  const exports = [
    ...client,
    [localHost.variable, endpoint],
    ["FERRY_BUS", names.bus],
    ["FERRY_REQUEST_QUEUE_URL", names.queueUrl("request-queue")],
    ["FERRY_BACKUP_TABLE", names.table("backup-table")],
    ["FERRY_RESTORE_TABLE", names.table("restore-table")],
    ["FERRY_SEGMENT_TABLE", names.table("segment-table")],
    ...proxyExclusions(shell),
  ].map(([name, value]) => `export ${name}=${value}`);
  const place = { "bucket-region": "eu-west-1", "bucket-name": "archives", "bucket-prefix": "songs/first" };
  const backup = { action: "backup", "table-region": homeRegion, "table-name": "songs", ...place };
  const restore = { action: "restore", "table-region": "eu-west-1", "table-name": "songs-copy", ...place };
  const Detail = JSON.stringify({ request: backup });
  const entries = [{ EventBusName: names.bus, Source: "me", DetailType: "TaskRequested", Detail }];

  return `# Ferry is running at ${endpoint}: all services, all regions. Home region: ${homeRegion}.
# It is for trials and tests: all data is in memory and is lost when it stops. Ctrl-C stops it.
# In another shell (without AWS_PROFILE):

${exports.join("\n")}

# To try it, create a table and a bucket:
#
#   aws dynamodb create-table --table-name songs --billing-mode PAY_PER_REQUEST \\
#     --attribute-definitions AttributeName=id,AttributeType=S --key-schema AttributeName=id,KeyType=HASH
#   aws dynamodb put-item --table-name songs --item '{"id":{"S":"1"},"title":{"S":"Yes"}}'
#   aws s3 mb s3://archives --region eu-west-1
#
# Back it up, watch it, list and verify the archive:
#
#   npx ferry backup songs s3://archives/songs/zero --wait
#   npx ferry archives s3://archives
#   npx ferry verify s3://archives/songs/zero --against songs
#
# Other systems request a backup with an event:
#
#   aws events put-events --entries '${JSON.stringify(entries)}'
#
# Show its state and its archive:
#
#   aws dynamodb scan --table-name ${names.table("backup-table")} \\
#     --projection-expression '#key,#state' --expression-attribute-names '{"#key":"key","#state":"state"}'
#   aws s3 ls --recursive s3://archives --region eu-west-1
#
# Request a restore into another table in another region, with a message:
#
#   aws dynamodb create-table --region eu-west-1 --table-name songs-copy --billing-mode PAY_PER_REQUEST \\
#     --attribute-definitions AttributeName=id,AttributeType=S --key-schema AttributeName=id,KeyType=HASH
#   aws sqs send-message --queue-url "$FERRY_REQUEST_QUEUE_URL" --message-body \\
#     '${JSON.stringify(restore)}'
#   aws dynamodb scan --table-name ${names.table("restore-table")}
#   aws dynamodb scan --table-name songs-copy --region eu-west-1
`;
}

/** If a proxy is set, clients would send requests for 127.0.0.1 to it. */
function proxyExclusions(shell: NodeJS.ProcessEnv): [string, string][] {
  if (!Object.keys(shell).some((name) => /^(https?|all)_proxy$/i.test(name))) return [];
  const others = (shell["no_proxy"] ?? shell["NO_PROXY"] ?? "").replaceAll(/\s/g, "");
  const value = others === "" ? "127.0.0.1" : `${others},127.0.0.1`;
  // Some tools read one of the two, some the other.
  return [
    ["no_proxy", value],
    ["NO_PROXY", value],
  ];
}
