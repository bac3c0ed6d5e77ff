/** What is tried, in order. Each step says what was seen, or throws what was not. */
import { SendMessageCommand } from "@aws-sdk/client-sqs";
import type { Action } from "@ferry/core/task";
import type { EventListener } from "./event-listener.ts";
import { prefixOf, queueUrl, restoredTable, type Stage, sourceTable } from "./stage.ts";
import { contents } from "./tables.ts";
import { reached, request } from "./tasks.ts";

const PATIENCE_SECONDS = 300;
/** Lambda's loop detection stops a chain after about 16. */
const HOPS = 20;
/** A hand-off every ten seconds, and as much again for what is in between. */
const HOPS_PATIENCE_SECONDS = HOPS * 60;

export interface Task {
  readonly action: Action;
  readonly key: string;
  readonly requestId: string;
}

export interface Trial {
  readonly stage: Stage;
  /** Absent where no rule can be added: on the local host. */
  readonly tap?: EventListener;
  /** Whether the long step runs, too. */
  readonly hops: boolean;
  /** Every task that was asked for, to be forgotten in the end. */
  readonly tasks: Task[];
}

export interface Step {
  readonly name: string;
  /** What only AWS can show; the others run on the local host, too. */
  readonly needs?: "tap" | "hops";
  readonly run: (trial: Trial) => Promise<string>;
}

const places = (stage: Stage, table: string) => ({
  "table-region": stage.region,
  "table-name": table,
  "bucket-region": stage.region,
  "bucket-name": stage.bucket,
});

const backupKey = (stage: Stage) => `${stage.region}-${sourceTable(stage)}`;
const archive = (stage: Stage) => `${prefixOf(stage)}/archive`;

const backup: Step = {
  name: "a request on the bus becomes a backup (rules, queues, the stream's Pipe)",
  async run({ stage, tasks }) {
    const task: Task = { action: "backup", key: backupKey(stage), requestId: `smoke-${stage.run}-backup` };
    tasks.push(task);
    await request(
      stage,
      {
        action: "backup",
        "total-segments": 4,
        "bucket-prefix": archive(stage),
        ...places(stage, sourceTable(stage)),
      },
      task.requestId,
    );
    const { items } = await reached(stage, task, "succeeded", PATIENCE_SECONDS);
    return `${items} items`;
  },
};

const restore: Step = {
  name: "a message on request-queue becomes a restore (the requests Pipe)",
  async run({ stage, tasks }) {
    const { MessageId } = await stage.sqs.send(
      new SendMessageCommand({
        QueueUrl: await queueUrl(stage, "request-queue"),
        MessageBody: JSON.stringify({
          action: "restore",
          "total-segments": 2,
          "bucket-prefix": archive(stage),
          ...places(stage, restoredTable(stage)),
        }),
      }),
    );
    // The Pipe makes the message's id the request's.
    const key = `${stage.region}-${stage.bucket}-${archive(stage)}`;
    const task: Task = { action: "restore", key, requestId: MessageId! };
    tasks.push(task);
    await reached(stage, task, "succeeded", PATIENCE_SECONDS);
    const [before, after] = [
      await contents(stage, sourceTable(stage)),
      await contents(stage, restoredTable(stage)),
    ];
    if (JSON.stringify(before) !== JSON.stringify(after))
      throw new Error(`the restored table differs: ${after.length} items, the source has ${before.length}`);
    return `${after.length} items, the same`;
  },
};

const reported: Step = {
  name: "a dead message is reported under its own detail-type (the report-failures Pipe)",
  async run({ stage, tap, tasks }) {
    const requestId = `smoke-${stage.run}-dead`;
    const detail = {
      request: { action: "backup", "bucket-prefix": archive(stage), ...places(stage, sourceTable(stage)) },
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
        QueueUrl: await queueUrl(stage, "redrive-queue"),
        MessageBody: JSON.stringify({ failsAs: "TaskRejected", event }),
      }),
    );
    await reached(stage, task, "rejected", PATIENCE_SECONDS);
    const heard = await tap?.heard();
    const types = heard?.filter(({ event: { detail } }) => JSON.stringify(detail).includes(requestId));
    if (types !== undefined && !types.some(({ event: { "detail-type": type } }) => type === "TaskRejected"))
      throw new Error("no TaskRejected was heard on the bus");
    return "TaskRejected";
  },
};

const announced: Step = {
  name: "each change of state is announced once (the stream's filters)",
  needs: "tap",
  async run({ tap, tasks }) {
    const heard = await tap!.heard();
    const counts = tasks.slice(0, 2).flatMap(({ key, requestId }) =>
      ["TaskFinishing", "TaskSucceeded", "TaskFailed"].map((type) => {
        const about = heard.filter(({ event }) => {
          const { task } = event.detail as { task?: { key?: string; "request-id"?: string } };
          return event["detail-type"] === type && task?.key === key && task["request-id"] === requestId;
        });
        // Delivery is at least once: a repetition has the same event id.
        return { type, times: new Set(about.map(({ event }) => event.id)).size };
      }),
    );
    const wrong = counts.filter(({ type, times }) => times !== (type === "TaskFailed" ? 0 : 1));
    if (wrong.length > 0)
      throw new Error(wrong.map(({ type, times }) => `${type} ${times} times`).join(", "));
    return "TaskFinishing and TaskSucceeded, of backup and restore";
  },
};

const grouped: Step = {
  name: "a rule delivers to an encrypted queue, grouped by a JSON path (fair queues)",
  needs: "tap",
  async run({ tap }) {
    const heard = await tap!.heard();
    const wrong = heard.filter(({ event, group }) => group !== event.id);
    if (heard.length === 0 || wrong.length > 0)
      throw new Error(`${wrong.length} of ${heard.length} messages have another group than the path says`);
    return `${heard.length} messages`;
  },
};

const continued: Step = {
  name: `a worker continues itself ${HOPS} times (recursion)`,
  needs: "hops",
  async run({ stage, tap, tasks }) {
    const requestId = `smoke-${stage.run}-hops`;
    const task: Task = { action: "backup", key: backupKey(stage), requestId };
    tasks.push(task);
    await request(
      stage,
      {
        action: "backup",
        "total-segments": 1,
        "read-units": 1,
        "bucket-prefix": `${prefixOf(stage)}/hops`,
        ...places(stage, sourceTable(stage)),
      },
      requestId,
    );
    await reached(stage, task, "succeeded", HOPS_PATIENCE_SECONDS);
    const hops = (await tap!.heard()).filter(({ event }) => {
      const detail = event.detail as { handoff?: boolean; task?: { "request-id"?: string } };
      return detail.handoff === true && detail.task?.["request-id"] === requestId;
    }).length;
    if (hops < HOPS)
      throw new Error(
        `the backup succeeded in ${hops} hand-offs, too few to show anything: deploy the stage with sliceBudgetSeconds 10 and maxHandoffsWithoutProgress 1000`,
      );
    return `${hops} hand-offs`;
  },
};

export const steps: readonly Step[] = [backup, restore, reported, announced, grouped, continued];
