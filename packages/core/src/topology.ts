/**
 * Queues, rules, Pipes and tables as data. The stacks build the deployed system from it, the local host delivers with it,
 * and a test compares the synthesized stack with it.
 */
import { ATTEMPTS_EXHAUSTED, type FailureType, type FerryEvent, SOURCE } from "./events/events.ts";

export type QueueName =
  | "request-queue"
  | "backup-queue"
  | "restore-queue"
  | "projection-queue"
  | "redrive-queue";
export type DeadLetterName = "request-dead-letters" | "projection-dead-letters" | "redrive-dead-letters";
export type TableName = "backup-table" | "restore-table" | "segment-table";
export type ConsumerName = "backup" | "restore" | "projection";

/** A queue: how many times a message is tried, and where it moves afterwards. */
export interface QueueSpec {
  /** The number of receives before a message is moved. */
  readonly attempts: number;
  /** The queue to which it is moved. */
  readonly deadLetters: DeadLetterName | "redrive-queue";
}

export const queues: Readonly<Record<QueueName, QueueSpec>> = {
  "request-queue": { attempts: 5, deadLetters: "request-dead-letters" },
  "backup-queue": { attempts: 5, deadLetters: "redrive-queue" },
  "restore-queue": { attempts: 5, deadLetters: "redrive-queue" },
  "projection-queue": { attempts: 10, deadLetters: "projection-dead-letters" },
  // AWS counts a message's receives "across all queues". Its documentation does not say whether the receives before the
  // redrive count here too, so the limit has room for them.
  "redrive-queue": { attempts: 10, deadLetters: "redrive-dead-letters" },
};

/** The queue for events that a rule could not deliver to its target. */
export const UNDELIVERED_QUEUE = "undelivered-queue";

/** A Lambda function on a queue. */
export interface ConsumerSpec {
  readonly queue: QueueName;
  readonly batchSize: number;
  /** The most concurrent invocations; for the workers, the stage's setting overrides it. */
  readonly maximumConcurrency: number;
}

export const consumers: Readonly<Record<ConsumerName, ConsumerSpec>> = {
  backup: { queue: "backup-queue", batchSize: 1, maximumConcurrency: 50 },
  restore: { queue: "restore-queue", batchSize: 1, maximumConcurrency: 50 },
  // Few invocations at once, because they compete for the same rows. Large batches, because a task's facts become one write.
  projection: { queue: "projection-queue", batchSize: 10, maximumConcurrency: 2 },
};

/** An EventBridge event pattern, as PutRule takes it. */
export type EventPattern = { readonly [field: string]: unknown };

/** A rule: its pattern, its queue, and the failure event of a message that is never processed. */
export interface Route {
  readonly pattern: EventPattern;
  readonly queue: QueueName;
  /** Each route to a worker has one. Without it, a message whose attempts ran out would leave its task running forever. */
  readonly failsAs?: FailureType;
  /** The JSON path of the message group: fair queueing by task. */
  readonly messageGroup?: string;
}

const REQUEST_GROUP = "$.id";
const TASK_GROUP = "$.detail.task.request-id";

/** The pattern of a fact. It matches only Ferry's source: otherwise any system could put a fact. */
const fact = (action: ConsumerName, type: string, detail: object = {}): EventPattern => ({
  source: [SOURCE],
  "detail-type": [type],
  detail: { task: { action: [action] }, ...detail },
});

const absent = [{ exists: false }];

/** The pattern of a request for which `action` matches, wrapped or bare. Only one of them can match an event. */
const requestWith = (action: readonly unknown[], ...others: object[]): EventPattern => ({
  "detail-type": ["TaskRequested"],
  $or: [{ detail: { request: { action } } }, { detail: { action, request: { action: absent } } }, ...others],
});

/** The routes to the worker of an action. */
const work = <A extends "backup" | "restore">(action: A): Record<string, Route> => {
  const queue: QueueName = `${action}-queue`;
  return {
    [`${action}-requested`]: {
      pattern: requestWith([action]),
      queue,
      failsAs: "TaskRejected",
      messageGroup: REQUEST_GROUP,
    },
    [`${action}-retry-requested`]: {
      pattern: { "detail-type": ["TaskRetryRequested"], detail: { task: { action: [action] } } },
      queue,
      failsAs: "TaskStepFailed",
      messageGroup: REQUEST_GROUP,
    },
    [`${action}-accepted`]: {
      pattern: fact(action, "TaskAccepted"),
      queue,
      failsAs: "TaskStepFailed",
      messageGroup: TASK_GROUP,
    },
    [`${action}-segment-queued`]: {
      pattern: fact(action, "SegmentQueued"),
      queue,
      failsAs: "SegmentFailed",
      messageGroup: TASK_GROUP,
    },
    [`${action}-segment-handed-off`]: {
      pattern: fact(action, "SegmentProgressed", { handoff: [true] }),
      queue,
      failsAs: "SegmentFailed",
      messageGroup: TASK_GROUP,
    },
    [`${action}-finishing`]: {
      pattern: fact(action, "TaskFinishing"),
      queue,
      failsAs: "TaskStepFailed",
      messageGroup: TASK_GROUP,
    },
  };
};

/** Every rule on the bus. */
export const routes: Readonly<Record<string, Route>> = {
  ...work("backup"),
  ...work("restore"),
  // A request with another action or none would match no other rule and be lost. The backup worker rejects it. A message of
  // request-queue has its action in a text, which no pattern can read: the backup worker does.
  "other-requested": {
    pattern: requestWith([{ "anything-but": ["backup", "restore"] }], {
      detail: { action: absent, request: { action: absent } },
    }),
    queue: "backup-queue",
    failsAs: "TaskRejected",
    messageGroup: REQUEST_GROUP,
  },
  facts: {
    pattern: {
      source: [SOURCE],
      "detail-type": [
        "TaskAccepted",
        "TaskRejected",
        "SegmentQueued",
        "SegmentProgressed",
        "SegmentCompleted",
        "SegmentFailed",
        "TaskStepFailed",
        "TaskFinished",
      ],
    },
    queue: "projection-queue",
  },
  // A long count, or check of many segments, continues in event after event. The row's update time shows that it makes progress.
  "count-continued": {
    pattern: {
      source: [SOURCE],
      "detail-type": ["TaskFinishing"],
      $or: [
        { detail: { counted: { items: [{ exists: true }] } } },
        { detail: { "checked-segments": [{ exists: true }] } },
      ],
    },
    queue: "projection-queue",
  },
  "cancel-requested": {
    pattern: { "detail-type": ["TaskCancelRequested"] },
    queue: "projection-queue",
  },
  // A retry with another action or none would be lost too.
  "other-retry-requested": {
    pattern: {
      "detail-type": ["TaskRetryRequested"],
      $or: [
        { detail: { task: { action: [{ "anything-but": ["backup", "restore"] }] } } },
        { detail: { task: { action: [{ exists: false }] } } },
      ],
    },
    queue: "backup-queue",
    failsAs: "TaskStepFailed",
    messageGroup: REQUEST_GROUP,
  },
};

/** The input of a rule's target: the whole event, and the type of the failure event if it is never processed. */
export function inputTemplate(route: Route): string {
  const failsAs = route.failsAs === undefined ? "" : `"failsAs":"${route.failsAs}",`;
  return `{${failsAs}"event":<aws.events.event.json>}`;
}

/** The event types that other systems may put; only Ferry puts the others. */
export const callerTypes = ["TaskRequested", "TaskCancelRequested", "TaskRetryRequested"] as const;

/** The functions that put each type of event. The role of a function allows no other type. */
export const putters = {
  // A restore that was requested by a message.
  TaskRequested: ["backup"],
  TaskAccepted: ["backup", "restore"],
  TaskRejected: ["backup", "restore"],
  SegmentQueued: ["backup", "restore"],
  SegmentProgressed: ["backup", "restore"],
  SegmentCompleted: ["backup", "restore"],
  SegmentFailed: ["backup", "restore"],
  TaskStepFailed: ["backup", "restore"],
  TaskFinished: ["backup", "restore"],
  // A backup continues its check of many segments, a restore a long count.
  TaskFinishing: ["backup", "restore"],
  TaskControlRefused: ["backup", "restore", "projection"],
} as const satisfies Readonly<Record<FerryEvent["type"], readonly ConsumerName[]>>;

/** The types of events that a function puts. */
export const typesPutBy = (consumer: ConsumerName): string[] =>
  Object.entries(putters).flatMap(([type, names]: [string, readonly ConsumerName[]]) =>
    names.includes(consumer) ? [type] : [],
  );

/** The failure events. */
const failureTypes: readonly FailureType[] = ["TaskRejected", "SegmentFailed", "TaskStepFailed"];

/** The states of a row that are announced on the bus, and the type of each announcement. */
export const announcements = {
  finishing: "TaskFinishing",
  succeeded: "TaskSucceeded",
  failed: "TaskFailed",
  cancelled: "TaskCancelled",
} as const;

/** Attributes of the status tables' items that several components read, besides the tables' keys. */
export const attributes = {
  taskId: "task-id",
  requestId: "request-id",
  state: "state",
  updatedTime: "updated-time",
  reannounce: "reannounce",
} as const;

/** An index of `backup-table` and `restore-table`. It has only keys: those of the index and of the rows. */
export interface RowIndex {
  readonly name: string;
  readonly hash: { readonly name: string; readonly type: "S" };
  readonly range?: { readonly name: string; readonly type: "N" };
}

/** The index by which the monitor and operators find the tasks in a state. */
export const byState = {
  name: "by-state",
  hash: { name: attributes.state, type: "S" },
  range: { name: "timestamp", type: "N" },
} as const satisfies RowIndex;

/** The index by which callers find the task of a request: they know only the id of their event or message. */
export const byRequest = {
  name: "by-request",
  hash: { name: attributes.requestId, type: "S" },
} as const satisfies RowIndex;

export const rowIndexes: readonly RowIndex[] = [byState, byRequest];

/** A DynamoDB table that Ferry owns. */
export interface StatusTableSpec {
  readonly hash: { readonly name: string; readonly type: "S" };
  readonly range: { readonly name: string; readonly type: "N" };
  /** Whether its changes are announced on the bus. */
  readonly stream: boolean;
}

export const tables: Readonly<Record<TableName, StatusTableSpec>> = {
  "backup-table": {
    hash: { name: "key", type: "S" },
    range: { name: "timestamp", type: "N" },
    stream: true,
  },
  "restore-table": {
    hash: { name: "key", type: "S" },
    range: { name: "timestamp", type: "N" },
    stream: true,
  },
  "segment-table": {
    hash: { name: "task", type: "S" },
    range: { name: "segment", type: "N" },
    stream: false,
  },
};

/**
 * The table in which workers coordinate: requests of request-ids, owners of rows, attempts that retries began, claims of
 * slices, reservations of ceilings, leases of tables. `expires` is the attribute by which DynamoDB deletes items; a lease
 * has none.
 */
export const workerTable = {
  name: "worker-table",
  hash: { name: "key", type: "S" },
  expires: "expires",
} as const;

/** A Pipe to the bus. `detailType` is a detail-type, or the JSON path of one. */
export interface PipeSpec {
  readonly from: { readonly queue: QueueName } | { readonly table: TableName };
  readonly detailType: string;
  /** Every detail-type that it may put. Its role allows no other. */
  readonly types: readonly string[];
  /** Absent: the record is the event's detail, with the body of a message as a string. */
  readonly inputTemplate?: string;
  /**
   * Event patterns on a stream's records; one of them must match. A queue's Pipe has none, since it would delete
   * messages that do not match.
   */
  readonly filters?: readonly EventPattern[];
}

/**
 * Filters for "the state became X": the old image has another state, or no state. A row that is created in an announced
 * state must be announced too, and `anything-but` does not match a missing field.
 */
const becameFilters: readonly EventPattern[] = Object.keys(announcements).map((state) => ({
  dynamodb: {
    NewImage: { [attributes.state]: { S: [state] } },
    $or: [
      { OldImage: { [attributes.state]: { S: [{ "anything-but": [state] }] } } },
      { OldImage: { [attributes.state]: { S: [{ exists: false }] } } },
    ],
  },
}));

const image = (name: string, type: "S" | "N") => `<$.dynamodb.NewImage.${name}.${type}>`;

/** Pipes do not escape strings: each string here has a restricted alphabet. Pipes escape objects, so the plan is in one. */
const announcementTemplate = (action: "backup" | "restore") =>
  `{"version":1,"task":{"id":"${image(attributes.taskId, "S")}","action":"${action}",` +
  `"key":"${image("key", "S")}","timestamp":${image("timestamp", "N")},"request-id":"${image("request-id", "S")}"},` +
  `"attempt":${image("attempt", "N")},"state":"${image(attributes.state, "S")}","reason":"${image("reason", "S")}",` +
  `"table-region":"${image("table-region", "S")}","table-name":"${image("table-name", "S")}",` +
  `"bucket-region":"${image("bucket-region", "S")}","bucket-name":"${image("bucket-name", "S")}",` +
  `"bucket-prefix":"${image("bucket-prefix", "S")}","total-segments":${image("total-segments", "N")},` +
  `"completed-segments":${image("completed-segments", "N")},"failed-segments":${image("failed-segments", "N")},` +
  `"transferred-batches":${image("transferred-batches", "N")},` +
  `"transferred-items":${image("transferred-items", "N")},"transferred-bytes":${image("transferred-bytes", "N")},` +
  `"plan":<$.dynamodb.NewImage.plan>}`;

export const pipes: Readonly<Record<string, PipeSpec>> = {
  requests: {
    from: { queue: "request-queue" },
    detailType: "TaskRequested",
    types: ["TaskRequested"],
    // A template does not escape the body: with one, a body that is not JSON could not be put (docs/decisions/0030).
  },
  "report-failures": {
    from: { queue: "redrive-queue" },
    detailType: "$.body.failsAs",
    types: failureTypes,
    // Pipes do not escape strings. A string that is not from a rule could add fields, but the last field of a name is read,
    // and no field before it. The projector refuses the fields that are not here.
    inputTemplate:
      '{"step":"<$.body.event.detail-type>","event-id":"<$.body.event.id>","time":"<$.body.event.time>",' +
      `"work":<$.body.event.detail>,"version":1,"cause":"${ATTEMPTS_EXHAUSTED}"}`,
  },
  "announce-backups": {
    from: { table: "backup-table" },
    detailType: "$.dynamodb.NewImage.announcement.S",
    types: Object.values(announcements),
    inputTemplate: announcementTemplate("backup"),
    filters: becameFilters,
  },
  "announce-restores": {
    from: { table: "restore-table" },
    detailType: "$.dynamodb.NewImage.announcement.S",
    types: Object.values(announcements),
    inputTemplate: announcementTemplate("restore"),
    filters: becameFilters,
  },
};

/** The name of a stage. It is part of every resource's name, and the names of roles and Pipes are limited to 64 characters. */
export const STAGE_NAME = /^[a-z][a-z0-9-]{0,29}$/;

/** The physical name of a stage's resource. It is stable, so that other systems can use it. */
export function physicalName(
  stage: string,
  name: QueueName | DeadLetterName | TableName | typeof workerTable.name | "undelivered-queue" | "bus",
): string {
  return name === "bus" ? `ferry-${stage}` : `ferry-${stage}-${name}`;
}
