import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { seeded } from "@ferry/core/hash";
import { queues } from "@ferry/core/topology";
import { afterAll, beforeAll, expect, onTestFailed, test } from "vitest";
import { CITIES_MAX, cities } from "../demo/cities.ts";
import { compareTables } from "../demo/compare.ts";
import { everyType } from "../demo/every-type.ts";
import { createTable, load } from "../demo/load.ts";
import { type Host, startHostWith } from "../host.ts";
import { type Fate, type FaultProxy, openFaultProxy } from "./fault-proxy.ts";
import { someItems, type User, userOf } from "./test-client.ts";
import { createWorkers, GONE, type Workers } from "./workers.ts";

const workerProcess = fileURLToPath(new URL("./worker-process.ts", import.meta.url));

/** Which crashes: the same again with FERRY_CRASH_SEED, as far as the machine does the same in between. */
const seed = Number(process.env["FERRY_CRASH_SEED"] ?? Math.floor(Math.random() * 2 ** 32));
if (!Number.isSafeInteger(seed))
  throw new Error(`FERRY_CRASH_SEED must be a whole number: got ${process.env["FERRY_CRASH_SEED"]}`);
const random = seeded(seed);
const below = (count: number) => Math.floor(random() * count);

const ITEMS = 2000;
/** Some 190 files, each a change at least: more than all crashes wait for, so each meets its task at work. */
const BATCH_BYTES = 2700;
const CHANGES_MAX = 50;
/** With the one as they are queued one less than their messages' attempts: what all of them hit comes once more. */
const SLICE_CRASHES = queues["backup-queue"].attempts - 2;

interface Crash {
  /** The workers' last change, and whether it was made. */
  readonly change: string;
  /** The detail-types of what they were at. */
  readonly at: readonly string[];
}

let host: Host;
let user: User;
let workers: Workers;
let turnstile: FaultProxy;
let fateOf: (change: string) => Fate = () => "pass";
let crashed: (crash: Crash) => void = () => {};

beforeAll(async () => {
  const settings = {
    retryDelaySeconds: 0,
    // A task is many messages. On a busy machine many of them in a row may get nowhere.
    sliceBudgetMs: 200,
    maxHandoffsWithoutProgress: 1000,
    progressIntervalMs: 200,
    cancelPollIntervalMs: 200,
  };
  const log = (line: string) => {
    if (!line.includes(GONE)) console.error(line);
  };
  host = await startHostWith({ settings, log }, async (env) => {
    turnstile = await openFaultProxy(
      env["AWS_ENDPOINT_URL"]!,
      (change) => fateOf(change),
      async (change, fate) => crashed({ change: `${fate}: ${change}`, at: await workers.kill() }),
    );
    workers = createWorkers({ ...env, AWS_ENDPOINT_URL: turnstile.endpoint });
    return workers.handlers;
  });
  user = await userOf(host);
});
afterAll(async () => {
  await host?.stop();
  await workers?.stop();
  await turnstile?.close();
});

/** Kills the workers once, on either side of a change with this in its name, when so many of them have passed. */
function crashAt(name: string, passed: number): Promise<Crash> {
  const fate = below(2) === 0 ? "crash before" : "crash after";
  let left = passed;
  return new Promise((resolve) => {
    crashed = resolve;
    fateOf = (change) => {
      if (!change.includes(name) || left-- > 0) return "pass";
      fateOf = () => "pass";
      return fate;
    };
  });
}

/** A plan that is made again may find the task's own items and reject it, until the first plan's acceptance is heard. */
const hasEnded = ({ state }: Record<string, unknown>) => state === "succeeded" || state === "failed";

const wholeBy = (segments: number) => ({
  state: "succeeded",
  attempt: 1,
  "total-segments": segments,
  "completed-segments": segments,
  "failed-segments": 0,
  "transferred-items": ITEMS,
  reasons: [],
});

/**
 * Asks for a task and kills its workers: as it is planned; as its segments are queued, after which there may be two workers
 * for each; at random while they move items; and as it is finished.
 */
async function askAmidCrashes(
  request: Record<string, unknown>,
  requestId: string,
  changes: { plan: readonly string[]; finish: readonly string[] },
) {
  const crashes: Crash[] = [];
  onTestFailed(async () => {
    const lines = crashes.map(({ change, at }) => `${change}; at ${at.join(" ")}`);
    console.error([`FERRY_CRASH_SEED=${seed}`, ...lines].join("\n"), await user.rows(request));
  });
  const meet = async (crash: Promise<Crash>) => {
    crashes.push(await Promise.race([crash, endedEarly]));
    // It writes the rows too: as they are now, they were.
    for (const row of await user.rows(request)) expect(hasEnded(row)).toBe(false);
  };
  const planning = crashAt(changes.plan[below(changes.plan.length)]!, 0);
  await user.putEvent("TaskRequested", { request, "request-id": requestId });
  const ended = user.row(request, requestId, hasEnded);
  const endedEarly = ended.then(({ state }): never => {
    throw new Error(`the task ${state} before all crashes`);
  });
  endedEarly.catch(() => {});
  await meet(planning);
  await meet(crashAt("SegmentQueued", 0));
  for (let n = 0; n < SLICE_CRASHES; n++) await meet(crashAt("", below(CHANGES_MAX)));
  await meet(crashAt(changes.finish[below(changes.finish.length)]!, 0));
  const row = await ended;
  for (const { at } of crashes) expect(at, "what the killed process was at").not.toEqual([]);
  return row;
}

test(`given workers that are killed at any change they make (seed ${seed}), when a table is backed up and restored, then both tables are identical`, async () => {
  const name = "crashes";
  const backup = { ...user.backupOf(name), "total-segments": 4, "batch-bytes": BATCH_BYTES };
  const restore = { ...user.restoreOf(name), "total-segments": 3 };
  const source = { region: backup["table-region"], table: name };
  const copy = { region: restore["table-region"], table: name };
  await Promise.all([source, copy].map(({ region }) => createTable(region, name)));
  // Of all countries, so that every segment has its share.
  const apart = Math.floor(CITIES_MAX / ITEMS);
  const some = cities(apart * (ITEMS - 1)).filter((_, n) => n % apart === 0);
  await load(source.region, name, [everyType(), ...some], () => {});

  const backupRow = await askAmidCrashes(backup, "b-crashes", {
    plan: ["task.json", "table.json"],
    finish: ["manifest-files.json", "manifest-summary.json", "TaskFinished"],
  });
  expect(backupRow).toMatchObject(wholeBy(4));
  const text = async (file: string) => Buffer.from(await user.object(`${name}/${file}`)).toString();
  expect(JSON.parse(await text("manifest-summary.json"))).toMatchObject({ itemCount: ITEMS });
  const files = (await text("manifest-files.json"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(files.reduce((sum, { itemCount }) => sum + itemCount, 0)).toBe(ITEMS);
  expect(files.map(({ dataFileS3Key }) => dataFileS3Key)).toEqual(
    (await user.keys(name)).filter((key) => key.includes("/0x")),
  );

  const restoreRow = await askAmidCrashes(restore, "r-crashes", {
    plan: ["TaskAccepted"],
    finish: ["TaskFinished"],
  });
  expect(restoreRow).toMatchObject(wholeBy(3));
  const whole = { identical: true, source: ITEMS, copy: ITEMS, differences: [] };
  expect(await compareTables(source, copy, () => {})).toEqual(whole);
});

test("given workers that are killed whenever they work on a segment, then it fails, and a retry completes it", async () => {
  const name = "deadly";
  await user.createTables(name, someItems(20));
  const request = { ...user.backupOf(name), "total-segments": 2 };
  fateOf = (change) => (change.includes(`${name}/0x`) ? "crash before" : "pass");
  const failed = await user.ask(request, "b-deadly");
  expect(failed).toMatchObject({ state: "failed", attempt: 1, "failed-segments": 2 });
  expect(failed["reasons"][0]).toContain("attempts-exhausted: SegmentQueued");
  fateOf = () => "pass";
  const { key, timestamp } = failed;
  await user.putEvent("TaskRetryRequested", { task: { action: "backup", key, timestamp } });
  const row = await user.row(request, "b-deadly", ({ state }) => state === "succeeded");
  expect(row).toMatchObject({ attempt: 2, "transferred-items": 20, "failed-segments": 0, reasons: [] });
  expect(await user.ask(user.restoreOf(name), "r-deadly")).toMatchObject({ state: "succeeded" });
  expect(await user.identical(name)).toBe(true);
});

test("given a process that is killed, then its workers end with it", async () => {
  const script = `
    require("node:child_process")
      .fork(${JSON.stringify(workerProcess)}, { stdio: "inherit" })
      .once("message", () => console.log("ready"))`;
  const parent = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  await once(parent.stdout, "data");
  parent.stdout.resume();
  parent.kill("SIGKILL");
  // The output is closed when the last who holds it is gone.
  await once(parent, "close");
});
