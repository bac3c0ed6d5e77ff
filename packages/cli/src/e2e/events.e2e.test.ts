/**
 * `ferry events` against the local host: the events, and what is left on the bus after each way in which it can end.
 */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { ListRulesCommand, PutRuleCommand } from "@aws-sdk/client-eventbridge";
import { DeleteQueueCommand, ListQueuesCommand, SQSClient } from "@aws-sdk/client-sqs";
import { openStage, type Stage } from "@ferry/client/stage/stage";
import type { BusEvent } from "@ferry/core/events/events";
import { createTestClient, someItems, type TestClient } from "@ferry/local/e2e/test-client";
import { startOwnHost } from "@ferry/local/e2e/test-host";
import type { Host } from "@ferry/local/host";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { jsonLines, runFerry, startFerry } from "./run-ferry.ts";

let host: Host;
let client: TestClient;
let stage: Stage;
let sqs: SQSClient;
let env: NodeJS.ProcessEnv;
let following: ChildProcess | undefined;

beforeAll(async () => {
  host = await startOwnHost({ duplicate: true, settings: { retryDelaySeconds: 0 } });
  client = await createTestClient(host);
  stage = await openStage({ local: host.endpoint });
  sqs = stage.access.client(SQSClient, stage.region);
  env = { FERRY_LOCAL: host.endpoint };
  await client.createTables("orders", someItems(20));
});
afterAll(() => host.stop());
afterEach(() => following?.kill("SIGKILL"));

/** Starts `ferry events`; resolves when it follows the bus. */
async function follow(...args: string[]) {
  const child = startFerry(["events", ...args], env);
  following = child;
  const printed = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name]!.on("data", (chunk) => {
      printed[name] += chunk;
    });
  const ended = once(child, "close").then(([code]) => ({ code: code as number | null, ...printed }));
  if (!args.includes("--json")) await expect.poll(() => printed.stderr).toContain("Following ferry-local");
  return { child, ended, printed };
}

/** The rules and queues of feeds. */
async function onBus() {
  const prefix = "ferry-local-events-";
  const { Rules = [] } = await stage.access
    .events(stage.region)
    .send(new ListRulesCommand({ EventBusName: stage.bus, NamePrefix: prefix }));
  const { QueueUrls = [] } = await sqs.send(new ListQueuesCommand({ QueueNamePrefix: prefix }));
  return { rules: Rules.map(({ Name }) => Name!), queues: QueueUrls };
}

const NOTHING = { rules: [], queues: [] };

/** Puts a request that is refused at once. */
const request = (id: string) =>
  client.putEvent("TaskRequested", { request: { action: "nothing" }, "request-id": id });

test("a line for each event, each once; at Ctrl-C the rule and the queue are removed", async () => {
  const { child, ended, printed } = await follow();
  await client.runTask({ ...client.backupOf("orders"), "bucket-prefix": "followed" }, "followed");
  await expect.poll(() => printed.stdout).toMatch(/TaskSucceeded .*backup, 20 items\n/);
  child.kill("SIGINT");
  // npx and the terminal may both send the signal.
  child.kill("SIGINT");
  const { code, stdout, stderr } = await ended;
  expect([code, stderr]).toEqual([
    130,
    "Following ferry-local in eu-central-2. Times are in UTC. Ctrl-C ends it.\n",
  ]);
  const lines = stdout.trimEnd().split("\n");
  for (const line of lines) expect(line).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}\w+ +\S+ {2}\S/);
  const types = lines.map((line) => line.split(/ {2,}/)[1]!);
  expect(types).toEqual(expect.arrayContaining(["TaskAccepted", "SegmentCompleted", "TaskFinished"]));
  // A worker that gets the request twice may put TaskAccepted twice.
  const single = ["TaskRequested", "TaskSucceeded"];
  expect(types.filter((type) => single.includes(type)).sort()).toEqual(single);
  expect(await onBus()).toEqual(NOTHING);
});

test.each(["SIGTERM", "SIGHUP"] as const)("at %s, too", async (signal) => {
  const { child, ended } = await follow();
  child.kill(signal);
  expect((await ended).code).toBe(130);
  expect(await onBus()).toEqual(NOTHING);
});

test("--type and --task choose events, and --json prints them as lines of JSON", async () => {
  const followed = await follow(
    "--type",
    "TaskRequested",
    "--type",
    "TaskRejected",
    "--task",
    "chosen",
    "--json",
  );
  // With --json, nothing but JSON is printed: the rule's target shows that it follows.
  await expect.poll(async () => (await onBus()).queues).toHaveLength(1);
  for (const id of ["other", "chosen", "another"]) await request(id);
  // The queue of the feed may deliver them in any order.
  for (const type of ["TaskRequested", "TaskRejected"])
    await expect.poll(() => followed.printed.stdout).toContain(`"${type}"`);
  followed.child.kill("SIGINT");
  const ended = await followed.ended;
  expect(ended.stderr).toBe("");
  const events = jsonLines<BusEvent>(ended);
  // A worker that gets the request twice may put TaskRejected twice, as another event.
  const types = new Set(events.map((event) => event["detail-type"]));
  expect([...types].sort()).toEqual(["TaskRejected", "TaskRequested"]);
  for (const { detail } of events) expect(JSON.stringify(detail)).toContain("chosen");
  expect(await onBus()).toEqual(NOTHING);
});

test("given a reader that closes the pipe, it ends with code 0 and removes the rule and the queue", async () => {
  const { child, ended } = await follow();
  child.stdout!.destroy();
  await request("closed-pipe");
  expect((await ended).code).toBe(0);
  expect(await onBus()).toEqual(NOTHING);
});

test("given a queue that is deleted meanwhile, it fails, says so, and removes the rule", async () => {
  const { ended } = await follow();
  const { queues } = await onBus();
  await sqs.send(new DeleteQueueCommand({ QueueUrl: queues[0]! }));
  const { code, stderr } = await ended;
  expect(code).toBe(1);
  expect(stderr).toMatch(/The queue ferry-local-events-\S+ was removed: .*\nRun the command again\./);
  expect(await onBus()).toEqual(NOTHING);
});

test("what a killed process left is not removed while it may be in use, and later by the next start", async () => {
  const { child, ended } = await follow();
  child.kill("SIGKILL");
  await ended;
  const left = await onBus();
  expect([left.rules.length, left.queues.length]).toEqual([1, 1]);
  const second = await follow();
  expect((await onBus()).rules).toContain(left.rules[0]);
  second.child.kill("SIGINT");
  await second.ended;
  expect(await onBus()).toEqual(left);

  // As if a quarter of an hour had passed.
  const events = stage.access.events(stage.region);
  const { Rules } = await events.send(new ListRulesCommand({ EventBusName: stage.bus }));
  const [{ Name, EventPattern, Description }] = Rules as [
    { Name: string; EventPattern: string; Description: string },
  ];
  const past = Description.replace(/until .*\.$/, "until 2026-01-01T00:00:00.000Z.");
  await events.send(new PutRuleCommand({ EventBusName: stage.bus, Name, EventPattern, Description: past }));
  const third = await follow();
  expect(third.printed.stderr).toContain(
    `Removed the rule and the queue ${Name}, which a killed process had left.`,
  );
  third.child.kill("SIGINT");
  await third.ended;
  expect(await onBus()).toEqual(NOTHING);
});

test("given no local host, it ends with the usual message", async () => {
  const { code, stderr } = await runFerry(["events", "--local"], { FERRY_LOCAL: "http://127.0.0.1:9" });
  expect([code, stderr]).toEqual([3, expect.stringContaining("No local host answers.")]);
});
