/**
 * Checks that a caller can use a stage: credentials, region, what is deployed, and what a task would read and write. Nothing is
 * written, so the permission to put events is not tried.
 */
import { DescribeEventBusCommand } from "@aws-sdk/client-eventbridge";
import { DescribePipeCommand } from "@aws-sdk/client-pipes";
import { nameOf, translateErrors } from "@ferry/aws/errors";
import type { TableAddress } from "@ferry/core/addresses";
import { pipes, type TableName, tables } from "@ferry/core/topology";
import { bucketAt } from "./archive/open-archive.ts";
import { ClientError, explained } from "./client-error.ts";
import { bucketRegion } from "./request.ts";
import { openStage, type Stage, type StageOptions } from "./stage.ts";

export interface Check {
  readonly name: string;
  readonly state: "ok" | "failed" | "skipped";
  readonly detail: string;
  readonly hint?: string;
}

export interface DoctorOptions {
  /** A table that a task would read or write. */
  readonly table?: TableAddress;
  /** A bucket with archives. */
  readonly bucket?: string;
}

/** Yields each check when it is done. If the stage's own set-up is wrong, that is the only check. */
export async function* examine(
  options: StageOptions,
  { table, bucket }: DoctorOptions = {},
): AsyncGenerator<Check, void, void> {
  let stage: Stage;
  try {
    stage = await openStage(options);
  } catch (error) {
    yield failed("set-up", error);
    return;
  }
  const { access, region, name } = stage;
  const isLocal = access.local !== undefined;
  yield {
    name: "stage",
    state: "ok",
    detail: `${name} in ${region}${isLocal ? `, the local host at ${access.local}` : ""}`,
  };
  yield await check("credentials", async () => {
    const { accessKeyId } = await access.dynamodb(region).config.credentials();
    return `access key ${accessKeyId}`;
  });
  for (const key of Object.keys(tables) as TableName[])
    yield await check(key, async () => {
      const { status } = await access.describe({ region, name: stage.table(key) });
      if (status !== "ACTIVE") throw broken(`${stage.table(key)} is ${status}.`, "Wait until it is ACTIVE.");
      return `${stage.table(key)} is ${status}`;
    });
  if (isLocal)
    yield { name: "bus and Pipes", state: "skipped", detail: "the local host has both while it runs" };
  else {
    yield await check("bus", async () => {
      await access.events(region).send(new DescribeEventBusCommand({ Name: stage.bus }));
      return `${stage.bus} exists`;
    });
    for (const key of Object.keys(pipes))
      yield await check(`Pipe ${key}`, () => pipeState(stage, `ferry-${name}-${key}`));
  }
  if (table !== undefined)
    yield await check(`table ${table.name}`, async () => {
      const { status, itemCount } = await access.describe(table);
      return `${status}, about ${itemCount} items, in ${table.region}`;
    });
  if (bucket !== undefined)
    yield await check(`bucket ${bucket}`, async () => {
      const found = await bucketRegion(access, bucket);
      await access.archive.list(await bucketAt(access, bucket, undefined), "", { limit: 1 });
      return `it can be listed, in ${found}`;
    });
}

async function pipeState({ access, region }: Stage, Name: string): Promise<string> {
  const { CurrentState, StateReason } = await translateErrors(
    { operation: "DescribePipe", resource: `Pipe ${Name}` },
    () => access.pipes(region).send(new DescribePipeCommand({ Name })),
  );
  if (CurrentState === "RUNNING") return `${Name} is RUNNING`;
  throw broken(
    `${Name} is ${CurrentState}: ${StateReason ?? "no reason given"}.`,
    `Remove the cause, then run \`aws pipes start-pipe --name ${Name}\`.`,
  );
}

function broken(message: string, hint: string): ClientError {
  return new ClientError("failed", "not-running", { message, hint });
}

async function check(name: string, run: () => Promise<string>): Promise<Check> {
  try {
    return { name, state: "ok", detail: await run() };
  } catch (error) {
    return failed(name, error);
  }
}

function failed(name: string, error: unknown): Check {
  const missing = nameOf(error) === "ResourceNotFoundException" || nameOf(error) === "NotFoundException";
  const { message, hint } = missing
    ? { message: "it does not exist.", hint: "Check --stage, --region and --profile, or deploy the stage." }
    : explained(error, { operation: "check", resource: name });
  return { name, state: "failed", detail: message, hint };
}
