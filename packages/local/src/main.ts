/**
 * `npm run local`: runs Ferry on this machine until Ctrl-C.
 */
import { messageOf } from "@ferry/core/errors/errors";
import { localHost } from "@ferry/core/local-host";
import { npmScript, wholeNumberFrom } from "@ferry/terminal/npm-script";
import { onStopSignal } from "@ferry/terminal/stop-signals";
import { banner, commandsFor } from "./banner.ts";
import { type EngineOptions, engineOptions, readEngineUrl } from "./engine-options.ts";
import { type Host, startHost } from "./host.ts";
import { exitWhenOrphaned } from "./orphan-guard.ts";
import { readOtherEngines } from "./other-engines.ts";
import { createSample, sample } from "./sample.ts";
import { taskLogLine } from "./task-log.ts";

const values = npmScript(
  "local",
  "Runs Ferry on this machine: DynamoDB, S3, SQS and EventBridge on one port of 127.0.0.1, in every region, and Ferry's workers. All data is in memory. It is for trials and tests.",
  "It prints export lines for a stock AWS CLI or SDK. Ctrl-C stops it and leaves nothing behind.",
)
  .option(
    "--port <N>",
    "the port to listen on; 0: a free port; `ferry --local` finds the default",
    wholeNumberFrom(0, 65_535),
    localHost.port,
  )
  .option("--sample", `create a table with ${sample.source.items} cities, an empty one, and a bucket`)
  .option(engineOptions.dynamodb.flags, engineOptions.dynamodb.about, readEngineUrl)
  .option(engineOptions.s3.flags, engineOptions.s3.about, readEngineUrl)
  .parse()
  .opts<{ port: number; sample?: boolean } & EngineOptions>();
const { port } = values;

let host: Host | undefined;
let isStopping = false;
onStopSignal(() => void stop());
void exitWhenOrphaned(() => void stop());

try {
  const others = await readOtherEngines(values, process.env);
  if (others.otherDynamoDb !== undefined)
    console.log(`# Tables are in ${others.otherDynamoDb}, except Ferry's own.`);
  if (others.otherS3 !== undefined) console.log(`# Buckets are in ${others.otherS3}.`);
  host = await startHost({
    port,
    ...others,
    onLogged: (event) => console.log(`# ${taskLogLine(event)}`),
  });
} catch (error) {
  fail(messageOf(error));
}
host.failed.catch((error: unknown) =>
  fail(error instanceof Error ? (error.stack ?? error.message) : String(error)),
);
if (values.sample) {
  await createSample();
  const { source, copy, bucket } = sample;
  console.log(banner(host, process.env, commandsFor(source, copy, bucket)));
} else console.log(banner(host, process.env));

async function stop(): Promise<void> {
  if (isStopping) return;
  isStopping = true;
  await host?.stop();
  process.exit(0);
}

function fail(message: string): never {
  console.error(`ferry local: ${message}`);
  process.exit(1);
}
