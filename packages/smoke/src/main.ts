/**
 * `npm run smoke`: runs a backup, a restore and a dead message on a deployed stage, with tables that it creates and deletes.
 */
import { CreateBucketCommand } from "@aws-sdk/client-s3";
import { messageOf } from "@ferry/core/errors/errors";
import { npmScript } from "@ferry/terminal/npm-script";
import { deleteArchives } from "./archive.ts";
import { openEventListener } from "./event-listener.ts";
import { runStep } from "./run-step.ts";
import { type DeployedStage, openDeployedStage } from "./stage.ts";
import { type SmokeRun, steps } from "./steps.ts";
import { createTables, deleteTable } from "./tables.ts";
import { deleteRows } from "./tasks.ts";

const values = npmScript(
  "smoke",
  "Checks that all parts of a deployed stage work together, and what only AWS can show.",
)
  .option(
    "--stage <NAME>",
    "the stage. Its settings must list the tables ferry-NAME-smoke (backup) and ferry-NAME-smoke-restored (restore), and the bucket in both; the tables are created and deleted",
  )
  .option("--bucket <NAME>", "a bucket in the stage's region; archives go under ferry-smoke/ and are deleted")
  .option("--region <REGION>", "the stage's region (default: AWS_REGION)")
  .option(
    "--handoffs",
    "also runs a backup of 20 handoffs, which takes several minutes; the stage needs sliceBudgetSeconds 10 and maxHandoffsWithoutProgress 1000",
    false,
  )
  .option(
    "--local",
    "run the steps that the local host can answer, on a local host; the others say that only AWS can show them",
    false,
  )
  .parse()
  .opts<{ stage?: string; bucket?: string; region?: string; handoffs: boolean; local: boolean }>();

/** Prints why the options are refused. Returns the exit code. */
function refuse(reason: string): number {
  console.error(`ferry smoke: ${reason}\n"npm run smoke -- --help" lists the options.`);
  return 2;
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
    const host = await startHost();
    const stage = await openDeployedStage({ local: host.endpoint }, { bucket: "ferry-smoke", run });
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
  const stage = await openDeployedStage({ stage: values.stage, region }, { bucket: values.bucket, run });
  return runSteps(stage, false);
}

function print(line: string): void {
  console.log(line);
}

async function runSteps(stage: DeployedStage, local: boolean): Promise<number> {
  // For the handoffs the backup must take long enough: 3 MB at 8 KB per second.
  const size = values.handoffs ? { items: 10, bytes: 300_000 } : { items: 50, bytes: 200 };
  console.log(`Stage ${stage.name} in ${stage.region}, run ${stage.run}`);
  const undo: (() => Promise<void>)[] = [];
  let failures = 0;
  try {
    const before: SmokeRun = { stage, isLocal: local, handoffs: values.handoffs, tasks: [] };
    for (const step of steps.filter((one) => one.isPrecondition))
      if (!(await runStep(step, before, print)))
        throw new Error("no other step can succeed, so none was run");
    // Delete only the tables that this run created.
    await createTables(stage, size, (table) => undo.push(() => deleteTable(stage, table)));
    const listener = await openEventListener(stage);
    undo.push(() => listener.close());
    const run: SmokeRun = { ...before, listener };
    undo.push(
      () => deleteArchives(stage),
      async () => {
        for (const task of run.tasks) await deleteRows(stage, task);
      },
    );
    for (const step of steps.filter((one) => !one.isPrecondition))
      if (!(await runStep(step, run, print))) failures++;
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
