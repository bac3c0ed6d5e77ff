/**
 * The steps, in order. Each returns a text about its result, or throws an Error that says what is wrong. Most assume
 * something of AWS that no test here can show.
 */
import { PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { SendMessageCommand } from "@aws-sdk/client-sqs";
import { concerns } from "@ferry/client/events/event-summary";
import type { TaskHandle } from "@ferry/client/task/task-handle";
import type { TaskStatus } from "@ferry/client/task/task-status";
import { SOURCE } from "@ferry/core/events/events";
import { REQUEST_ID_LENGTH_MAX } from "@ferry/core/request/task";
import { physicalName } from "@ferry/core/topology";
import { assertNoDeadLetters } from "./dead-letters.ts";
import type { EventListener } from "./event-listener.ts";
import { assertPipesRun } from "./pipes.ts";
import {
  archivePrefix,
  type DeployedStage,
  deployedQueueUrl,
  restoredTable,
  sourceTable,
  waitFor,
} from "./stage.ts";
import { contents } from "./tables.ts";
import { endedAs, putRequest, taskOfRequest } from "./tasks.ts";

const TIMEOUT_SECONDS = 300;
/** Lambda's loop detection stops a chain after about 16. */
const HANDOFFS = 20;
/** A handoff takes at least ten seconds; the rest is a margin for what happens between two slices. */
const HANDOFFS_TIMEOUT_SECONDS = HANDOFFS * 60;

export interface SmokeRun {
  readonly stage: DeployedStage;
  /** Whether the stage is on the local host. */
  readonly isLocal: boolean;
  /** Absent before the preconditions are met. */
  readonly listener?: EventListener;
  /** Whether the step with many handoffs runs. */
  readonly handoffs: boolean;
  /** Every requested task; its rows are deleted at the end. */
  readonly tasks: TaskHandle[];
}

export interface Step {
  readonly name: string;
  /** What it means for the stage if the step fails, in one sentence. */
  readonly means: string;
  /** What the step needs: AWS itself, or an option too. A step without needs also runs on the local host. */
  readonly needs?: "AWS" | "handoffs";
  /** Whether no other step can succeed if this one fails. It runs first, before anything is created. */
  readonly isPrecondition?: true;
  readonly run: (run: SmokeRun) => Promise<string>;
}

const locations = (stage: DeployedStage, table: string) => ({
  "table-region": stage.region,
  "table-name": table,
  "bucket-region": stage.region,
  "bucket-name": stage.bucket,
});

/** Requests a backup of the source table. Returns the task when it has succeeded. */
async function runBackup(
  { stage, tasks }: SmokeRun,
  requestId: string,
  fields: { "total-segments": number; "bucket-prefix": string; "read-units"?: number },
  seconds = TIMEOUT_SECONDS,
): Promise<TaskStatus> {
  const request = { action: "backup" as const, ...fields, ...locations(stage, sourceTable(stage)) };
  const task = await putRequest(stage, request, requestId);
  tasks.push(task);
  return endedAs(task, "succeeded", seconds);
}

/** Sends a message to a queue of the stage. Returns its id. */
async function sendMessage(
  stage: DeployedStage,
  queue: "request-queue" | "redrive-queue",
  MessageBody: string,
): Promise<string> {
  const QueueUrl = await deployedQueueUrl(stage, queue);
  const { MessageId } = await stage.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }));
  return MessageId!;
}

const archive = (stage: DeployedStage) => `${archivePrefix(stage)}/archive`;

export const steps: readonly Step[] = [
  {
    name: "all Pipes are RUNNING",
    means: "Nothing reads the queue or the stream of such a Pipe, so every task on its way waits for ever.",
    needs: "AWS",
    isPrecondition: true,
    run: async ({ stage }) => `${await assertPipesRun(stage)} Pipes`,
  },
  {
    name: "the deploy left no message in a queue of dead letters (the creation of a Pipe)",
    means:
      "On a new stage: the creation of a Pipe or a rule sends a message there, and the alarms of these queues start at each first deploy. On an older stage: something was not delivered before this run.",
    needs: "AWS",
    run: async ({ stage }) => `${await assertNoDeadLetters(stage)} empty queues`,
  },
  {
    name: "a request on the bus becomes a backup (rules, queues, the stream's Pipe)",
    means:
      "No backup works on this stage: a rule, a queue, a function or the Pipe announce-backups does not.",
    async run(run) {
      const { stage } = run;
      const fields = { "total-segments": 4, "bucket-prefix": archive(stage) };
      const { items } = await runBackup(run, `smoke-${stage.run}-backup`, fields);
      return `${items} items`;
    },
  },
  {
    name: "a message on request-queue becomes a restore (the requests Pipe)",
    means:
      "Requests by message, or restores, do not work: the Pipe requests, the restore worker or announce-restores.",
    async run({ stage, tasks }) {
      const request = {
        action: "restore",
        "total-segments": 2,
        "bucket-prefix": archive(stage),
        ...locations(stage, restoredTable(stage)),
      };
      // The Pipe uses the message's id as the request-id.
      const requestId = await sendMessage(stage, "request-queue", JSON.stringify(request));
      const task = await taskOfRequest(stage, requestId, TIMEOUT_SECONDS);
      tasks.push(task);
      await endedAs(task, "succeeded", TIMEOUT_SECONDS);
      const [before, after] = [
        await contents(stage, sourceTable(stage)),
        await contents(stage, restoredTable(stage)),
      ];
      if (JSON.stringify(before) !== JSON.stringify(after))
        throw new Error(`the restored table differs: ${after.length} items, the source has ${before.length}`);
      return `${after.length} identical items`;
    },
  },
  {
    name: "a dead message is reported as the event that it names (the report-failures Pipe, dynamic detail-type)",
    means:
      "A Pipe does not take its detail-type from the message: no failure of a worker is reported, and its task waits for ever.",
    async run({ stage, listener, tasks }) {
      const requestId = `smoke-${stage.run}-dead`;
      const detail = {
        request: {
          action: "backup",
          "bucket-prefix": archive(stage),
          ...locations(stage, sourceTable(stage)),
        },
        "request-id": requestId,
      };
      const time = `${new Date().toISOString().slice(0, 19)}Z`;
      const event = {
        id: `smoke-${stage.run}`,
        time,
        source: "ferry.smoke",
        "detail-type": "TaskRequested",
        detail,
      };
      await sendMessage(stage, "redrive-queue", JSON.stringify({ failsAs: "TaskRejected", event }));
      const task = await taskOfRequest(stage, requestId, TIMEOUT_SECONDS);
      tasks.push(task);
      await endedAs(task, "rejected", TIMEOUT_SECONDS);
      const received = await listener!.received();
      if (
        !received.some(({ event }) => event["detail-type"] === "TaskRejected" && concerns(event, requestId))
      )
        throw new Error("no TaskRejected was put on the bus");
      return "TaskRejected";
    },
  },
  {
    name: "a message on request-queue that is not JSON is rejected at once (a Pipe without a template)",
    means:
      "A sender of such a message sees no answer: the bus refuses what the Pipe puts, and the message goes to request-dead-letters after five tries.",
    async run({ stage, listener }) {
      const id = await sendMessage(stage, "request-queue", `not "JSON": smoke ${stage.run}`);
      await waitFor("its TaskRejected", TIMEOUT_SECONDS, async () =>
        (await listener!.received()).find(
          ({ event }) => event["detail-type"] === "TaskRejected" && concerns(event, id),
        ),
      );
      return "TaskRejected";
    },
  },
  {
    name: "each change of state is announced once (the stream's filters, dynamic detail-type)",
    means:
      "A Pipe's filter or its detail-type does not work as assumed: callers get no event or several, and a task may not be finished.",
    async run({ listener, tasks }) {
      const received = await listener!.received();
      const counts = tasks.slice(0, 2).flatMap(({ requestId }) =>
        ["TaskFinishing", "TaskSucceeded", "TaskFailed"].map((type) => {
          const announcements = received.filter(
            ({ event }) => event["detail-type"] === type && concerns(event, requestId!),
          );
          // Delivery is at least once: a repetition has the same event id.
          return { type, times: new Set(announcements.map(({ event }) => event.id)).size };
        }),
      );
      const wrong = counts.filter(({ type, times }) => times !== (type === "TaskFailed" ? 0 : 1));
      if (wrong.length > 0)
        throw new Error(wrong.map(({ type, times }) => `${type} ${times} times`).join(", "));
      return "TaskFinishing and TaskSucceeded, of the backup and the restore";
    },
  },
  {
    name: "a rule delivers to an encrypted queue, grouped by a JSON path (fair queues)",
    means:
      "EventBridge does not deliver to queues with SSE-SQS, or sets no message group: the workers' queues get nothing, or a large task delays all others.",
    // The SQS of the local host returns no message groups.
    needs: "AWS",
    async run({ listener }) {
      const received = await listener!.received();
      const wrong = received.filter(({ event, group }) => group !== event.id);
      if (received.length === 0 || wrong.length > 0)
        throw new Error(
          `${wrong.length} of ${received.length} messages have a group that is not the value at the path`,
        );
      return `${received.length} messages`;
    },
  },
  {
    name: "the bus denies an event with Ferry's source (the bus's policy)",
    means:
      "Every principal of the account that may put events can forge facts. Compare the policy of the bus with stacks/permissions/bus-policy.ts.",
    needs: "AWS",
    async run({ stage }) {
      // No rule matches this type, so it has no effect if it is accepted.
      const forged = {
        EventBusName: physicalName(stage.name, "bus"),
        Source: SOURCE,
        DetailType: "SmokeForgedFact",
        Detail: "{}",
      };
      const code = await stage.events.send(new PutEventsCommand({ Entries: [forged] })).then(
        ({ Entries }) => Entries?.[0]?.ErrorCode,
        (error: Error) => error.name,
      );
      if (!/^(AccessDenied|NotAuthorized)/.test(code ?? ""))
        throw new Error(`the event was not denied: ${code ?? "it was accepted"}`);
      return code!;
    },
  },
  {
    name: `a request-id of ${REQUEST_ID_LENGTH_MAX} characters is a message group (the longest MessageGroupId)`,
    means:
      "EventBridge delivers no message with so long a group: requests with a long request-id stay without work. Lower REQUEST_ID_LENGTH_MAX in packages/core/src/request/task.ts.",
    needs: "AWS",
    async run(run) {
      const { stage } = run;
      const requestId = `smoke-${stage.run}-`.padEnd(REQUEST_ID_LENGTH_MAX, "x");
      const prefix = `${archivePrefix(stage)}/long-request-id`;
      await runBackup(run, requestId, { "total-segments": 1, "bucket-prefix": prefix });
      return "its segments and its last step were delivered";
    },
  },
  {
    name: `a backup continues after ${HANDOFFS} handoffs (Lambda's loop detection)`,
    means:
      "Lambda stops a worker that continues its own work: every task that takes longer than some 16 slices fails.",
    needs: "handoffs",
    async run(run) {
      const { stage } = run;
      const requestId = `smoke-${stage.run}-handoffs`;
      const prefix = `${archivePrefix(stage)}/handoffs`;
      const fields = { "total-segments": 1, "read-units": 1, "bucket-prefix": prefix };
      await runBackup(run, requestId, fields, HANDOFFS_TIMEOUT_SECONDS);
      const handoffs = (await run.listener!.received()).filter(
        ({ event }) => (event.detail as { handoff?: boolean }).handoff === true && concerns(event, requestId),
      ).length;
      if (handoffs < HANDOFFS)
        throw new Error(
          `the backup succeeded with ${handoffs} handoffs, too few for this check: deploy the stage with sliceBudgetSeconds 10 and maxHandoffsWithoutProgress 1000`,
        );
      return `${handoffs} handoffs`;
    },
  },
  {
    name: "the run left no message in a queue of dead letters (encrypted delivery, message groups, recursion)",
    means:
      "A rule or a Pipe could not deliver an event of this run: most likely a queue's encryption, its policy, or the length of a message group.",
    needs: "AWS",
    run: async ({ stage }) => `${await assertNoDeadLetters(stage)} empty queues`,
  },
];
