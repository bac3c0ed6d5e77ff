/**
 * The shapes that `--json` prints, for docs/cli.md. The keys are checked against the client's types.
 */
import type { ComparedTable, Difference } from "@ferry/client/archive/compare-table";
import type { InspectedArchive } from "@ferry/client/archive/inspect-archive";
import type { ListedArchive } from "@ferry/client/archive/list-archives";
import type { VerifiedArchive } from "@ferry/client/archive/verify-archive";
import type { Estimate, EstimatedWay } from "@ferry/client/price/estimate";
import type { Check } from "@ferry/client/stage/doctor";
import type { Preview } from "@ferry/client/task/preview";
import type { TaskProgress } from "@ferry/client/task/progress";
import type { SegmentStatus, TaskStatus } from "@ferry/client/task/task-status";
import type { TaskUsage } from "@ferry/client/task/task-usage";
import type { BusEvent } from "@ferry/core/events/events";

import type { PrunedArchive } from "./run/prune.ts";

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
  items: "items that the archive or the table holds so far",
  bytes: "their uncompressed bytes",
  files: "their data files",
  "skippedItems?": "a restore: items that were not written because another item had their key",
  "matchedItems?":
    "a restore with --only: of the items that it read, which `items` counts, those that it selected",
  "moment?": "a restore of DynamoDB's exports: the time of the state that comes out, ISO 8601",
  "expected?":
    "`items`, `bytes`?: of a restore the archive's totals, of a backup DynamoDB's estimate, whose bytes are smaller than those of lines",
  "settings?":
    "a restore that created its table: of each setting of the backed-up table `outcome` and `reason`?; see [events.md](events.md#taskfinished)",
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
  "matchedItems?": "as in a Task",
  "handoffs?": "in this attempt, as far as its workers reported it",
  "units?": "consumed capacity units, in this attempt",
  "throttles?": "calls that the table throttled, or of which it left writes unprocessed, in this attempt",
  "workSeconds?": "how long its workers worked, in this attempt",
  "reason?": "why it failed",
  updatedTime: "ISO 8601",
};

const usage: Fields<TaskUsage> = {
  units: "consumed capacity units",
  throttles: "calls that the table throttled, or of which it left writes unprocessed",
  handoffs: "ends of slices before the ends of their segments",
  workSeconds: "the sum of the workers' times",
  usd: "an estimate of the price so far, US dollars, at list prices and as if the table were on demand",
};

const progress: Fields<TaskProgress> = {
  task: "a Task",
  segments: "a list of Segment",
  itemsPerSecond: "over the last 20 seconds",
  bytesPerSecond: "over the last 20 seconds",
  unitsPerSecond: "capacity units, over the last 20 seconds",
  usage: "a Usage",
  "percent?": "0 to 100, of the expected items; 100 only when the task succeeded",
  "etaSeconds?": "to the end at the present rate",
};

const dryRun: Fields<Preview> & { readonly event: string } = {
  event: "the entry of PutEvents: `EventBusName`, `DetailType`, `Detail`",
  table: "`status`, `items`, `bytes`: DynamoDB's estimate",
  usd: "Ferry's estimated price, US dollars",
  seconds: "the shortest and the longest likely duration",
  "archive?": "a restore's archive: `items`, `files`, `bytes`?, `moment`?, `increments`?",
  destinationEmpty: "whether the backup's prefix, or the restore's table, is empty",
};

const listed: Fields<ListedArchive> = {
  url: "`s3://BUCKET/PREFIX`",
  state:
    "`sealed`: a finished backup or export; `open`: not finished, or never; `broken`: its summary cannot be read; `pruned`: a prune removed a part of it",
  writer: "`ferry`, `dynamodb` or `unknown`",
  incremental: "whether it is an incremental export",
  "tableArn?": "the table's ARN",
  "window?": "of an export: `to`, and of an incremental one `from`, ISO 8601",
  "filesAt?": "the URL of the archive that has its data files, if only its manifest is here",
  "startedTime?": "ISO 8601: no item is older than it was then",
  "items?": "number of items",
  "bytes?": "their uncompressed bytes; absent for an export of DynamoDB",
  "files?": "number of data files; absent for an export of DynamoDB",
  "problem?": "why it is broken",
};

const pruned: Fields<PrunedArchive> = {
  url: listed.url,
  "tableArn?": listed["tableArn?"],
  "startedTime?": listed["startedTime?"],
  decision: "`keep`, `remove` or `leave`: the rules do not apply to it",
  reasons: "why; empty if it is removed because no rule keeps it",
  "objects?": "number of objects that were removed",
  "bytes?": "their stored size",
  "foreignObjects?": "number of objects below its prefix that do not belong to it, and stay",
  "errors?": "what S3 refused, at most ten; empty if it was removed completely",
};

const inspected: Fields<InspectedArchive> = {
  url: listed.url,
  writer: "`ferry` or `dynamodb`",
  incremental: listed.incremental,
  "tableArn?": listed["tableArn?"],
  "window?": listed["window?"],
  "startedTime?": listed["startedTime?"],
  "endedTime?": "ISO 8601; absent for an export of DynamoDB",
  items: "number of items",
  files: "number of data files",
  "bytes?": listed["bytes?"],
  storedBytes: "the sizes of the data files in S3",
  segments: "of each segment `segment`, `files`, `items`; empty for an export of DynamoDB",
  "keys?": "of each key attribute `name` and `type`, hash first",
  "settings?": "the content of table.json",
};

const verified: Fields<VerifiedArchive> = {
  url: listed.url,
  files: "number of data files in the manifest",
  items: "number of lines that were read",
  bytes: "their uncompressed bytes",
  problems: "of each damaged file `object`, `code`, `message`; empty if the archive is as it was written",
};

const compared: Fields<ComparedTable> = {
  table: "`region`, `name`",
  archiveItems: "items of the archive",
  tableItems: "items of the table",
  changed: "number of items that are in both, with other attributes",
  missing: "number of the archive's items that the table does not hold",
  extra: "number of the table's items that the archive does not hold",
  differences: "the first of them: a list of Difference",
};

const difference: Fields<Difference> = {
  kind: "`changed`, `missing` or `extra`",
  key: "the item's key in DynamoDB JSON",
};

const estimate: Fields<Estimate> = {
  action: "`backup` or `restore`",
  items: "DynamoDB's estimate",
  bytes: "DynamoDB's estimate",
  units: "capacity units that Ferry consumes",
  segments: "Ferry's segments",
  ways: "a list of Way; Ferry is the first",
  parts: "Ferry's price, US dollars: `units`, `lambda`, `s3`, `events`, `transfer`",
  cheapest: "the name of the way with the lowest price, of a backup with its first month",
  fastest: "the name of the way with the shortest known duration",
};

const way: Fields<EstimatedWay> = {
  name: "its name",
  "usd?": "the price of one run, US dollars; absent if it is not known",
  "usdPerMonth?": "the price of keeping a backup for a month",
  "seconds?": "the shortest and the longest likely duration; absent if AWS gives none",
  remark: "what it needs, and what it cannot do",
};

const check: Fields<Check> = {
  name: "what was checked",
  state: "`ok`, `warning` (it works, but not as well as it could), `failed` or `skipped`",
  detail: "what was found, or why it was skipped",
  "hint?": "what to do about a failure or a warning",
  "code?": "of a failure: the code of its error",
};

const event: Fields<BusEvent> = {
  id: "the same for each delivery of the event",
  time: "ISO 8601, whole seconds",
  source: "`ferry`, or that of a caller",
  "detail-type": "one of the events in [events.md](events.md)",
  detail: "its fields, as in events.md",
};

export const jsonShapes: Readonly<
  Record<string, { readonly about: string; readonly fields: Readonly<Record<string, string>> }>
> = {
  Task: { about: "A task's status row.", fields: task },
  Segment: { about: "A segment of a task.", fields: segment },
  Usage: {
    about: "What a task used so far: sums over its segments, each of its latest attempt.",
    fields: usage,
  },
  Progress: { about: "One observation of a task.", fields: progress },
  DryRun: { about: "What a request would do.", fields: dryRun },
  Event: { about: "An event on the bus. It also has EventBridge's other fields.", fields: event },
  ListedArchive: { about: "An archive in a list.", fields: listed },
  PrunedArchive: { about: "What a prune does with an archive.", fields: pruned },
  InspectedArchive: { about: "A sealed archive.", fields: inspected },
  VerifiedArchive: { about: "The result of reading all of an archive.", fields: verified },
  ComparedTable: { about: "The result of comparing an archive with a table.", fields: compared },
  Estimate: { about: "What a backup or a restore would take and cost.", fields: estimate },
  Way: { about: "A way to back up or restore a table.", fields: way },
  Check: { about: "One check of `ferry doctor`.", fields: check },
  Difference: { about: "An item that differs.", fields: difference },
};
