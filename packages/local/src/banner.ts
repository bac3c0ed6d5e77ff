/**
 * The text that `npm run local` and `npm run demo -- --keep` print: export lines for a shell, the rest as comments.
 */
import { localHost } from "@ferry/core/local-host";
import type { Host } from "./host.ts";

type Named = Pick<Host, "env" | "names" | "endpoint" | "homeRegion">;

/** Returns the text, for a shell whose environment is `shell`. `eval "$(grep ^export FILE)"` sets the shell up. `examples` are commands to try, as comments. */
export function banner(host: Named, shell: NodeJS.ProcessEnv, examples: string = songs(host)): string {
  const { env, names, endpoint, homeRegion } = host;
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

  return `# Ferry is running at ${endpoint}: all services, all regions. Home region: ${homeRegion}.
# It is for trials and tests: all data is in memory and is lost when it stops. Ctrl-C stops it.
# In another shell (without AWS_PROFILE):

${exports.join("\n")}

${examples}`;
}

interface Place {
  readonly region: string;
  readonly table: string;
}

/** Commands for a table and an empty or restored copy of it that exist, and the bucket of their archives. */
export function commandsFor(source: Place, copy: Place, bucket: string): string {
  const from = `--table-region ${source.region}`;
  const to = `--table-region ${copy.region}`;
  return `# Tables: ${source.table} in ${source.region}, ${copy.table} in ${copy.region}. Bucket: ${bucket}. To try it:
#
#   npx ferry backup ${source.table} s3://${bucket}/{table}/again ${from} --wait
#   npx ferry archives s3://${bucket}
#   npx ferry inspect s3://${bucket}/${source.table}/again
#   npx ferry cat s3://${bucket}/${source.table}/again --limit 3
#   npx ferry restore s3://${bucket}/${source.table}/again ${copy.table} ${to} --restore-mode merge --yes --wait
#   npx ferry verify s3://${bucket}/${source.table}/again --against ${copy.table} ${to}
#   npx ferry tasks
#   npx ferry doctor --table ${source.table} ${from} --bucket ${bucket}
#
# \`npx ferry events\` follows the bus until Ctrl-C. With the AWS CLI:
#
#   aws dynamodb scan --table-name ${copy.table} --region ${copy.region} --max-items 1
#   aws s3 ls --recursive s3://${bucket}
`;
}

/** Commands that create tables and a bucket, for a host without any. */
function songs({ names, homeRegion }: Named): string {
  const place = { "bucket-region": "eu-west-1", "bucket-name": "archives", "bucket-prefix": "songs/first" };
  const backup = { action: "backup", "table-region": homeRegion, "table-name": "songs", ...place };
  const restore = { action: "restore", "table-region": "eu-west-1", "table-name": "songs-copy", ...place };
  const Detail = JSON.stringify({ request: backup });
  const entries = [{ EventBusName: names.bus, Source: "me", DetailType: "TaskRequested", Detail }];
  return `# To try it, create a table and a bucket:
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
# \`npx ferry events\` prints a line for each event on the bus, until Ctrl-C.
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
