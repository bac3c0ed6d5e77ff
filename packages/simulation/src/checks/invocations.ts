/**
 * Invocations keep to their messages and to their time: one at a time has a message, a message that failed comes again
 * no sooner than it should, nothing is done after a deadline, and a wait ends where the task does.
 */
import type { Outcome } from "./outcome.ts";
import { nameOf } from "./recorder.ts";

export function invocationViolations(outcome: Outcome): string[] {
  return [
    ...overlaps(outcome),
    ...deadlineViolations(outcome),
    ...lateEnds(outcome),
    ...blindWaits(outcome),
    ...scanViolations(outcome),
    ...bucketViolations(outcome),
  ].slice(0, VIOLATIONS_MAX);
}

const VIOLATIONS_MAX = 10;
/** What the stage sets: see cloud/ports.ts. */
const RETRY_DELAY_MS = 1000;

/** A message is with one invocation at a time, unless a fault showed it again; and one that failed waits. */
function overlaps({ recorder, scenario }: Outcome): string[] {
  const { faultRates } = scenario;
  const byMessage = Map.groupBy(recorder.runs.values(), ({ message }) => message);
  // Where a call to hide a message may fail, the message comes when it comes.
  const isHidden = faultRates.refused + faultRates.answerLost + faultRates.stall === 0;
  const found: string[] = [];
  for (const runs of byMessage.values())
    runs.forEach((run, i) => {
      const before = runs[i - 1];
      if (before === undefined || before.shownMs !== undefined || before.name.startsWith("projection"))
        return;
      // The last call of one that failed may take so long that its message is there again.
      if (before.failed && faultRates.stall > 0) return;
      if (before.endedMs === undefined || before.endedMs > run.beganMs)
        found.push(`OVERLAP: ${run.name} began with ${run.message} while ${before.name} had it`);
      else if (before.failed && isHidden) {
        const leastMs = RETRY_DELAY_MS * 2 ** (before.receives - 1);
        const afterMs = run.beganMs - before.endedMs;
        if (afterMs < leastMs - SLACK_MS)
          found.push(`HURRY: ${run.message} came again after ${afterMs} ms, not after ${leastMs}`);
      }
    });
  return found;
}

const SLACK_MS = 200;

/** No call on items after an attempt's deadline, but for those that a look's age excuses. */
function deadlineViolations({ recorder, scenario }: Outcome): string[] {
  const { cancelPollIntervalMs } = scenario.settings;
  return recorder.calls
    .filter(
      ({ issuedMs, deadlineMs, invocation }) =>
        issuedMs > deadlineMs + cancelPollIntervalMs + recorder.lookMsMax(invocation) + SKEW_MS_MAX,
    )
    .map(
      ({ invocation, method, issuedMs, deadlineMs }) =>
        `DEADLINE: ${invocation} issued a ${method} ${issuedMs - deadlineMs} ms after its deadline`,
    );
}

const SKEW_MS_MAX = 2000;
/** What a worker may need, once it knows that nobody wants its segment, to say so. */
const FAREWELL_MS_MAX = 5000;

/** A worker that waits looks while it waits: it has ended soon after a cancel, where nothing holds up its calls. */
function lateEnds({ recorder, scenario }: Outcome): string[] {
  const { faultRates, settings } = scenario;
  const { stall, slowPut, refusedEntry, conflict } = faultRates;
  // The SDK waits by itself.
  if (stall + slowPut + refusedEntry + conflict > 0 || scenario.data.realAdapters) return [];
  const found: string[] = [];
  for (const ran of recorder.runs.values()) {
    const { task, attempt, segment } = ran.work;
    if (task === undefined || attempt === undefined || segment === undefined) continue;
    const cancelledMs = recorder.history(nameOf(task)).cancelledMs.get(attempt);
    if (cancelledMs === undefined || ran.beganMs > cancelledMs || ran.endedMs === undefined) continue;
    const lateMs = ran.endedMs - cancelledMs - settings.cancelPollIntervalMs - FAREWELL_MS_MAX;
    if (lateMs > 0 && !ran.failed)
      found.push(
        `SLOW: ${ran.name} went on for ${lateMs} ms more than it may after a cancel of segment ${segment}`,
      );
  }
  return found;
}

/** A slice that waits looks meanwhile: no single wait between two looks is longer than their interval. */
function blindWaits({ recorder, scenario }: Outcome): string[] {
  const { cancelPollIntervalMs } = scenario.settings;
  const found: string[] = [];
  for (const { name, type, work } of recorder.runs.values()) {
    if (type !== "SegmentQueued" && type !== "SegmentProgressed") continue;
    const waitMs = recorder.waitMsMax(name);
    if (waitMs > cancelPollIntervalMs)
      found.push(`BLIND: ${name} waited for ${waitMs} ms without a look, on segment ${work.segment}`);
  }
  return found.slice(0, 1);
}

/** Scans ask what the request says; and a slice goes on behind what was stored when it began. */
function scanViolations({ recorder, scenario, operations }: Outcome): string[] {
  const found: string[] = [];
  const first = new Set<string>();
  const isConsistent = scenario.backup["consistent-read"] === true;
  const storedMs = [...recorder.storedMs].filter(([key]) => key.includes("/0x"));
  for (const { page, invocation, task, segment } of recorder.calls) {
    if (page === undefined) continue;
    const ran = recorder.runs.get(invocation)!;
    const plan = ran.work.plan!;
    if (page.consistent !== isConsistent)
      found.push(`SCAN: ${invocation} reads ${page.consistent ? "consistently" : "eventually"} for ${task}`);
    if (page.totalSegments !== plan["total-segments"] || page.segment !== segment)
      found.push(`SCAN: ${invocation} reads segment ${page.segment} of ${page.totalSegments}`);
    if (first.has(invocation)) continue;
    first.add(invocation);
    const prefix = String((plan.request as Readonly<Record<string, unknown>>)["bucket-prefix"]);
    if (operations.wiped.has(prefix) || page.after !== undefined) continue;
    const chain = `${prefix}/0x${segment.toString(16).padStart(4, "0")}/`;
    if (storedMs.some(([key, atMs]) => key.startsWith(chain) && atMs < ran.beganMs))
      found.push(`RESCAN: ${invocation} reads segment ${segment} from its start though ${chain} has files`);
  }
  return found;
}

/** Each call on the bucket names its owner where the request does, and each put its condition, type and key. */
function bucketViolations({ recorder, scenario }: Outcome): string[] {
  const found: string[] = [];
  for (const { method, input } of recorder.bucketCalls) {
    const about = `BUCKET: ${method} ${input["Key"] ?? input["Prefix"]}`;
    const owner = scenario.control.bucketOwner;
    if (input["ExpectedBucketOwner"] !== owner)
      found.push(`${about} expects the owner ${input["ExpectedBucketOwner"]}`);
    if (method !== "PutObject") continue;
    const key = String(input["Key"]);
    if (input["IfNoneMatch"] !== "*") found.push(`${about} has no condition`);
    const type = key.endsWith(".gz") ? "application/gzip" : "application/json";
    if (input["ContentType"] !== type) found.push(`${about} has the type ${input["ContentType"]}`);
    const kmsKey = scenario.control.kmsKey;
    if (
      input["SSEKMSKeyId"] !== kmsKey ||
      (input["ServerSideEncryption"] === "aws:kms") !== (kmsKey !== undefined)
    )
      found.push(
        `${about} is encrypted with ${input["SSEKMSKeyId"] ?? "no key"}, asked was ${kmsKey ?? "none"}`,
      );
  }
  return found;
}
