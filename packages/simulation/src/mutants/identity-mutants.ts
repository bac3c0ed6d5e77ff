/**
 * More bugs to mutant: the holes that were found once, put back, and mistakes of one line in steps, rows and handlers.
 */
import type { Edit, Mutant } from "./edit.ts";

const core = (file: string, find: string, replace: string): Edit => ({
  file: `packages/core/src/${file}`,
  find,
  replace,
});
const aws = (file: string, find: string, replace: string): Edit => ({
  file: `packages/aws/src/${file}`,
  find,
  replace,
});

export const identityMutants: readonly Mutant[] = [
  {
    name: "hole-archive-changes",
    seed: 112,
    breaks: "A restore does not compare the archive with the one that it was planned for.",
    edits: [
      core(
        "archive/fingerprint.ts",
        "if (found.md5 !== planned.md5 || found.etag !== planned.etag)",
        "if (false)",
      ),
    ],
  },
  {
    name: "hole-table-replaced",
    seed: 347,
    breaks: "A task does not notice that its table was deleted and created again.",
    edits: [core("table-identity.ts", "if (found === undefined || found === planned) return;", "return;")],
  },
  {
    name: "hole-two-restores",
    seed: 293,
    breaks: "Two restores write to one table at once, though one of them needs it for itself.",
    edits: [
      core("restore/lease.ts", "if (holder.exclusive || renewed.exclusive) throw leased(plan, holder);", ""),
    ],
  },
  {
    name: "retry-loses-resume",
    seed: 37,
    breaks: "A retried restore begins its segments anew.",
    edits: [
      core("fan-out.ts", "if (resume === undefined) return", "if (resume !== undefined || true) return"),
    ],
  },
  {
    name: "retry-keeps-attempt",
    seed: 0,
    breaks: "A retry is the same attempt once more.",
    edits: [core("retry.ts", "acceptedAgain(row, plan, next, ", "acceptedAgain(row, plan, next - 1, ")],
  },
  {
    name: "retry-queues-everything",
    seed: 5,
    breaks: "A retry queues the complete segments too.",
    edits: [core("retry.ts", "filter((segment) => !done.has(segment))", "filter(() => done.size >= 0)")],
  },
  {
    name: "retry-keeps-deadline",
    seed: 0,
    breaks: "A retry has the deadline of its request's time, not of its own.",
    edits: [
      core(
        "retry.ts",
        "msOf(event.time) + ports.settings.taskTimeoutMs",
        "Math.floor(task.timestamp / 1000) * 1000 + ports.settings.taskTimeoutMs",
      ),
    ],
  },
  {
    name: "deadline-ignored",
    seed: 9,
    breaks: "An attempt has no deadline.",
    edits: [core("cancellation.ts", 'if (ports.time.now() < work["deadline-ms"]) return;', "return;")],
  },
  {
    name: "handoffs-without-progress-not-reset",
    seed: 0,
    breaks: "Hand-offs that moved something count as idle ones.",
    edits: [
      core(
        "checkpoint.ts",
        'const idle = moved ? 0 : work["handoffs-without-progress"] + (wasThrottled ? 0 : 1);',
        'const idle = work["handoffs-without-progress"] + (wasThrottled ? 0 : 1) + (moved ? 0 : 0);',
      ),
    ],
  },
  {
    name: "cancel-of-earlier-attempt",
    seed: 8,
    breaks: "A cancel stops the attempts after the one that it names.",
    edits: [
      core("cancellation.ts", "if (row.cancelledAttempt >= work.attempt)", "if (row.cancelledAttempt > 0)"),
    ],
  },
  {
    name: "cancel-of-later-attempt-alone",
    seed: 5,
    breaks: "A cancel stops attempts before the one that it names, not that one.",
    edits: [
      core(
        "cancellation.ts",
        "if (row.cancelledAttempt >= work.attempt)",
        "if (row.cancelledAttempt > work.attempt)",
      ),
    ],
  },
  {
    name: "cancelled-before-failed",
    seed: 6,
    breaks: "An attempt that failed while a cancel was for another one is told as cancelled.",
    edits: [
      core(
        "projection/status.ts",
        "const cancelled = row.cancelledAttempt >= row.attempt;",
        "const cancelled = row.cancelledAttempt > 0;",
      ),
    ],
  },
  {
    name: "broken-for-ever",
    seed: 0,
    breaks: "A step that failed once keeps every later attempt failed.",
    edits: [
      core(
        "projection/status.ts",
        "const stepFailed = row.failedStepAttempt >= row.attempt;",
        "const stepFailed = row.failedStepAttempt > 0;",
      ),
    ],
  },
  {
    name: "finished-time-last",
    seed: 22,
    breaks: "A row has the time of the last word that its task is finished, not of the first.",
    edits: [
      core(
        "projection/project.ts",
        "finishedTime: earlier(row.finishedTime, fact.time)",
        "finishedTime: later(row.finishedTime ?? fact.time, fact.time)",
      ),
    ],
  },
  {
    name: "update-time-of-last-fact",
    seed: 0,
    breaks: "A row's time is that of the fact that came last.",
    edits: [
      core(
        "projection/project.ts",
        "updatedTime: later(row.updatedTime, fact.time)",
        "updatedTime: fact.time",
      ),
    ],
  },
  {
    name: "bytes-not-counted",
    seed: 0,
    breaks: "A row's bytes are its items.",
    edits: [
      core("projection/project.ts", "bytes: row.bytes + counts.bytes", "bytes: row.bytes + counts.items"),
    ],
  },
  {
    name: "record-rank-by-items",
    seed: 0,
    breaks: "A segment's record is replaced by one of an earlier attempt.",
    edits: [core("projection/status.ts", "    digits(record.attempt, 6),\n", "")],
  },
  {
    name: "failure-of-earlier-attempt-stands",
    seed: 0,
    breaks: "A failure stands though its segment was tried again since.",
    edits: [
      core(
        "projection/status.ts",
        "filter((attempt) => attempt >= row.attempt).length",
        "filter((attempt) => attempt > 0).length",
      ),
    ],
  },
  {
    name: "progress-hands-off",
    seed: 8,
    breaks: "A report of progress asks for the slice that is under way.",
    edits: [core("checkpoint.ts", "cursor, counts, handoff: false", "cursor, counts, handoff: true")],
  },
  {
    name: "spacing-forgotten",
    breaks: "Two files of a slice are put without the distance between them.",
    edits: [
      core(
        "backup/writer.ts",
        "    notBeforeMs = ports.time.now() + ports.settings.batchSpacingMs;\n    if (put",
        "    if (put",
      ),
    ],
  },
  {
    name: "chain-from-start",
    seed: 0,
    breaks: "A slice of a backup reads its segment from the start, whatever is stored.",
    edits: [
      core(
        "backup/slice.ts",
        "openScanner(plan, work.segment, from.after, options, ports)",
        "openScanner(plan, work.segment, undefined, options, ports)",
      ),
    ],
  },
  {
    name: "chain-counts-one-file",
    seed: 2,
    breaks: "Of several files that another worker put, the first alone is counted.",
    edits: [
      core(
        "archive/chain.ts",
        "files.reduce((sum, file) => addTo(sum, file), position.counts)",
        "addTo(position.counts, files[0]!)",
      ),
    ],
  },
  {
    name: "eventual-reads",
    seed: 1,
    breaks: "A consistent read is asked for and not made.",
    edits: [core("backup/scanner.ts", 'plan.request["consistent-read"] ?? false', "false")],
  },
  {
    name: "level-of-the-stage",
    breaks: "The request's compression level is ignored.",
    edits: [
      core(
        "backup/plan.ts",
        'request["compression-level"] ?? ports.settings.compressionLevel',
        "ports.settings.compressionLevel",
      ),
    ],
  },
  {
    name: "bucket-owner-forgotten",
    seed: 1,
    breaks: "Calls on the bucket do not say who must own it.",
    edits: [core("archive/bucket.ts", "...(owner !== undefined && { owner }),", "")],
  },
  {
    name: "key-forgotten",
    seed: 1,
    breaks: "Objects are not encrypted with the key that was asked for.",
    edits: [core("archive/bucket.ts", "return kmsKeyId === undefined ? {} : { kmsKeyId };", "return {};")],
  },
  {
    name: "shown-too-soon",
    seed: 2,
    breaks: "A message is visible again before its invocation must have ended.",
    edits: [
      aws(
        "lambda/worker.ts",
        "context.getRemainingTimeInMillis() / 1000 + VISIBILITY_MARGIN_SECONDS",
        "VISIBILITY_MARGIN_SECONDS",
      ),
    ],
  },
  {
    name: "no-pause-between-tries",
    seed: 4,
    breaks: "A message that failed comes again at once.",
    edits: [
      aws(
        "lambda/worker.ts",
        "const delay = settings.retryDelaySeconds * 2 ** (receiveCount - 1);",
        "const delay = 0 * receiveCount;",
      ),
    ],
  },
  {
    name: "rejection-without-row",
    seed: 0,
    breaks: "A rejected request leaves nothing.",
    edits: [core("projection/project.ts", "        rejected: true,\n", "")],
  },
];
