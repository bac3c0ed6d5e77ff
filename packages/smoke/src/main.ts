/**
 * `npm run smoke`: a backup, a restore and a dead message on a deployed stage, with tables of its own, and all of it
 * taken away again.
 */
import { parseArgs } from "node:util";
import { CreateBucketCommand } from "@aws-sdk/client-s3";
import { deleteArchives } from "./archive.ts";
import { openEventListener } from "./event-listener.ts";
import { type Stage, stageOf } from "./stage.ts";
import { type Step, steps, type Trial } from "./steps.ts";
import { createTables, deleteTable } from "./tables.ts";
import { forget } from "./tasks.ts";

const USAGE = `Tries a deployed stage: what only AWS can show, and that all parts meet.

  npm run smoke -- --stage NAME --bucket NAME [--region REGION] [--hops]
  npm run smoke -- --local

  --stage NAME     the stage. Its settings must list the tables ferry-NAME-smoke (backup) and
                   ferry-NAME-smoke-restored (restore), and the bucket in both; the tables are made and deleted
  --bucket NAME    a bucket in the stage's region; archives go under ferry-smoke/ and are deleted
  --region REGION  the stage's region; default AWS_REGION
  --hops           also lets a worker continue itself 20 times: several minutes, on a stage with
                   sliceBudgetSeconds 10 and maxHandoffsWithoutProgress 1000
  --local          against the local host, as far as that can answer`;

const values = read(process.argv.slice(2));

/** The options; what is none of them is told in one line, with all that are. */
function read(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        stage: { type: "string" },
        bucket: { type: "string" },
        region: { type: "string" },
        hops: { type: "boolean", default: false },
        local: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    console.error(`${USAGE}\n\n${(error as Error).message}`);
    process.exit(2);
  }
}

if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
process.exit(await main());

async function main(): Promise<number> {
  const run = Date.now().toString(36);
  const isNamed = values.stage !== undefined || values.bucket !== undefined || values.region !== undefined;
  if (values.local && (isNamed || values.hops)) {
    console.error(`${USAGE}\n\n--local goes alone: it makes a stage and a bucket of its own.`);
    return 2;
  }
  if (values.local) {
    const { startHost } = await import("@ferry/local/host");
    // The handlers' own logs would drown what is told here.
    process.env["POWERTOOLS_LOG_LEVEL"] ??= "SILENT";
    process.env["POWERTOOLS_METRICS_DISABLED"] ??= "true";
    const host = await startHost({ stage: "smoke" });
    const stage = stageOf({ name: "smoke", region: host.homeRegion, bucket: "ferry-smoke", run });
    await stage.s3.send(new CreateBucketCommand({ Bucket: stage.bucket }));
    return trial(stage, true).finally(() => host.stop());
  }
  const region = values.region ?? process.env["AWS_REGION"];
  if (values.stage === undefined || values.bucket === undefined || region === undefined) {
    const { stage, bucket } = values;
    const missing = Object.entries({
      "--stage": stage,
      "--bucket": bucket,
      "--region (or AWS_REGION)": region,
    })
      .filter(([, value]) => value === undefined)
      .map(([name]) => name);
    console.error(`${USAGE}\n\nMissing: ${missing.join(", ")}.`);
    return 2;
  }
  return trial(stageOf({ name: values.stage, region, bucket: values.bucket, run }), false);
}

async function trial(stage: Stage, local: boolean): Promise<number> {
  // For the hand-offs the table must last: 3 MB at 8 KB a second.
  const size = values.hops ? { items: 10, bytes: 300_000 } : { items: 50, bytes: 200 };
  console.log(`Stage ${stage.name} in ${stage.region}, run ${stage.run}`);
  const undo: (() => Promise<void>)[] = [];
  let failures = 0;
  try {
    // What was there before is not ours to delete.
    await createTables(stage, size, (table) => undo.push(() => deleteTable(stage, table)));
    const tap = local ? undefined : await openEventListener(stage);
    if (tap !== undefined) undo.push(() => tap.close());
    const about: Trial = { stage, hops: values.hops, tasks: [], ...(tap !== undefined && { tap }) };
    undo.push(
      () => deleteArchives(stage),
      async () => {
        for (const task of about.tasks) await forget(stage, task);
      },
    );
    for (const step of steps) if (!(await tried(step, about))) failures++;
  } catch (error) {
    console.error(`✗ ${messageOf(error)}`);
    failures++;
  }
  for (const step of undo.reverse())
    await step().catch((error: unknown) => {
      console.error(`✗ not cleaned up: ${messageOf(error)}`);
      failures++;
    });
  console.log(failures === 0 ? "All that was tried works; cleaned up." : `${failures} did not work.`);
  return failures === 0 ? 0 : 1;
}

/** Runs a step, if this is the place for it. False: it failed. */
async function tried(step: Step, about: Trial): Promise<boolean> {
  if (step.needs !== undefined && about.tap === undefined) {
    console.log(`- ${step.name}: only AWS can show it`);
    return true;
  }
  if (step.needs === "hops" && !about.hops) {
    console.log(`- ${step.name}: not tried; with --hops`);
    return true;
  }
  try {
    console.log(`✓ ${step.name}: ${await step.run(about)}`);
    return true;
  } catch (error) {
    console.log(`✗ ${step.name}: ${messageOf(error)}`);
    return false;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}
