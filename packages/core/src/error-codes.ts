/**
 * Every error code: what it means and what to do about it. docs/errors.md is generated from this list, and the type of
 * a code derives from it.
 */
import type { ErrorKind } from "./errors.ts";

/** What an operator reads about a code. */
interface CodeEntry {
  readonly kind: ErrorKind;
  /** Why it happens. Markdown. */
  readonly cause: string;
  /** What to do about it. Markdown. */
  readonly remedy: string;
}

export const errorCodes = {
  "access-denied": {
    kind: "permanent",
    cause: "A role of Ferry's, or the policy of a table, bucket or key, does not allow the call.",
    remedy: "Allow the permission that the hint names. For another account, check its resource policy too.",
  },
  "another-task": {
    kind: "permanent",
    cause: "A cancel names a row by key and timestamp, and another task by `id` or `request-id`.",
    remedy: "Take `id` and `request-id` from the row, or leave them out.",
  },
  "archive-changed": {
    kind: "permanent",
    cause: "The manifest or `task.json` changed after the restore was planned.",
    remedy:
      "The table may hold items of both archives: empty it, find out what writes under the prefix, and request a new restore.",
  },
  "archive-incomplete": {
    kind: "permanent",
    cause: "The last step of a backup found other files under the prefix than its segments wrote.",
    remedy: "Something else writes or deletes under the prefix: back up again, to a prefix of its own.",
  },
  "archive-moved": {
    kind: "permanent",
    cause: "The manifest lists files outside the prefix of the archive.",
    remedy:
      "If the whole archive was copied or moved, request the restore with `manifest-keys` `rebase`; to read the files where the manifest lists them, with `as-listed`.",
  },
  "attempts-exhausted": {
    kind: "permanent",
    cause: "A message failed each time it was delivered, until its attempts ran out. It carries no error.",
    remedy:
      "Read the worker's log for the task: the last error is there. Remove the cause, then put `TaskRetryRequested`.",
  },
  "broken-archive": {
    kind: "permanent",
    cause: "`task.json` or `table.json` is missing or cannot be read.",
    remedy: "The archive was damaged: restore from another backup, or from an undamaged copy.",
  },
  "broken-chain": {
    kind: "permanent",
    cause: "The data files of a segment do not follow each other without a gap.",
    remedy: "Something else wrote or deleted under the prefix: back up again, to a prefix of its own.",
  },
  "broken-manifest": {
    kind: "permanent",
    cause: "The manifest cannot be read, or contradicts itself or the archive.",
    remedy: "The archive was damaged, or its writer is at fault: restore from another backup.",
  },
  cancelled: {
    kind: "permanent",
    cause: "An operator cancelled the attempt.",
    remedy: "To continue where the task stopped, put `TaskRetryRequested`.",
  },
  "conditional-request-conflict": {
    kind: "transient",
    cause: "S3 answered several times that another put of the same key is in progress.",
    remedy: "Nothing: the queue delivers the message again.",
  },
  "corrupt-file": {
    kind: "permanent",
    cause: "A data file is not valid gzip, or its content is not what its metadata or the manifest says.",
    remedy: "The archive was damaged: restore from another backup, or make a new one.",
  },
  "credentials-refused": {
    kind: "permanent",
    cause:
      "AWS does not accept the credentials of the process, or the region is not enabled for the account.",
    remedy: "Check the credentials, the account, and that the region is enabled.",
  },
  "cut-short": {
    kind: "transient",
    cause: "The connection ended several times before a data file was read to its end.",
    remedy: "Nothing: the queue delivers the message again.",
  },
  "deadline-exceeded": {
    kind: "permanent",
    cause: "An attempt took longer than the stage's task timeout.",
    remedy:
      "Put `TaskRetryRequested`: it continues where the task stopped. For a table of this size request more segments.",
  },
  "duplicate-key": {
    kind: "permanent",
    cause: "Two lines of a data file have the same key.",
    remedy: "The archive is damaged, or its writer is at fault: restore from another backup.",
  },
  "entries-refused": {
    kind: "transient",
    cause: "EventBridge did not take some events of a `PutEvents` call, several times in a row.",
    remedy:
      "The queue delivers the message again. If the reason is throttling, raise the `PutEvents` quota or use fewer segments.",
  },
  "event-too-large": {
    kind: "permanent",
    cause: "An event is larger than EventBridge takes.",
    remedy: "Send a smaller request: the events of a task carry it whole.",
  },
  "file-too-large": {
    kind: "permanent",
    cause: "A data file is larger, decompressed, than the setting `maximumFileBytes`.",
    remedy: "Check that the file is what it should be; then raise the setting.",
  },
  "foreign-file": {
    kind: "permanent",
    cause: "A data file under the prefix was written by another task, or for another number of segments.",
    remedy: "Something else writes under the prefix: back up to a prefix of its own.",
  },
  "invalid-request": {
    kind: "permanent",
    cause:
      "A request, a cancel or a retry has a missing, unknown or wrong field; or DynamoDB or S3 refused a call as invalid, for instance an item that does not fit the table's keys.",
    remedy: "Correct each field that the issues name, and send it again.",
  },
  "items-missing": {
    kind: "permanent",
    cause:
      "The table was empty before the restore, and holds fewer items after it than lines of the archive were written.",
    remedy:
      "Restore an export into a table with the keys of its source. Deletes by an application or by TTL during the restore have the same effect.",
  },
  "key-not-usable": {
    kind: "permanent",
    cause: "The KMS key is disabled, missing, in another region, or not allowed for the worker's role.",
    remedy: "Check `kms-key-id`, the state of the key, and its policy.",
  },
  "key-schema-mismatch": {
    kind: "permanent",
    cause: "The table's key attributes are not those of the archive's items.",
    remedy: "Restore into a table with the archive's key schema; `table.json` under the prefix has it.",
  },
  "malformed-event": {
    kind: "transient",
    cause:
      "An event on the bus or a message of a queue is not of its schema; the message names each wrong field.",
    remedy:
      "Compare it with [events.md](events.md), and find out who put it. After its attempts the message is a dead letter.",
  },
  "mode-not-possible": {
    kind: "permanent",
    cause: "The restore would have to overwrite or delete items, which its `restore-mode` does not allow.",
    remedy: "Request it with `restore-mode` `merge`.",
  },
  "no-free-row": {
    kind: "transient",
    cause: "Too many requests with one key came at the same time.",
    remedy: "Nothing: the queue delivers the message again. If it fails for good, request again later.",
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
      "Several slices of a segment in a row stored nothing, or several counts of a table counted nothing.",
    remedy:
      "Read the worker's log for the task. If the table throttles, give it capacity. Then put `TaskRetryRequested`.",
  },
  "no-such-attempt": {
    kind: "permanent",
    cause: "A cancel names an attempt that the task has not begun.",
    remedy: "Take `attempt` from the task's row.",
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
    cause: "A cancel names a row that no task has.",
    remedy: "Take `action`, `key` and `timestamp` from the task's row.",
  },
  "not-retryable": {
    kind: "permanent",
    cause: "A retry names a task that was never accepted, or that has succeeded.",
    remedy: "Take the names from the task's row. For a task that was never accepted, send a new request.",
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
    cause: "A manifest, `task.json` or `table.json` is larger than Ferry reads.",
    remedy: "Check that the object is what its name says.",
  },
  "prefix-taken": {
    kind: "permanent",
    cause: "The prefix of a backup holds files of another task or another tool, or was wiped since.",
    remedy:
      "Choose another `bucket-prefix`, for instance with `{date}` and `{time}`. A retry cannot succeed: request a new backup.",
  },
  "request-id-reused": {
    kind: "permanent",
    cause: "The `request-id` names another request, or the same one of more than 15 minutes before.",
    remedy: "Send the request with a new `request-id`, or without one.",
  },
  "service-error": {
    kind: "transient",
    cause: "AWS or the network failed in a way that may pass; the message begins with the name of the error.",
    remedy: "The queue delivers the message again. If it does not pass, look at the AWS Health Dashboard.",
  },
  "table-leased": {
    kind: "permanent",
    cause: "Another restore writes to the table, and one of the two needs the table for itself.",
    remedy: "Request again when that task has ended, or cancel it.",
  },
  "table-not-active": {
    kind: "permanent",
    cause: "The table is being created, changed or deleted.",
    remedy: "Request again when the table is `ACTIVE`.",
  },
  "table-not-empty": {
    kind: "permanent",
    cause: "The table holds items, and the `restore-mode` is `empty-only`.",
    remedy: "Restore into an empty table, or with `restore-mode` `merge` or `if-absent`.",
  },
  "table-replaced": {
    kind: "permanent",
    cause: "The table was deleted and created again after the task was planned.",
    remedy: "A retry cannot succeed: send a new request for the present table.",
  },
  "table-used": {
    kind: "permanent",
    cause: "Another restore wrote to the table after this one stopped.",
    remedy: "Restore into an empty table, or request anew with `restore-mode` `merge` or `if-absent`.",
  },
  throttled: {
    kind: "throttled",
    cause: "DynamoDB, S3, KMS or EventBridge asks for fewer calls.",
    remedy: "Nothing: Ferry slows down and continues. If it never ends, give the table more capacity.",
  },
  "totals-differ": {
    kind: "permanent",
    cause: "The segments of a restore processed other totals than the manifest lists.",
    remedy: "Do not use the table: restore again into an empty one, and report a fault of Ferry.",
  },
  "unknown-format": {
    kind: "permanent",
    cause: "The archive has a version, format or type that this Ferry does not read.",
    remedy: "Export in DYNAMODB_JSON, or update Ferry.",
  },
  "window-out-of-order": {
    kind: "permanent",
    cause: "A newer incremental export was restored into the table, or a restore of one did not succeed.",
    remedy: "Restore incremental exports in the order of their time ranges, or set `out-of-order` to true.",
  },
  "wrong-region": {
    kind: "permanent",
    cause: "The bucket is in another region than `bucket-region`.",
    remedy: "Set `bucket-region` to the region of the bucket.",
  },
} as const satisfies Readonly<Record<string, CodeEntry>>;

/** A short, stable, machine-readable name of an error. */
export type ErrorCode = keyof typeof errorCodes;
