import { spawn } from "node:child_process";
import { once } from "node:events";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { seeded } from "@ferry/core/hash";
import { queues } from "@ferry/core/topology";
import { bundled } from "@ferry/terminal/testing/node-process";
import { afterAll, beforeAll, expect, onTestFailed, test } from "vitest";
import { CITIES_MAX, cities } from "../demo/cities.ts";
import { createCityTable } from "../demo/city-table.ts";
import { compareTables } from "../demo/compare.ts";
import { everyType } from "../demo/every-type.ts";
import { type Host, startHostWith } from "../host.ts";
import { putItems } from "../load-table.ts";
import { type ChangeOutcome, type FaultProxy, openFaultProxy } from "./fault-proxy.ts";
import { createTestClient, someItems, type TestClient } from "./test-client.ts";
import { createWorkers, WORKER_EXITED, type Workers } from "./workers.ts";

/** The processes that are killed need a third of the CPU time of one from the sources until they are ready. Lambda runs a bundle, too. */
const workerProcess = bundled("local/src/e2e/worker-process");

/** Chooses the crashes. FERRY_CRASH_SEED repeats them, as far as the timing between them is the same. */
const seed = Number(process.env["FERRY_CRASH_SEED"] ?? Math.floor(Math.random() * 2 ** 32));
if (!Number.isSafeInteger(seed))
  throw new Error(`FERRY_CRASH_SEED must be a whole number: got ${process.env["FERRY_CRASH_SEED"]}`);
const random = seeded(seed);
const below = (count: number) => Math.floor(random() * count);

const ITEMS = 300;
/** About 29 files, each at least one change: more than all crashes wait for, so each crash occurs while its task runs. */
const BATCH_BYTES = 2700;
const CHANGES_MAX = 8;
/**
 * With the crash while they are queued, one less than a message's attempts, so a message that every crash hits is
 * redelivered.
 */
const SLICE_CRASHES = queues["backup-queue"].attempts - 2;

interface Crash {
  /** The workers' last change, and whether it was made. */
  readonly change: string;
  /** The detail-types of the messages that they were processing. */
  readonly processing: readonly string[];
}

let host: Host;
let client: TestClient;
let workers: Workers;
let proxy: FaultProxy;
let outcomeOf: (change: string) => ChangeOutcome = () => "pass";
let onCrash: (crash: Crash) => void = () => {};

beforeAll(async () => {
  const settings = {
    retryDelaySeconds: 0,
    // A task has many messages. On a busy machine, many slices in a row may make no progress.
    sliceBudgetMs: 400,
    maxHandoffsWithoutProgress: 1000,
    progressIntervalMs: 200,
    cancelPollIntervalMs: 200,
  };
  const log = (line: string) => {
    if (!line.includes(WORKER_EXITED)) console.error(line);
  };
  host = await startHostWith({ settings, log }, async (env) => {
    proxy = await openFaultProxy(
      env["AWS_ENDPOINT_URL"]!,
      (change) => outcomeOf(change),
      async (change, outcome) =>
        onCrash({ change: `${outcome}: ${change}`, processing: await workers.kill() }),
    );
    workers = createWorkers(workerProcess, { ...env, AWS_ENDPOINT_URL: proxy.endpoint });
    return workers.handlers;
  });
  client = await createTestClient(host);
});
afterAll(async () => {
  await host?.stop();
  await workers?.stop();
  await proxy?.close();
});

/** Kills the workers once, before or after a change whose name contains `name`, when `passed` such changes have passed. */
function crashAt(name: string, passed: number): Promise<Crash> {
  const outcome = below(2) === 0 ? "crash before" : "crash after";
  let left = passed;
  return new Promise((resolve) => {
    onCrash = resolve;
    outcomeOf = (change) => {
      if (!change.includes(name) || left-- > 0) return "pass";
      outcomeOf = () => "pass";
      return outcome;
    };
  });
}

/** A repeated plan may find the task's own items and reject it, until the first plan's TaskAccepted is projected. */
const hasEnded = ({ state }: Record<string, unknown>) => state === "succeeded" || state === "failed";

const completeWith = (segments: number) => ({
  state: "succeeded",
  attempt: 1,
  "total-segments": segments,
  "completed-segments": segments,
  "failed-segments": 0,
  "transferred-items": ITEMS,
  reasons: [],
});

/**
 * Requests a task and kills its workers: while it is planned; while its segments are queued, after which two workers may
 * work on each; at random while they move items; and while it is finished.
 */
async function runAmidCrashes(
  request: Record<string, unknown>,
  requestId: string,
  changes: { plan: readonly string[]; finish: readonly string[] },
) {
  const crashes: Crash[] = [];
  onTestFailed(async () => {
    const lines = crashes.map(({ change, processing }) => `${change}; processing ${processing.join(" ")}`);
    console.error([`FERRY_CRASH_SEED=${seed}`, ...lines].join("\n"), await client.rows(request));
  });
  const awaitCrash = async (crash: Promise<Crash>) => {
    crashes.push(await Promise.race([crash, endedEarly]));
    // The killed process also runs the projector, so the rows have not changed since the crash.
    for (const row of await client.rows(request)) expect(hasEnded(row)).toBe(false);
  };
  const planning = crashAt(changes.plan[below(changes.plan.length)]!, 0);
  await client.putEvent("TaskRequested", { request, "request-id": requestId });
  const ended = client.row(request, requestId, hasEnded);
  const endedEarly = ended.then(({ state }): never => {
    throw new Error(`the task ${state} before all crashes`);
  });
  endedEarly.catch(() => {});
  await awaitCrash(planning);
  await awaitCrash(crashAt("SegmentQueued", 0));
  for (let n = 0; n < SLICE_CRASHES; n++) await awaitCrash(crashAt("", below(CHANGES_MAX)));
  await awaitCrash(crashAt(changes.finish[below(changes.finish.length)]!, 0));
  const row = await ended;
  for (const { processing } of crashes)
    expect(processing, "the messages of the killed process").not.toEqual([]);
  return row;
}

test(`given workers that are killed at random changes (seed ${seed}), when a table is backed up and restored, then both tables are identical`, async () => {
  const name = "crashes";
  const backup = { ...client.backupOf(name), "total-segments": 4, "batch-bytes": BATCH_BYTES };
  const restore = { ...client.restoreOf(name), "total-segments": 3 };
  const source = { region: backup["table-region"], table: name };
  const copy = { region: restore["table-region"], table: name };
  await Promise.all([source, copy].map(({ region }) => createCityTable(region, name)));
  // From all countries, so that every segment has items.
  const some = await cities(ITEMS - 1, Math.floor(CITIES_MAX / ITEMS));
  await putItems(new DynamoDBClient({ region: source.region }), name, [everyType(), ...some]);

  const backupRow = await runAmidCrashes(backup, "b-crashes", {
    plan: ["task.json", "table.json"],
    finish: ["manifest-files.json", "manifest-summary.json", "TaskFinished"],
  });
  expect(backupRow).toMatchObject(completeWith(4));
  const text = async (file: string) => Buffer.from(await client.object(`${name}/${file}`)).toString();
  expect(JSON.parse(await text("manifest-summary.json"))).toMatchObject({ itemCount: ITEMS });
  const files = (await text("manifest-files.json"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(files.reduce((sum, { itemCount }) => sum + itemCount, 0)).toBe(ITEMS);
  expect(files.map(({ dataFileS3Key }) => dataFileS3Key)).toEqual(
    (await client.keys(name)).filter((key) => key.includes("/0x")),
  );

  const restoreRow = await runAmidCrashes(restore, "r-crashes", {
    plan: ["TaskAccepted"],
    finish: ["TaskFinished"],
  });
  expect(restoreRow).toMatchObject(completeWith(3));
  const whole = { identical: true, source: ITEMS, copy: ITEMS, differences: [] };
  expect(await compareTables(source, copy, () => {})).toEqual(whole);
});

test("given workers that are killed whenever they store a data file, the task fails, and a retry completes it", async () => {
  const name = "killed";
  await client.createTables(name, someItems(20));
  const request = { ...client.backupOf(name), "total-segments": 1 };
  outcomeOf = (change) => (change.includes(`${name}/0x`) ? "crash before" : "pass");
  const failed = await client.runTask(request, "b-killed");
  expect(failed).toMatchObject({ state: "failed", attempt: 1, "failed-segments": 1 });
  expect(failed["reasons"][0]).toContain("attempts-exhausted: SegmentQueued");
  outcomeOf = () => "pass";
  const { key, timestamp } = failed;
  await client.putEvent("TaskRetryRequested", { task: { action: "backup", key, timestamp } });
  const row = await client.row(request, "b-killed", ({ state }) => state === "succeeded");
  expect(row).toMatchObject({ attempt: 2, "transferred-items": 20, "failed-segments": 0, reasons: [] });
  expect(await client.runTask(client.restoreOf(name), "r-killed")).toMatchObject({ state: "succeeded" });
  expect(await client.identical(name)).toBe(true);
});

test("given a process that is killed, its worker process ends too", async () => {
  const script = `
    require("node:child_process")
      .fork(${JSON.stringify(workerProcess)}, { stdio: "inherit" })
      .once("message", () => console.log("ready"))`;
  const parent = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  await once(parent.stdout, "data");
  parent.stdout.resume();
  parent.kill("SIGKILL");
  // The output closes when the last process that holds it has ended.
  await once(parent, "close");
});
