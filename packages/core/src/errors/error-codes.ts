/**
 * All error codes, with cause and remedy. docs/errors.md is generated from this list, and the type `ErrorCode` derives
 * from it.
 */
/**
 * - `permanent`: trying again cannot help. The segment or task fails at once, with this report.
 * - `throttled`: the service limits the rate of calls. The worker backs off or hands off, and does not fail.
 * - `transient`: unknown or temporary. The queue delivers the message again until its attempts run out.
 */
export type ErrorKind = "permanent" | "throttled" | "transient";

/** The documentation of a code. */
interface CodeEntry {
  readonly kind: ErrorKind;
  /** The cause, Markdown. */
  readonly cause: string;
  /** What to do, Markdown. */
  readonly remedy: string;
}

export const errorCodes = {
  "access-denied": {
    kind: "permanent",
    cause: "A role of Ferry, or the policy of a table, bucket or key, does not allow the call.",
    remedy: "Grant the permission that the hint names. For another account, check its resource policy too.",
  },
  "another-task": {
    kind: "permanent",
    cause:
      "The `id` or `request-id` of a cancel does not belong to the row that its `key` and `timestamp` name.",
    remedy: "Copy `id` and `request-id` from the row, or omit them.",
  },
  "archive-changed": {
    kind: "permanent",
    cause: "The manifest or `task.json` changed after the restore was planned.",
    remedy:
      "The table may hold items of both archives. Empty it, find out what writes under the prefix, and request a new restore.",
  },
  "archive-incomplete": {
    kind: "permanent",
    cause: "The last step of a backup found other files under the prefix than those that its segments wrote.",
    remedy: "Something else writes or deletes objects under the prefix. Back up again, to another prefix.",
  },
  "archive-moved": {
    kind: "permanent",
    cause: "The manifest lists files outside the prefix of the archive.",
    remedy:
      "If the whole archive was copied or moved, set `manifest-keys` to `rebase`. To read the files from the keys that the manifest lists, set it to `as-listed`.",
  },
  "attempts-exhausted": {
    kind: "permanent",
    cause:
      "A message failed at each delivery, until its attempts ran out. The reason in the row has the last error.",
    remedy: "Remove the cause of that error, then put `TaskRetryRequested`.",
  },
  "broken-archive": {
    kind: "permanent",
    cause: "`task.json` or `table.json` is missing or cannot be read.",
    remedy: "The archive is damaged. Restore from another backup, or from an undamaged copy.",
  },
  "broken-chain": {
    kind: "permanent",
    cause: "A segment's sequence of data files has a gap.",
    remedy: "Something else wrote or deleted objects under the prefix. Back up again, to another prefix.",
  },
  "broken-manifest": {
    kind: "permanent",
    cause: "The manifest cannot be read, or contradicts itself or the archive.",
    remedy: "The archive is damaged, or its writer has a fault. Restore from another backup.",
  },
  cancelled: {
    kind: "permanent",
    cause: "An operator cancelled the attempt.",
    remedy: "To continue where the task stopped, put `TaskRetryRequested`.",
  },
  "conditional-request-conflict": {
    kind: "transient",
    cause: "S3 reported several times that another put of the same key is in progress.",
    remedy: "None: the queue delivers the message again.",
  },
  "corrupt-file": {
    kind: "permanent",
    cause:
      "A data file is not complete gzip, zstd or plain lines, or its content does not match its metadata or the manifest.",
    remedy: "The archive is damaged. Restore from another backup, or make a new one.",
  },
  "credentials-refused": {
    kind: "permanent",
    cause:
      "AWS does not accept the credentials of the process, or the region is not enabled for the account.",
    remedy: "Check the credentials and the account, and that the region is enabled.",
  },
  "cut-short": {
    kind: "transient",
    cause: "The connection broke several times before a data file was read to its end.",
    remedy: "None: the queue delivers the message again.",
  },
  "deadline-exceeded": {
    kind: "permanent",
    cause: "An attempt took longer than the stage's task timeout.",
    remedy:
      "Put `TaskRetryRequested`: the task continues where it stopped. For a table of this size request more segments.",
  },
  "duplicate-key": {
    kind: "permanent",
    cause: "Two lines of a data file have the same key.",
    remedy: "The archive is damaged, or its writer has a fault. Restore from another backup.",
  },
  "entries-refused": {
    kind: "transient",
    cause: "EventBridge refused some entries of a `PutEvents` call several times in a row.",
    remedy:
      "The queue delivers the message again. If the reason is throttling, raise the `PutEvents` quota or use fewer segments.",
  },
  "event-too-large": {
    kind: "permanent",
    cause: "An event is larger than EventBridge allows.",
    remedy: "Send a smaller request: the events of a task contain the whole request.",
  },
  "file-too-large": {
    kind: "permanent",
    cause: "The decompressed size of a data file exceeds the setting `maximumFileBytes`.",
    remedy: "Check that the file belongs to the archive; then raise the setting.",
  },
  "foreign-file": {
    kind: "permanent",
    cause: "A data file under the prefix was written by another task, or for another number of segments.",
    remedy: "Something else writes objects under the prefix. Back up to another prefix.",
  },
  "invalid-request": {
    kind: "permanent",
    cause:
      "A request, a cancel or a retry has a missing, unknown or invalid field; or DynamoDB or S3 refused a call as invalid, for instance an item that does not fit the table's keys.",
    remedy: "Correct each field that the issues name, and send the event again.",
  },
  "items-missing": {
    kind: "permanent",
    cause: "The table was empty before the restore, and after it holds fewer items than the restore wrote.",
    remedy:
      "Restore an export into a table with the keys of its source table. Deletes by an application or by TTL during the restore also cause this error.",
  },
  "key-not-usable": {
    kind: "permanent",
    cause: "The KMS key is disabled, missing, in another region, or not allowed for the worker's role.",
    remedy: "Check `kms-key-id`, the state of the key, and its policy.",
  },
  "key-schema-mismatch": {
    kind: "permanent",
    cause: "The table's key attributes differ from those of the archive's items.",
    remedy:
      "Restore into a table with the archive's key schema, which `table.json` under the prefix contains.",
  },
  "malformed-event": {
    kind: "transient",
    cause:
      "An event on the bus or a message of a queue does not match its schema; the message names each invalid field.",
    remedy:
      "Compare it with [events.md](events.md), and find out which system put it. When its attempts run out, the message becomes a dead letter.",
  },
  "malformed-row": {
    kind: "transient",
    cause:
      "A row of a status table, or a table's lease in the worker table, has an attribute that Ferry did not write; the message names each one.",
    remedy:
      "Restore the attributes that the message names, or delete the row. Find out which system wrote it: only the projector and the restore worker may.",
  },
  "mode-not-possible": {
    kind: "permanent",
    cause: "The restore needs to overwrite or delete items, which its `restore-mode` does not allow.",
    remedy: "Set `restore-mode` to `merge`; for a series of exports into an empty table, to `empty-only`.",
  },
  "no-free-row": {
    kind: "transient",
    cause: "Too many requests with the same key came at the same time.",
    remedy: "None: the queue delivers the message again. If its attempts run out, request again later.",
  },
  "no-manifest": {
    kind: "permanent",
    cause: "The prefix holds no finished backup or export.",
    remedy:
      "Check `bucket-name`, `bucket-prefix` and `bucket-region`, and that the backup or export succeeded.",
  },
  "no-progress": {
    kind: "permanent",
    cause:
      "Several slices of a segment in a row made no progress, or several invocations of a count counted nothing.",
    remedy:
      "Read the worker's log for the task. If the table throttles, raise its capacity. Then put `TaskRetryRequested`.",
  },
  "no-such-attempt": {
    kind: "permanent",
    cause: "A cancel names an attempt that the task has not begun.",
    remedy: "Copy `attempt` from the task's row.",
  },
  "no-such-bucket": {
    kind: "permanent",
    cause: "The bucket does not exist.",
    remedy: "Check `bucket-name` and `bucket-region`.",
  },
  "no-such-table": {
    kind: "permanent",
    cause: "The table does not exist.",
    remedy: "Check `table-name` and `table-region`.",
  },
  "no-such-task": {
    kind: "permanent",
    cause: "A cancel names a row that belongs to no task.",
    remedy: "Copy `action`, `key` and `timestamp` from the task's row.",
  },
  "not-a-series": {
    kind: "permanent",
    cause:
      "A restore with `increments` or `until` names something else than a full export of DynamoDB followed by incremental exports, or too many of them.",
    remedy:
      "Name a full export in `bucket-prefix` and incremental exports in `increments`. To restore one archive alone, omit `increments` and `until`.",
  },
  "not-retryable": {
    kind: "permanent",
    cause: "A retry names a task that was never accepted, or that has succeeded.",
    remedy:
      "Copy `action`, `key` and `timestamp` from the task's row. For a task that was never accepted, send a new request.",
  },
  "object-changed": {
    kind: "permanent",
    cause: "An object was replaced while it was read.",
    remedy: "Find out what writes under the prefix; then request again.",
  },
  "object-not-readable": {
    kind: "permanent",
    cause: "An object is in an archival storage class.",
    remedy: "Restore the object to a readable storage class first.",
  },
  "object-too-large": {
    kind: "permanent",
    cause: "A summary, `task.json` or `table.json` exceeds the size that Ferry reads.",
    remedy: "Check that the object belongs to the archive.",
  },
  "only-mismatch": {
    kind: "permanent",
    cause: "A key in `only` has other attributes or types than the table's keys.",
    remedy:
      "Give each key the partition key's value and, if at all, the sort key's value or range, with the table's types.",
  },
  "prefix-taken": {
    kind: "permanent",
    cause:
      "The prefix of a backup holds files of another task or another tool, or its files were deleted after the backup began.",
    remedy:
      "Choose another `bucket-prefix`, for instance with `{date}` and `{time}`. A retry cannot succeed: request a new backup.",
  },
  "request-id-reused": {
    kind: "permanent",
    cause:
      "The `request-id` was used for another request, or for the same request more than 15 minutes earlier.",
    remedy: "Send the request with a new `request-id`, or without one.",
  },
  "series-not-joined": {
    kind: "permanent",
    cause:
      "An export of a series does not begin at the time at which the one before it ends: changes are missing, time ranges overlap, or the order is wrong.",
    remedy:
      "List the exports in the order of their time ranges, without a gap. With `until`, choose a time up to which the exports join.",
  },
  "series-of-other-table": {
    kind: "permanent",
    cause: "An incremental export of a series is of another table than the full export, by ARN or table id.",
    remedy:
      "List only incremental exports of the full export's table. A table that was created again is another table.",
  },
  "service-error": {
    kind: "transient",
    cause:
      "AWS or the network failed in a way that may be temporary; the message begins with the name of the error.",
    remedy: "The queue delivers the message again. If the error continues, check the AWS Health Dashboard.",
  },
  "table-being-created": {
    kind: "transient",
    cause:
      "A restore with `create-table` found a table that was created a moment ago, and DynamoDB does not describe it completely yet.",
    remedy: "None: the queue delivers the message again.",
  },
  "table-exists": {
    kind: "permanent",
    cause: "A restore with `create-table` found a table of that name that it did not create.",
    remedy:
      "Choose another `table-name`, delete the table, or request the restore without `create-table` to restore into it.",
  },
  "table-leased": {
    kind: "permanent",
    cause: "Another restore writes to the table, and at least one of the two needs exclusive access.",
    remedy: "Request again after that task has ended, or cancel it.",
  },
  "table-not-active": {
    kind: "permanent",
    cause: "The table is being created, changed or deleted.",
    remedy: "Request again when the table is `ACTIVE`.",
  },
  "table-not-empty": {
    kind: "permanent",
    cause: "The table holds items, and the `restore-mode` is `empty-only`.",
    remedy: "Restore into an empty table, or set `restore-mode` to `merge` or `if-absent`.",
  },
  "table-replaced": {
    kind: "permanent",
    cause: "The table was deleted and created again after the task was planned.",
    remedy: "A retry cannot succeed: send a new request for the present table.",
  },
  "table-settings-unusable": {
    kind: "permanent",
    cause:
      "A restore with `create-table` cannot make a table from the archive: it has no `table.json`, or `table.json` lacks what the request needs.",
    remedy: "Create the table yourself, and request the restore without `create-table`.",
  },
  "table-used": {
    kind: "permanent",
    cause: "Another restore wrote to the table after this one stopped.",
    remedy: "Restore into an empty table, or send a new request with `restore-mode` `merge` or `if-absent`.",
  },
  throttled: {
    kind: "throttled",
    cause: "DynamoDB, S3, KMS or EventBridge limits the rate of calls.",
    remedy: "None: Ferry slows down and continues. If it continues for long, raise the table's capacity.",
  },
  "totals-differ": {
    kind: "permanent",
    cause: "The totals that a restore's segments processed differ from the manifest.",
    remedy: "Do not use the table. Restore again into an empty table, and report a fault of Ferry.",
  },
  "unknown-format": {
    kind: "permanent",
    cause: "The archive has a version, format or type that this version of Ferry does not read.",
    remedy: "Export in DYNAMODB_JSON, or update Ferry.",
  },
  "window-out-of-order": {
    kind: "permanent",
    cause:
      "A newer incremental export was restored into the table, or the restore of an earlier one did not succeed.",
    remedy: "Restore incremental exports in the order of their time ranges, or set `out-of-order` to true.",
  },
  "wrong-region": {
    kind: "permanent",
    cause: "The bucket is in another region than `bucket-region`.",
    remedy: "Set `bucket-region` to the region of the bucket.",
  },
} as const satisfies Readonly<Record<string, CodeEntry>>;

/** A short, stable, machine-readable error code. */
export type ErrorCode = keyof typeof errorCodes;
