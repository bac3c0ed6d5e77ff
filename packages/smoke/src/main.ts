/**
 * `npm run smoke`: runs a backup, a restore and a dead message on a deployed stage, with tables that it creates and deletes.
 */
import { parseArgs } from "node:util";
import { CreateBucketCommand } from "@aws-sdk/client-s3";
import { deleteArchives } from "./archive.ts";
import { openEventListener } from "./event-listener.ts";
import { type DeployedStage, stageOf } from "./stage.ts";
import { type SmokeRun, type Step, steps } from "./steps.ts";
import { createTables, deleteTable } from "./tables.ts";
import { deleteRows } from "./tasks.ts";

const USAGE = `Checks that all parts of a deployed stage work together, and what only AWS can show.

  npm run smoke -- --stage NAME --bucket NAME [--region REGION] [--handoffs]
  npm run smoke -- --local

  --stage NAME     the stage. Its settings must list the tables ferry-NAME-smoke (backup) and
                   ferry-NAME-smoke-restored (restore), and the bucket in both; the tables are created and deleted
  --bucket NAME    a bucket in the stage's region; archives go under ferry-smoke/ and are deleted
  --region REGION  the stage's region; default AWS_REGION
  --handoffs       also runs a backup of 20 handoffs, which takes several minutes; the stage needs
                   sliceBudgetSeconds 10 and maxHandoffsWithoutProgress 1000
  --local          run the steps that the local host supports, on a local host`;

const values = read(process.argv.slice(2));

/** Reads the options. An unknown one ends the process with code 2 and the reason. */
function read(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        stage: { type: "string" },
        bucket: { type: "string" },
        region: { type: "string" },
        handoffs: { type: "boolean", default: false },
        local: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    process.exit(refuse((error as Error).message));
  }
}

/** Prints why the options are refused. Returns the exit code. */
function refuse(reason: string): number {
  console.error(`${reason}\nnpm run smoke -- --help lists the options.`);
  return 2;
}

if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
process.exit(await main());

async function main(): Promise<number> {
  const run = Date.now().toString(36);
  const isNamed = values.stage !== undefined || values.bucket !== undefined || values.region !== undefined;
  if (values.local && (isNamed || values.handoffs)) {
    return refuse("--local cannot be combined with other options: it creates its own stage and bucket.");
  }
  if (values.local) {
    const { startHost } = await import("@ferry/local/host");
    // The handlers' logs would hide the output of the steps.
    process.env["POWERTOOLS_LOG_LEVEL"] ??= "SILENT";
    process.env["POWERTOOLS_METRICS_DISABLED"] ??= "true";
    const host = await startHost({ stage: "smoke" });
    const stage = stageOf({ name: "smoke", region: host.homeRegion, bucket: "ferry-smoke", run });
    await stage.s3.send(new CreateBucketCommand({ Bucket: stage.bucket }));
    return runSteps(stage, true).finally(() => host.stop());
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
    return refuse(`Missing: ${missing.join(", ")}.`);
  }
  return runSteps(stageOf({ name: values.stage, region, bucket: values.bucket, run }), false);
}

async function runSteps(stage: DeployedStage, local: boolean): Promise<number> {
  // For the handoffs the backup must take long enough: 3 MB at 8 KB per second.
  const size = values.handoffs ? { items: 10, bytes: 300_000 } : { items: 50, bytes: 200 };
  console.log(`Stage ${stage.name} in ${stage.region}, run ${stage.run}`);
  const undo: (() => Promise<void>)[] = [];
  let failures = 0;
  try {
    // Delete only the tables that this run created.
    await createTables(stage, size, (table) => undo.push(() => deleteTable(stage, table)));
    const listener = local ? undefined : await openEventListener(stage);
    if (listener !== undefined) undo.push(() => listener.close());
    const run: SmokeRun = {
      stage,
      handoffs: values.handoffs,
      tasks: [],
      ...(listener !== undefined && { listener }),
    };
    undo.push(
      () => deleteArchives(stage),
      async () => {
        for (const task of run.tasks) await deleteRows(stage, task);
      },
    );
    for (const step of steps) if (!(await runStep(step, run))) failures++;
  } catch (error) {
    console.error(`✗ ${messageOf(error)}`);
    failures++;
  }
  for (const step of undo.reverse())
    await step().catch((error: unknown) => {
      console.error(`✗ clean-up failed: ${messageOf(error)}`);
      failures++;
    });
  console.log(failures === 0 ? "All steps succeeded; everything is cleaned up." : `${failures} failed.`);
  return failures === 0 ? 0 : 1;
}

/** Runs a step unless its needs are not met. Returns false if it failed. */
async function runStep(step: Step, run: SmokeRun): Promise<boolean> {
  if (step.needs !== undefined && run.listener === undefined) {
    console.log(`- ${step.name}: skipped, needs AWS`);
    return true;
  }
  if (step.needs === "handoffs" && !run.handoffs) {
    console.log(`- ${step.name}: skipped, needs --handoffs`);
    return true;
  }
  try {
    console.log(`✓ ${step.name}: ${await step.run(run)}`);
    return true;
  } catch (error) {
    console.log(`✗ ${step.name}: ${messageOf(error)}`);
    return false;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}
