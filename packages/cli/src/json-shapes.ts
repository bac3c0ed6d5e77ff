/**
 * The shapes that `--json` prints, for docs/cli.md. The keys are checked against the client's types.
 */
import type { Preview } from "@ferry/client/preview";
import type { TaskProgress } from "@ferry/client/progress";
import type { SegmentStatus, TaskStatus } from "@ferry/client/task-status";

type Optional<T> = { [K in keyof T]-?: object extends Pick<T, K> ? K : never }[keyof T];
/** One text for each field of `T`, with `?` after the names of optional ones. */
type Fields<T> = {
  readonly [K in keyof T as K extends Optional<T> ? `${K & string}?` : K & string]-?: string;
};

const task: Fields<TaskStatus> = {
  "id?": "the task id; absent until Ferry answered the request",
  "requestId?": "the id of the request",
  action: "`backup` or `restore`",
  key: "with `action` and `timestamp` the key of the status row",
  "timestamp?": "the request's second, ms since 1970, and a slot of 0 to 999",
  state:
    "`requested`, `rejected`, `running`, `cancelling`, `finishing`, `succeeded`, `failed` or `cancelled`",
  attempt: "from 1",
  table: "`region`, `name`",
  archive: "`region`, `bucket`, `prefix`",
  segments: "`total`, `completed`, `failed`",
  items: "items that the archive or the table holds so far, of segments that ended",
  bytes: "their uncompressed bytes",
  files: "their data files",
  "skippedItems?": "a restore: items that were not written because another item had their key",
  "expected?": "`items`, `bytes`?: of a restore the archive's totals, of a backup DynamoDB's estimate",
  reasons: "why it failed or was rejected; empty otherwise",
  notes: "remarks, such as that the archive has too many files for ImportTable",
  "acceptedTime?": "ISO 8601",
  "finishedTime?": "ISO 8601",
  "updatedTime?": "ISO 8601",
};

const segment: Fields<SegmentStatus> = {
  segment: "from 0",
  state: "`queued`, `running`, `completed` or `failed`",
  attempt: "from 1",
  items: "items so far",
  bytes: "their uncompressed bytes",
  files: "their data files",
  "skippedItems?": "as in a Task",
  "reason?": "why it failed",
  updatedTime: "ISO 8601",
};

const progress: Fields<TaskProgress> = {
  task: "a Task",
  segments: "a list of Segment",
  items: "items so far, including segments that did not end",
  bytes: "their uncompressed bytes",
  itemsPerSecond: "over the last 20 seconds",
  bytesPerSecond: "over the last 20 seconds",
  "percent?": "0 to 100, of the expected items; 100 only when the task succeeded",
  "etaSeconds?": "to the end at the present rate",
};

const dryRun: Fields<Preview> & { readonly event: string } = {
  event: "the entry of PutEvents: `EventBusName`, `DetailType`, `Detail`",
  table: "`status`, `items`, `bytes`: DynamoDB's estimate",
  "archive?": "a restore's archive: `items`, `files`, `bytes`?",
  destinationEmpty: "whether the backup's prefix, or the restore's table, is empty",
};

export const jsonShapes: Readonly<
  Record<string, { readonly about: string; readonly fields: Readonly<Record<string, string>> }>
> = {
  Task: { about: "A task's status row.", fields: task },
  Segment: { about: "A segment of a task.", fields: segment },
  Progress: { about: "One observation of a task.", fields: progress },
  DryRun: { about: "What a request would do.", fields: dryRun },
};
