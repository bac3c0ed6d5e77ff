/**
 * Mutants of tasks, steps, rows and handlers: bugs that were found once, put back, and mistakes of one line.
 */
import { aws, core, type Mutants } from "./edit.ts";

export const identityMutants: Mutants = {
  "archive-change-not-compared": {
    seed: 809,
    breaks: "A restore does not compare the archive with the one of its plan.",
    edits: [
      core(
        "archive/fingerprint.ts",
        "if (found.md5 !== planned.md5 || found.etag !== planned.etag)",
        "if (false)",
      ),
      core("archive/file-list-reader.ts", "head: { etag: list.etag,", 'head: { etag: "",'),
    ],
  },
  "table-replacement-not-noticed": {
    seed: 63,
    breaks: "A task does not notice that its table was deleted and created again.",
    edits: [
      core("table/table-identity.ts", "if (found === undefined || found === planned) return;", "return;"),
    ],
  },
  "create-not-idempotent": {
    seed: 1394,
    breaks:
      "A request that is delivered again does not recognise the table that an earlier delivery created.",
    edits: [core("restore/create-table.ts", "if (found === owner) return table;", "")],
  },
  "another-table-used": {
    seed: 9295,
    breaks: "A restore with create-table uses any table that has the name.",
    edits: [core("restore/create-table.ts", "if (found === owner) return table;", "return table;")],
  },
  "pending-setting-reported": {
    seed: 596,
    breaks:
      "A setting that could not be applied, because the table was being changed, is reported as reapplied.",
    edits: [
      core(
        "restore/reapply.ts",
        'if ((await ports.admin.apply(tableOf(plan), plan.table.arn, setting)) === "applied")',
        "if ((await ports.admin.apply(tableOf(plan), plan.table.arn, setting)) !== undefined)",
      ),
    ],
  },
  "exclusive-lease-ignored": {
    seed: 61,
    breaks: "Two restores write to one table at once, although one of them needs an exclusive lease.",
    edits: [
      core("restore/lease.ts", "if (holder.exclusive || renewed.exclusive) throw leased(plan, holder);", ""),
    ],
  },
  "retry-restarts-segments": {
    seed: 203,
    breaks: "A retried restore begins its segments from the start.",
    edits: [core("segment/fan-out.ts", "if (resume === undefined)", "if (resume !== undefined || true)")],
  },
  "retry-keeps-attempt": {
    seed: 63,
    breaks: "A retry has the same attempt number.",
    edits: [
      core("control/retry.ts", "acceptedAgain(row, plan, next, ", "acceptedAgain(row, plan, next - 1, "),
    ],
  },
  "retry-queues-all-segments": {
    seed: 63,
    breaks: "A retry also queues the complete segments.",
    edits: [
      core("control/retry.ts", "filter((segment) => !done.has(segment))", "filter(() => done.size >= 0)"),
    ],
  },
  "retry-keeps-deadline": {
    seed: 63,
    breaks: "The deadline of a retry is computed from the time of the request, not of the retry.",
    edits: [core("control/retry.ts", "msOf(event.time)", "Math.floor(task.timestamp / 1000) * 1000")],
  },
  "deadline-ignored": {
    seed: 383,
    breaks: "An attempt has no deadline.",
    edits: [
      core("control/cancellation.ts", 'if (ports.time.now() < work["deadline-ms"]) return;', "return;"),
    ],
  },
  "handoffs-without-progress-not-reset": {
    seed: 216,
    breaks: "Handoffs with progress count as handoffs without progress.",
    edits: [
      core(
        "segment/checkpoint.ts",
        'const idle = moved ? 0 : work["handoffs-without-progress"] + (wasThrottled ? 0 : 1);',
        'const idle = work["handoffs-without-progress"] + (wasThrottled ? 0 : 1) + (moved ? 0 : 0);',
      ),
    ],
  },
  "cancel-of-earlier-attempt": {
    seed: 262,
    breaks: "A cancel also stops the attempts after the one that it names.",
    edits: [
      core(
        "control/cancellation.ts",
        "if (row.cancelledAttempt >= work.attempt)",
        "if (row.cancelledAttempt > 0)",
      ),
    ],
  },
  "cancel-of-later-attempt-only": {
    seed: 188,
    breaks: "A cancel stops only the attempts before the one that it names.",
    edits: [core("control/cancellation.ts", "row.cancelledAttempt >= work", "row.cancelledAttempt > work")],
  },
  "cancelled-before-failed": {
    seed: 1171,
    breaks: "A failed attempt is reported as cancelled if another attempt was cancelled.",
    edits: [core("projection/status.ts", "row.cancelledAttempt >= row.attempt", "row.cancelledAttempt > 0")],
  },
  "failed-step-fails-later-attempts": {
    seed: 754,
    breaks: "A failed step makes every later attempt fail.",
    edits: [
      core(
        "projection/status.ts",
        "const stepFailed = row.failedStepAttempt >= row.attempt;",
        "const stepFailed = row.failedStepAttempt > 0;",
      ),
    ],
  },
  "finished-time-last": {
    seed: 170,
    breaks: "A row has the time of the last TaskFinished, not of the first.",
    edits: [
      core(
        "projection/project.ts",
        "finishedTime: earlier(row.finishedTime, fact.time)",
        "finishedTime: later(row.finishedTime ?? fact.time, fact.time)",
      ),
    ],
  },
  "update-time-of-last-fact": {
    seed: 63,
    breaks: "A row has the time of the fact that arrived last.",
    edits: [core("projection/project.ts", "later(row.updatedTime, fact.time)", "fact.time")],
  },
  "bytes-not-counted": {
    seed: 63,
    breaks: "A row's bytes are the sum of its items.",
    edits: [
      core("projection/project.ts", "bytes: row.bytes + counts.bytes", "bytes: row.bytes + counts.items"),
    ],
  },
  "record-rank-by-items": {
    seed: 7,
    breaks: "A segment's record is replaced by a record of an earlier attempt.",
    edits: [core("projection/status.ts", "    digits(record.attempt, 6),\n", "")],
  },
  "failure-of-earlier-attempt-counts": {
    seed: 188,
    breaks: "A failure counts although its segment was retried since.",
    edits: [
      core(
        "projection/status.ts",
        "filter((attempt) => attempt >= row.attempt).length",
        "filter((attempt) => attempt > 0).length",
      ),
    ],
  },
  "progress-report-hands-off": {
    seed: 483,
    breaks: "A progress report queues another message for the slice that is in progress.",
    edits: [core("segment/checkpoint.ts", "...checkpoint, handoff: false", "...checkpoint, handoff: true")],
  },
  "batch-spacing-ignored": {
    seed: 223,
    breaks: "Two files of a slice are put without the batch spacing.",
    edits: [
      core(
        "backup/writer.ts",
        "    notBeforeMs = ports.time.now() + ports.settings.batchSpacingMs;\n    if (result",
        "    if (result",
      ),
    ],
  },
  "chain-from-start": {
    seed: 168,
    breaks: "A slice of a backup reads its segment from the start, although files are stored.",
    edits: [core("backup/slice.ts", "work.segment, from.after, options", "work.segment, undefined, options")],
  },
  "chain-counts-one-file": {
    seed: 17,
    breaks: "Of several files that another worker put, only the first is counted.",
    edits: [
      core(
        "archive/chain.ts",
        "files.reduce((sum, file) => addTo(sum, file), position.counts)",
        "addTo(position.counts, files[0]!)",
      ),
    ],
  },
  "consistent-read-not-planned": {
    seed: 443,
    breaks: "A request for consistent reads is ignored.",
    edits: [core("backup/scanner.ts", 'plan.request["consistent-read"] ?? false', "false")],
  },
  "compression-level-of-request-ignored": {
    seed: 137,
    breaks: "The request's compression level is ignored.",
    edits: [core("backup/plan.ts", 'request["compression-level"] ?? ofStage', "ofStage")],
  },
  "compression-of-request-ignored": {
    seed: 383,
    breaks: "The request's compression is ignored.",
    edits: [core("backup/plan.ts", "request.compression ?? settings.compression", "settings.compression")],
  },
  "bucket-owner-not-sent": {
    seed: 216,
    breaks: "Calls on the bucket do not name its expected owner.",
    edits: [core("archive/bucket.ts", "...(owner !== undefined && { owner }),", "")],
  },
  "kms-key-not-sent": {
    seed: 383,
    breaks: "Objects are not encrypted with the requested key.",
    edits: [core("archive/bucket.ts", "return kmsKeyId === undefined ? {} : { kmsKeyId };", "return {};")],
  },
  "visibility-too-short": {
    seed: 483,
    breaks: "A message becomes visible again before its invocation ends.",
    edits: [
      aws(
        "lambda/worker.ts",
        "context.getRemainingTimeInMillis() / 1000 + VISIBILITY_MARGIN_SECONDS",
        "VISIBILITY_MARGIN_SECONDS",
      ),
    ],
  },
  "retry-delay-ignored": {
    seed: 216,
    breaks: "A failed message is delivered again immediately.",
    edits: [
      aws(
        "lambda/worker.ts",
        "const delay = settings.retryDelaySeconds * 2 ** (receiveCount - 1);",
        "const delay = 0 * receiveCount;",
      ),
    ],
  },
  "rejection-without-row": {
    seed: 596,
    breaks: "A rejected request has no row.",
    edits: [core("projection/project.ts", "        rejected: true,\n", "")],
  },
  "message-id-before-own": {
    seed: 17,
    breaks: "The id of a message has priority over the request-id that its request names.",
    edits: [
      core(
        "request/requested.ts",
        'requestIds: [fieldOf(parsed.value, "request-id"), id]',
        'requestIds: [id, fieldOf(parsed.value, "request-id")]',
      ),
    ],
  },
  "message-restore-without-id": {
    seed: 383,
    breaks: "A restore that a message requested is requested again without its request-id.",
    edits: [core("worker.ts", 'requestId, "request-time"', 'requestId && undefined, "request-time"')],
  },
  "bare-request-not-read": {
    seed: 596,
    breaks: "A request that is the whole detail of its event is not read.",
    edits: [core("request/requested.ts", "if (isBare(detail)) return", "if (isMessage(detail)) return")],
  },
};
