/** The steps, in order. Each returns a text about its result, or throws an Error that says what is wrong. */
import { SendMessageCommand } from "@aws-sdk/client-sqs";
import type { Action } from "@ferry/core/task";
import type { EventListener } from "./event-listener.ts";
import { archivePrefix, type DeployedStage, deployedQueueUrl, restoredTable, sourceTable } from "./stage.ts";
import { contents } from "./tables.ts";
import { putRequest, waitForState } from "./tasks.ts";

const TIMEOUT_SECONDS = 300;
/** Lambda's loop detection stops a chain after about 16. */
const HANDOFFS = 20;
/** A handoff takes at least ten seconds; the rest is a margin for what happens between two slices. */
const HANDOFFS_TIMEOUT_SECONDS = HANDOFFS * 60;

export interface Task {
  readonly action: Action;
  readonly key: string;
  readonly requestId: string;
}

export interface SmokeRun {
  readonly stage: DeployedStage;
  /** Absent on the local host, which accepts no new rules. */
  readonly listener?: EventListener;
  /** Whether the step with many handoffs runs. */
  readonly handoffs: boolean;
  /** Every requested task; its rows are deleted at the end. */
  readonly tasks: Task[];
}

export interface Step {
  readonly name: string;
  /** What the step needs from AWS or from the options. A step without needs also runs on the local host. */
  readonly needs?: "listener" | "handoffs";
  readonly run: (run: SmokeRun) => Promise<string>;
}

const locations = (stage: DeployedStage, table: string) => ({
  "table-region": stage.region,
  "table-name": table,
  "bucket-region": stage.region,
  "bucket-name": stage.bucket,
});

const backupKey = (stage: DeployedStage) => `${stage.region}-${sourceTable(stage)}`;
const archive = (stage: DeployedStage) => `${archivePrefix(stage)}/archive`;

const backup: Step = {
  name: "a request on the bus becomes a backup (rules, queues, the stream's Pipe)",
  async run({ stage, tasks }) {
    const task: Task = { action: "backup", key: backupKey(stage), requestId: `smoke-${stage.run}-backup` };
    tasks.push(task);
    await putRequest(
      stage,
      {
        action: "backup",
        "total-segments": 4,
        "bucket-prefix": archive(stage),
        ...locations(stage, sourceTable(stage)),
      },
      task.requestId,
    );
    const { items } = await waitForState(stage, task, "succeeded", TIMEOUT_SECONDS);
    return `${items} items`;
  },
};

const restore: Step = {
  name: "a message on request-queue becomes a restore (the requests Pipe)",
  async run({ stage, tasks }) {
    const { MessageId } = await stage.sqs.send(
      new SendMessageCommand({
        QueueUrl: await deployedQueueUrl(stage, "request-queue"),
        MessageBody: JSON.stringify({
          action: "restore",
          "total-segments": 2,
          "bucket-prefix": archive(stage),
          ...locations(stage, restoredTable(stage)),
        }),
      }),
    );
    // The Pipe uses the message's id as the request-id.
    const key = `${stage.region}-${stage.bucket}-${archive(stage)}`;
    const task: Task = { action: "restore", key, requestId: MessageId! };
    tasks.push(task);
    await waitForState(stage, task, "succeeded", TIMEOUT_SECONDS);
    const [before, after] = [
      await contents(stage, sourceTable(stage)),
      await contents(stage, restoredTable(stage)),
    ];
    if (JSON.stringify(before) !== JSON.stringify(after))
      throw new Error(`the restored table differs: ${after.length} items, the source has ${before.length}`);
    return `${after.length} identical items`;
  },
};

const reported: Step = {
  name: "a dead message is reported as the event that it names (the report-failures Pipe)",
  async run({ stage, listener, tasks }) {
    const requestId = `smoke-${stage.run}-dead`;
    const detail = {
      request: { action: "backup", "bucket-prefix": archive(stage), ...locations(stage, sourceTable(stage)) },
      "request-id": requestId,
    };
    const task: Task = { action: "backup", key: backupKey(stage), requestId };
    tasks.push(task);
    const time = `${new Date().toISOString().slice(0, 19)}Z`;
    const event = {
      id: `smoke-${stage.run}`,
      time,
      source: "ferry.smoke",
      "detail-type": "TaskRequested",
      detail,
    };
    await stage.sqs.send(
      new SendMessageCommand({
        QueueUrl: await deployedQueueUrl(stage, "redrive-queue"),
        MessageBody: JSON.stringify({ failsAs: "TaskRejected", event }),
      }),
    );
    await waitForState(stage, task, "rejected", TIMEOUT_SECONDS);
    const received = await listener?.received();
    const reports = received?.filter(({ event: { detail } }) => JSON.stringify(detail).includes(requestId));
    if (
      reports !== undefined &&
      !reports.some(({ event: { "detail-type": type } }) => type === "TaskRejected")
    )
      throw new Error("no TaskRejected was put on the bus");
    return "TaskRejected";
  },
};

const announced: Step = {
  name: "each change of state is announced once (the stream's filters)",
  needs: "listener",
  async run({ listener, tasks }) {
    const received = await listener!.received();
    const counts = tasks.slice(0, 2).flatMap(({ key, requestId }) =>
      ["TaskFinishing", "TaskSucceeded", "TaskFailed"].map((type) => {
        const announcements = received.filter(({ event }) => {
          const { task } = event.detail as { task?: { key?: string; "request-id"?: string } };
          return event["detail-type"] === type && task?.key === key && task["request-id"] === requestId;
        });
        // Delivery is at least once: a repetition has the same event id.
        return { type, times: new Set(announcements.map(({ event }) => event.id)).size };
      }),
    );
    const wrong = counts.filter(({ type, times }) => times !== (type === "TaskFailed" ? 0 : 1));
    if (wrong.length > 0)
      throw new Error(wrong.map(({ type, times }) => `${type} ${times} times`).join(", "));
    return "TaskFinishing and TaskSucceeded, of the backup and the restore";
  },
};

const grouped: Step = {
  name: "a rule delivers to an encrypted queue, grouped by a JSON path (fair queues)",
  needs: "listener",
  async run({ listener }) {
    const received = await listener!.received();
    const wrong = received.filter(({ event, group }) => group !== event.id);
    if (received.length === 0 || wrong.length > 0)
      throw new Error(
        `${wrong.length} of ${received.length} messages have a group that is not the value at the path`,
      );
    return `${received.length} messages`;
  },
};

const continued: Step = {
  name: `a backup continues after ${HANDOFFS} handoffs (Lambda's loop detection)`,
  needs: "handoffs",
  async run({ stage, listener, tasks }) {
    const requestId = `smoke-${stage.run}-handoffs`;
    const task: Task = { action: "backup", key: backupKey(stage), requestId };
    tasks.push(task);
    await putRequest(
      stage,
      {
        action: "backup",
        "total-segments": 1,
        "read-units": 1,
        "bucket-prefix": `${archivePrefix(stage)}/handoffs`,
        ...locations(stage, sourceTable(stage)),
      },
      requestId,
    );
    await waitForState(stage, task, "succeeded", HANDOFFS_TIMEOUT_SECONDS);
    const handoffs = (await listener!.received()).filter(({ event }) => {
      const detail = event.detail as { handoff?: boolean; task?: { "request-id"?: string } };
      return detail.handoff === true && detail.task?.["request-id"] === requestId;
    }).length;
    if (handoffs < HANDOFFS)
      throw new Error(
        `the backup succeeded with ${handoffs} handoffs, too few for this check: deploy the stage with sliceBudgetSeconds 10 and maxHandoffsWithoutProgress 1000`,
      );
    return `${handoffs} handoffs`;
  },
};

export const steps: readonly Step[] = [backup, restore, reported, announced, grouped, continued];
