/**
 * Checks that a caller can use a stage: credentials, region, what is deployed, the permission to put events, quotas, and what a
 * task would read and write. Nothing is written, except an event that no rule of Ferry matches.
 */
import { DescribeEventBusCommand } from "@aws-sdk/client-eventbridge";
import { nameOf } from "@ferry/aws/errors";
import type { TableAddress } from "@ferry/core/request/addresses";
import { pipes, type TableName, tables } from "@ferry/core/topology";
import { bucketAt } from "../archive/open-archive.ts";
import { ClientError, explained } from "../client-error.ts";
import type { ClientErrorCode } from "../client-error-codes.ts";
import { mayPutEvents, onBus } from "../events/events.ts";
import { bucketRegion } from "../task/request.ts";
import { readPipe } from "./pipe-states.ts";
import { CONCURRENT_MAX, lambdaQuota, tableQuota } from "./quotas.ts";
import { openStage, type Stage, type StageOptions } from "./stage.ts";

export interface Check {
  readonly name: string;
  /** `warning`: it works, but not as well as it could. */
  readonly state: "ok" | "warning" | "failed" | "skipped";
  readonly detail: string;
  readonly hint?: string;
  /** Of a failure: the code of its error. */
  readonly code?: ClientErrorCode;
}

/** The codes of errors for which every other call would fail, too. */
const OF_ALL_CALLS: ReadonlySet<string | undefined> = new Set([
  "no-credentials",
  "credentials-expired",
  "credentials-refused",
  "wrong-clock",
  "no-connection",
  "no-local-host",
]);
const THE_OTHERS: Check = {
  name: "other checks",
  state: "skipped",
  detail: "they would fail for the same reason",
};

export interface DoctorOptions {
  /** A table that a task would read or write. */
  readonly table?: TableAddress;
  /** A bucket with archives. */
  readonly bucket?: string;
}

/** Yields each check when it is done. If the stage's own set-up is wrong, that is the only check. */
export async function* examine(
  options: StageOptions,
  checked: DoctorOptions = {},
): AsyncGenerator<Check, void, void> {
  let stage: Stage;
  try {
    stage = await openStage(options);
  } catch (error) {
    yield failed("set-up", error);
    return;
  }
  yield* examineStage(stage, checked);
}

/** Yields each check of a stage when it is done. A failure that concerns every call is the last one. */
export async function* examineStage(
  stage: Stage,
  { table, bucket }: DoctorOptions = {},
): AsyncGenerator<Check, void, void> {
  const { access, region, name } = stage;
  const isLocal = access.local !== undefined;
  yield {
    name: "stage",
    state: "ok",
    detail: `${name} in ${region}${isLocal ? `, the local host at ${access.local}` : ""}`,
  };
  const first = [
    () =>
      check("credentials", async () => {
        const { accessKeyId } = await access.dynamodb(region).config.credentials();
        return `access key ${accessKeyId}`;
      }),
    ...(Object.keys(tables) as TableName[]).map((key) => () => check(key, () => tableState(stage, key))),
  ];
  for (const run of first) {
    const done = await run();
    yield done;
    if (!OF_ALL_CALLS.has(done.code)) continue;
    yield THE_OTHERS;
    return;
  }
  if (isLocal)
    yield { name: "bus and Pipes", state: "skipped", detail: "the local host has both while it runs" };
  else {
    yield await checkIfAllowed("bus", async () => {
      await onBus(stage, "DescribeEventBus", (events) =>
        events.send(new DescribeEventBusCommand({ Name: stage.bus })),
      );
      return `${stage.bus} exists`;
    });
    for (const key of Object.keys(pipes))
      yield await checkIfAllowed(`Pipe ${key}`, () => pipeState(stage, key));
  }
  yield await check("PutEvents", () => putPermission(stage));
  const tableRegion = table?.region ?? region;
  if (isLocal) yield { name: "quotas", state: "skipped", detail: "the local host has none" };
  else {
    yield await checkIfAllowed("Lambda's quota", () => lambdaCheck(stage));
    yield await checkIfAllowed("DynamoDB's quota", async () => {
      const { readUnits, writeUnits } = await tableQuota(stage, tableRegion);
      return `a table in ${tableRegion} may consume ${readUnits} read and ${writeUnits} write units a second`;
    });
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

async function tableState({ access, region, table }: Stage, key: TableName): Promise<string> {
  const { status } = await access.describe({ region, name: table(key) });
  if (status !== "ACTIVE") throw broken(`${table(key)} is ${status}.`, "Wait until it is ACTIVE.");
  return `${table(key)} is ${status}`;
}

async function putPermission(stage: Stage): Promise<string> {
  const may = await mayPutEvents(stage);
  if (may === "any") return `you may put events on ${stage.bus}`;
  if (may === "requests") return `you may put requests on ${stage.bus}, as the policy for callers allows`;
  throw new ClientError("refused", "access-denied", {
    message: `You may not put requests on the bus ${stage.bus}.`,
    hint: `Attach the policy ferry-${stage.name}-callers to your role.`,
  });
}

/** The result of a check: a text if it passed, or its state and details. */
type Found = string | Omit<Check, "name">;

async function lambdaCheck(stage: Stage): Promise<Found> {
  const { concurrent, unreserved } = await lambdaQuota(stage);
  const detail = `${concurrent} concurrent executions in ${stage.region}, ${unreserved} of them not reserved`;
  if (unreserved >= CONCURRENT_MAX) return detail;
  return {
    state: "warning",
    detail: `${detail}; Ferry's functions use up to ${CONCURRENT_MAX}, unless the stage's settings lower it`,
    hint: "Ask for a higher quota (Service Quotas, Lambda, concurrent executions), or lower `concurrency` of backupWorker and restoreWorker in stacks/stages.ts. Otherwise Lambda may throttle Ferry and other functions of the account.",
  };
}

/** A check that the caller may not make is not a failure: requests do not need the permission. */
async function checkIfAllowed(name: string, run: () => Promise<Found>): Promise<Check> {
  const done = await check(name, run);
  if (done.code !== "access-denied") return done;
  return { name, state: "skipped", detail: `not known: ${done.detail}` };
}

async function pipeState(stage: Stage, key: string): Promise<string> {
  const { name, state, reason, cure } = await readPipe(stage, key);
  if (cure !== undefined) throw broken(`${name} is ${state}: ${reason}.`, cure);
  return `${name} is ${state}`;
}

function broken(message: string, hint: string): ClientError {
  return new ClientError("failed", "not-running", { message, hint });
}

async function check(name: string, run: () => Promise<Found>): Promise<Check> {
  try {
    const found = await run();
    return typeof found === "string" ? { name, state: "ok", detail: found } : { name, ...found };
  } catch (error) {
    return failed(name, error);
  }
}

function failed(name: string, error: unknown): Check {
  const missing = nameOf(error) === "ResourceNotFoundException" || nameOf(error) === "NotFoundException";
  const { message, hint, code } = missing
    ? {
        message: "It does not exist.",
        hint: "Check --stage, --region and --profile, or deploy the stage.",
        code: "not-deployed" as const,
      }
    : explained(error, { operation: "check", resource: name });
  return { name, state: "failed", detail: message, hint, code };
}
