import type { Stage } from "@ferry/client/stage/stage";
import { pipes, queues } from "@ferry/core/topology";
import { describe, expect, test } from "vitest";
import { runStep } from "./run-step.ts";
import { deployedStage } from "./stage.ts";
import { type SmokeRun, type Step, steps } from "./steps.ts";

interface Command {
  readonly constructor: { readonly name: string };
  readonly input: Readonly<Record<string, unknown>>;
}

/** A run on a stage whose clients answer by `answers`, and the names of the commands that were sent. */
function runWith(
  answers: Readonly<Record<string, (input: Command["input"]) => object>>,
  options: Partial<SmokeRun> = {},
) {
  const sent: Command[] = [];
  const send = async (sending: unknown) => {
    const command = sending as Command;
    sent.push(command);
    const answer = answers[command.constructor.name.replace(/Command$/, "")];
    if (answer === undefined) throw new Error(`unexpected ${command.constructor.name}`);
    return answer(command.input);
  };
  const client = { send };
  const stage = deployedStage(
    {
      name: "beta",
      region: "eu-west-1",
      bus: "ferry-beta",
      table: (name: string) => `ferry-beta-${name}`,
      access: {
        region: async () => "eu-west-1",
        dynamodb: () => client,
        events: () => client,
        pipes: () => client,
        s3: () => client,
        client: () => client,
      },
    } as unknown as Stage,
    { bucket: "archives", run: "r" },
  );
  const run: SmokeRun = { stage, isLocal: false, handoffs: false, tasks: [], ...options };
  return { run, sent };
}

const stepOf = (start: string): Step => steps.find(({ name }) => name.startsWith(start))!;

/** The printed lines of a step. */
async function linesOf(step: Step, run: SmokeRun): Promise<string[]> {
  const lines: string[] = [];
  await runStep(step, run, (line) => lines.push(line));
  return lines;
}

describe("the step that all Pipes are RUNNING", () => {
  const step = stepOf("all Pipes");

  test("is the first one, and describes each Pipe of the topology", async () => {
    expect(steps[0]).toBe(step);
    const { run, sent } = runWith({ DescribePipe: () => ({ CurrentState: "RUNNING" }) });
    expect(await linesOf(step, run)).toEqual(["✓ all Pipes are RUNNING: 4 Pipes"]);
    expect(sent.map(({ input }) => input["Name"])).toEqual(
      Object.keys(pipes).map((key) => `ferry-beta-${key}`),
    );
  });

  test.each([
    ["STOPPED", "`aws pipes start-pipe --name ferry-beta-requests`"],
    [
      "CREATE_FAILED",
      "`aws pipes delete-pipe --name ferry-beta-requests` if it exists, then sst refresh and sst deploy",
    ],
    ["CREATING", "Wait a minute"],
  ])("names a Pipe in state %s, its reason and what to do", async (CurrentState, cure) => {
    const { run } = runWith({
      DescribePipe: ({ Name }) =>
        Name === "ferry-beta-requests"
          ? { CurrentState, StateReason: "Cannot access stream" }
          : { CurrentState: "RUNNING" },
    });
    const [line, means] = await linesOf(step, run);
    expect(line).toContain(
      `✗ all Pipes are RUNNING: ferry-beta-requests is ${CurrentState} (Cannot access stream): `,
    );
    expect(line).toContain(cure);
    expect(means).toBe(`  What it means: ${step.means}`);
  });

  test("names a Pipe that does not exist", async () => {
    const missing = Object.assign(new Error("gone"), { name: "NotFoundException" });
    const { run } = runWith({
      DescribePipe: () => {
        throw missing;
      },
    });
    expect((await linesOf(step, run))[0]).toContain("ferry-beta-report-failures is MISSING");
  });
});

describe.each(["the deploy left no message", "the run left no message"])("the step that %s", (start) => {
  const step = stepOf(start);
  const dead = new Set(Object.values(queues).map((queue) => queue.deadLetters));
  dead.delete("redrive-queue");
  const GetQueueUrl = ({ QueueName }: Command["input"]) => ({ QueueUrl: QueueName as string });

  test("reads every queue of dead letters and the queue of undelivered events", async () => {
    const { run, sent } = runWith({
      GetQueueUrl,
      GetQueueAttributes: () => ({ Attributes: { ApproximateNumberOfMessages: "0" } }),
    });
    expect((await linesOf(step, run))[0]).toMatch(/^✓ .*: 4 empty queues$/);
    const read = sent.filter(({ input }) => "QueueUrl" in input).map(({ input }) => input["QueueUrl"]);
    expect(read.sort()).toEqual([...dead, "undelivered-queue"].map((name) => `ferry-beta-${name}`).sort());
  });

  test("names a queue that has messages, also those that are being received", async () => {
    const { run } = runWith({
      GetQueueUrl,
      GetQueueAttributes: ({ QueueUrl }) => ({
        Attributes: {
          ApproximateNumberOfMessages: QueueUrl === "ferry-beta-undelivered-queue" ? "2" : "0",
          ApproximateNumberOfMessagesNotVisible: QueueUrl === "ferry-beta-undelivered-queue" ? "1" : "0",
        },
      }),
    });
    const [line, means] = await linesOf(step, run);
    expect(line).toContain("ferry-beta-undelivered-queue has 3 messages");
    expect(means).toContain(step.means);
  });
});

describe("the step with a long message group", () => {
  const step = stepOf("a request-id of 100 characters");
  const ID = "smoke-r-".padEnd(100, "x");
  /** A bus whose request becomes a row in this state. */
  const answersOf = (state: string) => {
    const item = {
      action: { S: "backup" },
      key: { S: "k" },
      timestamp: { N: "1" },
      "request-id": { S: ID },
      state: { S: state },
      attempt: { N: "1" },
      "total-segments": { N: "1" },
      "completed-segments": { N: "1" },
      "failed-segments": { N: "0" },
      "transferred-batches": { N: "1" },
      "transferred-items": { N: "1" },
      "transferred-bytes": { N: "20" },
      reasons: { L: [{ S: "why" }] },
      "updated-time": { S: "2026-11-27T01:45:00.000Z" },
    };
    let put: unknown;
    return {
      put: () => put,
      answers: {
        PutEvents({ Entries }: Command["input"]) {
          put = JSON.parse((Entries as { Detail: string }[])[0]!.Detail);
          return { FailedEntryCount: 0, Entries: [{ EventId: "e" }] };
        },
        Query: () => ({ Items: put === undefined ? [] : [item] }),
        GetItem: () => ({ Item: item }),
      },
    };
  };

  test("requests a backup under a request-id of 100 characters, and waits for its end", async () => {
    const { answers, put } = answersOf("succeeded");
    const { run } = runWith(answers);
    expect((await linesOf(step, run))[0]).toMatch(/^✓ /);
    expect(put()).toMatchObject({ "request-id": ID, request: { action: "backup", "total-segments": 1 } });
    expect(run.tasks.map(({ requestId }) => requestId)).toEqual([ID]);
  });

  test("fails with the row's reasons, and says what to change", async () => {
    const { run } = runWith(answersOf("failed").answers);
    const [line, means] = await linesOf(step, run);
    expect(line).toContain("the backup is failed: why");
    expect(means).toContain("packages/core/src/request/task.ts");
  });
});

describe("the step that the bus denies Ferry's source", () => {
  const step = stepOf("the bus denies");
  const linesWith = (answer: () => object) => linesOf(step, runWith({ PutEvents: answer }).run);

  test("succeeds if the entry or the call is denied", async () => {
    const ofEntry = await linesWith(() => ({
      FailedEntryCount: 1,
      Entries: [{ ErrorCode: "NotAuthorizedForSourceException" }],
    }));
    expect(ofEntry[0]).toMatch(/^✓ .*: NotAuthorizedForSourceException$/);
    const ofCall = await linesWith(() => {
      throw Object.assign(new Error("no"), { name: "AccessDeniedException" });
    });
    expect(ofCall[0]).toMatch(/^✓ .*: AccessDeniedException$/);
  });

  test("fails if the event is accepted, or refused for another reason", async () => {
    const [accepted, means] = await linesWith(() => ({ FailedEntryCount: 0, Entries: [{ EventId: "e" }] }));
    expect(accepted).toContain("the event was not denied: it was accepted");
    expect(means).toContain("stacks/permissions/bus-policy.ts");
    const [refused] = await linesWith(() => ({ Entries: [{ ErrorCode: "InternalFailure" }] }));
    expect(refused).toContain("the event was not denied: InternalFailure");
  });
});

test("a step that needs AWS is not run on the local host, and says that only AWS can show it", async () => {
  const needy = steps.filter(({ needs }) => needs !== undefined);
  expect(needy.length).toBeGreaterThan(5);
  for (const step of needy) {
    const { run, sent } = runWith({}, { isLocal: true });
    expect(await linesOf(step, run)).toEqual([`- ${step.name}: skipped, only AWS can show it`]);
    expect(sent).toEqual([]);
  }
});

test("the step with many handoffs runs only with its option", async () => {
  const step = stepOf("a backup continues");
  const { run } = runWith({});
  expect(await linesOf(step, run)).toEqual([`- ${step.name}: skipped, needs --handoffs`]);
});
