/**
 * Invocations respect their messages and deadlines: one invocation at a time has a message, a failed message is delivered
 * again after its delay, no call is issued after a deadline, and a wait ends soon after a cancel.
 */
import { hex } from "./data-files.ts";
import type { Outcome } from "./outcome.ts";
import { taskLabel } from "./recorder.ts";

export function* invocationViolations(outcome: Outcome): Iterable<string> {
  yield* overlaps(outcome);
  yield* deadlineViolations(outcome);
  yield* lateEnds(outcome);
  yield* waitsWithoutPoll(outcome);
  yield* scanViolations(outcome);
  yield* bucketViolations(outcome);
}

/** The setting of the run: see cloud/ports.ts. */
const RETRY_DELAY_MS = 1000;

/** One invocation at a time has a message, unless a fault made it visible again; a failed message is delayed. */
function* overlaps({ recorder, scenario }: Outcome): Iterable<string> {
  const { faultRates } = scenario;
  const byMessage = Map.groupBy(recorder.invocations.values(), ({ message }) => message);
  // If a call to set the visibility may fail, the delay is not guaranteed.
  const isDelayed = faultRates.refused + faultRates.answerLost + faultRates.stall === 0;
  for (const runs of byMessage.values())
    for (const [i, run] of runs.entries()) {
      const before = runs[i - 1];
      if (before === undefined || before.visibleAgainMs !== undefined || before.name.startsWith("projection"))
        continue;
      // The last call of a failed invocation may stall until its message is visible again.
      if (before.failed && faultRates.stall > 0) continue;
      if (before.endedMs === undefined || before.endedMs > run.beganMs)
        yield `OVERLAP: ${run.name} began with ${run.message} while ${before.name} had it`;
      else if (before.failed && isDelayed) {
        const leastMs = RETRY_DELAY_MS * 2 ** (before.receives - 1);
        const afterMs = run.beganMs - before.endedMs;
        if (afterMs < leastMs - SLACK_MS)
          yield `TOO-SOON: ${run.message} was delivered again after ${afterMs} ms, not after ${leastMs}`;
      }
    }
}

const SLACK_MS = 200;

/** No call on items is issued after an attempt's deadline plus the age of the last poll. */
function* deadlineViolations({ recorder, scenario }: Outcome): Iterable<string> {
  const { cancelPollIntervalMs } = scenario.settings;
  for (const { invocation, method, issuedMs, deadlineMs } of recorder.calls)
    if (issuedMs > deadlineMs + cancelPollIntervalMs + recorder.pollMsMax(invocation) + SKEW_MS_MAX)
      yield `DEADLINE: ${invocation} issued a ${method} ${issuedMs - deadlineMs} ms after its deadline`;
}

const SKEW_MS_MAX = 2000;
/** How long a worker may take to put its last event once it knows of the cancel. */
const FINAL_EVENT_MS_MAX = 5000;

/** A worker ends soon after a cancel, even while it waits, if no fault delays its calls. */
function* lateEnds({ recorder, scenario }: Outcome): Iterable<string> {
  const { faultRates, settings } = scenario;
  const { stall, slowPut, refusedEntry, conflict } = faultRates;
  // The SDK has its own waits.
  if (stall + slowPut + refusedEntry + conflict > 0 || scenario.data.realAdapters) return;
  for (const record of recorder.invocations.values()) {
    const { task, attempt, segment } = record.work;
    if (task === undefined || attempt === undefined || segment === undefined) continue;
    const cancelledMs = recorder.history(taskLabel(task)).cancelledMs.get(attempt);
    if (cancelledMs === undefined || record.beganMs > cancelledMs || record.endedMs === undefined) continue;
    const lateMs = record.endedMs - cancelledMs - settings.cancelPollIntervalMs - FINAL_EVENT_MS_MAX;
    if (lateMs > 0 && !record.failed)
      yield `SLOW: ${record.name} continued ${lateMs} ms too long after a cancel of segment ${segment}`;
  }
}

/** A slice polls while it waits: no single wait between two polls is longer than the poll interval. */
function* waitsWithoutPoll({ recorder, scenario }: Outcome): Iterable<string> {
  const { cancelPollIntervalMs } = scenario.settings;
  for (const { name, type, work } of recorder.invocations.values()) {
    if (type !== "SegmentQueued" && type !== "SegmentProgressed") continue;
    const waitMs = recorder.waitMsMax(name);
    if (waitMs > cancelPollIntervalMs)
      yield `NO-POLL: ${name} waited ${waitMs} ms without a poll, on segment ${work.segment}`;
  }
}

/** Scans are as the request says, and a slice continues after the files that were stored when it began. */
function* scanViolations({ recorder, scenario, operations }: Outcome): Iterable<string> {
  const first = new Set<string>();
  const isConsistent = scenario.backup["consistent-read"] === true;
  const storedMs = [...recorder.storedMs].filter(([key]) => key.includes("/0x"));
  for (const { page, invocation, task, segment } of recorder.calls) {
    if (page === undefined) continue;
    const record = recorder.invocations.get(invocation)!;
    const plan = record.work.plan!;
    if (page.consistent !== isConsistent)
      yield `SCAN: ${invocation} reads ${page.consistent ? "strongly" : "eventually"} consistently for ${task}`;
    if (page.totalSegments !== plan["total-segments"] || page.segment !== segment)
      yield `SCAN: ${invocation} reads segment ${page.segment} of ${page.totalSegments}`;
    if (first.has(invocation)) continue;
    first.add(invocation);
    const prefix = String((plan.request as Readonly<Record<string, unknown>>)["bucket-prefix"]);
    if (operations.wiped.has(prefix) || page.after !== undefined) continue;
    const chain = `${prefix}/0x${hex(segment, 4)}/`;
    if (storedMs.some(([key, atMs]) => key.startsWith(chain) && atMs < record.beganMs))
      yield `RESCAN: ${invocation} reads segment ${segment} from its start though ${chain} has files`;
  }
}

/** Each call on the bucket has the request's bucket owner, and each put has its condition, type and KMS key. */
function* bucketViolations({ recorder, scenario }: Outcome): Iterable<string> {
  for (const { method, input } of recorder.bucketCalls) {
    const call = `BUCKET: ${method} ${input["Key"] ?? input["Prefix"]}`;
    const owner = scenario.control.bucketOwner;
    if (input["ExpectedBucketOwner"] !== owner)
      yield `${call} expects the owner ${input["ExpectedBucketOwner"]}`;
    if (method !== "PutObject") continue;
    const key = String(input["Key"]);
    if (input["IfNoneMatch"] !== "*") yield `${call} has no condition`;
    const type = key.endsWith(".gz")
      ? "application/gzip"
      : key.endsWith(".zst")
        ? "application/zstd"
        : key.endsWith(".md5")
          ? "text/plain"
          : "application/json";
    if (input["ContentType"] !== type) yield `${call} has the type ${input["ContentType"]}`;
    const kmsKey = scenario.control.kmsKey;
    if (
      input["SSEKMSKeyId"] !== kmsKey ||
      (input["ServerSideEncryption"] === "aws:kms") !== (kmsKey !== undefined)
    )
      yield `${call} is encrypted with ${input["SSEKMSKeyId"] ?? "no key"}, requested was ${kmsKey ?? "none"}`;
  }
}
