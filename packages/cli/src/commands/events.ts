import type { CommandSpec } from "../command.ts";

export const eventsCommand: CommandSpec = {
  name: "events",
  summary: "follow the events on the stage's bus until Ctrl-C",
  description:
    "A rule and a queue are created for it, and removed at its end. If it is killed, the next `ferry events` of the stage removes them, at the earliest 15 minutes later. It needs the permissions events:PutRule, PutTargets, RemoveTargets, DeleteRule, ListRules and PutEvents on the bus and its rules, and sqs:CreateQueue, GetQueueUrl, ReceiveMessage, DeleteMessage and DeleteQueue on queues named ferry-STAGE-events-*. Delivery is not in order.",
  arguments: {},
  options: {
    "--type <TYPE>": {
      description: "only events of this type; may be repeated",
      choices: [
        "TaskRequested",
        "TaskCancelRequested",
        "TaskRetryRequested",
        "TaskAccepted",
        "TaskRejected",
        "SegmentQueued",
        "SegmentProgressed",
        "SegmentCompleted",
        "SegmentFailed",
        "TaskStepFailed",
        "TaskFinishing",
        "TaskFinished",
        "TaskSucceeded",
        "TaskFailed",
        "TaskCancelled",
        "TaskControlRefused",
      ],
      repeatable: true,
    },
    "--task <ID>": "only events of this task: a task id, or the id of its request",
  },
  examples: {
    "ferry events --stage production": "a line for each event",
    "ferry events --type TaskFailed --type TaskRejected --json": "what went wrong, as lines of JSON",
  },
  uses: "stage",
  json: "One Event a line, as EventBridge delivered it.",
  load: () => import("../run/events.ts"),
};
