/**
 * The events of a step follow from its message: the slices of an attempt are numbered, their counts never fall, a retry
 * continues from the checkpoints of its segments, and each event has its task, plan and deadline.
 */
import { isDeepStrictEqual } from "node:util";
import type { SegmentWork, TaskAccepted } from "@ferry/core/events/events";
import { PROVISIONED_UNITS } from "../scenario/scenario.ts";
import type { Answers } from "./answers.ts";
import { hasDeletedRow, isIntoWipedPrefix, type Outcome } from "./outcome.ts";
import { openSegments, windowsIn } from "./planned-windows.ts";
import type { EmittedEvent } from "./recorder.ts";
import { recount, taskName } from "./recount.ts";

type Detail = Readonly<Record<string, unknown>>;

const NO_COUNTS = { batches: 0, items: 0, bytes: 0 };

export function* stepViolations(outcome: Outcome, answers: Answers): Iterable<string> {
  for (const one of outcome.recorder.emittedEvents) {
    yield* sliceViolations(one, outcome);
    yield* fanOutViolations(one);
  }
  yield* acceptanceViolations(outcome, answers);
  yield* retryViolations(outcome);
  yield* finishViolations(outcome);
}

/** Compares the last event of a slice with its message. */
function* sliceViolations(
  { invocation, type, detail }: EmittedEvent,
  { scenario }: Outcome,
): Iterable<string> {
  const { work } = invocation;
  const isSlice = invocation.type === "SegmentQueued" || invocation.type === "SegmentProgressed";
  if (!isSlice || !type.startsWith("Segment")) return;
  const next = (type === "SegmentFailed" ? detail["work"] : detail) as Partial<SegmentWork> & Detail;
  const slice = `${invocation.name} (segment ${work.segment}, attempt ${work.attempt}, handoffs ${work.handoffs}) puts ${type}`;
  const same = ["task", "plan", "attempt", "segment", "version"] as const;
  const more = type === "SegmentCompleted" ? [] : (["deadline-ms"] as const);
  for (const name of [...same, ...more])
    if (!isSame(next[name], work[name])) yield `STEP: ${slice} with another ${name} than its message`;
  for (const name of ["batches", "items", "bytes"] as const)
    if (next.counts!.items === undefined || next.counts![name] < work.counts![name])
      yield `STEP: ${slice} with ${next.counts![name]} ${name}, and began with ${work.counts![name]}`;
  const moved = next.counts!.items > work.counts!.items || next.counts!.batches > work.counts!.batches;
  if (type === "SegmentProgressed") {
    const isHandoff = detail["handoff"] === true;
    const handoffs = work.handoffs! + (isHandoff ? 1 : 0);
    if (next.handoffs !== handoffs) yield `STEP: ${slice} as handoffs ${next.handoffs}, not ${handoffs}`;
    const idle = work["handoffs-without-progress"]!;
    const most = isHandoff && moved ? 0 : idle + 1;
    const least = isHandoff && moved ? 0 : idle;
    if (
      isHandoff &&
      !(next["handoffs-without-progress"]! >= least && next["handoffs-without-progress"]! <= most)
    )
      yield `STEP: ${slice} with ${next["handoffs-without-progress"]} handoffs without progress after ${idle}`;
    const { batch } = next.cursor as { batch?: number };
    if (batch !== undefined && batch !== next.counts!.batches)
      yield `STEP: ${slice} at batch ${batch} with ${next.counts!.batches} batches stored`;
  }
  if (type === "SegmentFailed" && detail["cause"] === "no-progress")
    if (work["handoffs-without-progress"]! < scenario.settings.maxHandoffsWithoutProgress)
      yield `STEP: ${slice} for no-progress after ${work["handoffs-without-progress"]} handoffs without progress`;
  if (type === "SegmentFailed" && detail["cause"] === "deadline-exceeded")
    if (invocation.beganMs + scenario.timeoutSeconds * 1000 < work["deadline-ms"]! - SKEW_MS_MAX)
      yield `STEP: ${slice} for its deadline long before it`;
}

const SKEW_MS_MAX = 2000;

/** An acceptance queues one message for each of its segments. */
function* fanOutViolations({ invocation, type, detail }: EmittedEvent): Iterable<string> {
  if (invocation.type !== "TaskAccepted" || type !== "SegmentQueued") return;
  const accepted = invocation.work as unknown as TaskAccepted;
  const queued = detail as unknown as SegmentWork;
  const label = `FAN-OUT: segment ${queued.segment} of attempt ${accepted.attempt}`;
  if (!accepted.segments.includes(queued.segment)) yield `${label} was queued and not accepted`;
  for (const name of ["task", "plan", "attempt", "deadline-ms", "version"] as const)
    if (!isSame(queued[name], accepted[name])) yield `${label} has another ${name}`;
  if (queued.handoffs !== 0 || queued["handoffs-without-progress"] !== 0)
    yield `${label} does not begin with handoffs 0`;
}

/** Compares plans with their requests and settings. */
function* acceptanceViolations({ recorder, scenario }: Outcome, { requests }: Answers): Iterable<string> {
  const planned = new Set<string>();
  for (const { "detail-type": type, detail, source } of recorder.events) {
    if (type !== "TaskAccepted" || source !== "ferry") continue;
    const { task, plan, attempt, segments, "deadline-ms": deadlineMs } = detail as TaskAccepted;
    const label = `PLAN: ${taskName(task)} attempt ${attempt}`;
    const request = plan.request as Detail;
    const event = requests.find(
      ({ id, fields, action, time }) =>
        id === task["request-id"] &&
        action === task.action &&
        Math.floor(task.timestamp / 1000) === Date.parse(time) / 1000 &&
        isDeepStrictEqual(fields, request),
    );
    if (event === undefined) {
      yield `${label} has an unknown request`;
      continue;
    }
    const kind = task.action === "backup" ? "read" : "write";
    const half = isIntoProvisioned(event.fields, scenario) ? PROVISIONED_UNITS / 2 : undefined;
    const units = event.fields[`${kind}-units`] ?? half;
    if ((plan as unknown as Detail)[`${kind}-units`] !== units)
      yield `${label} has a ceiling of ${(plan as unknown as Detail)[`${kind}-units`]}, not ${units}`;
    const windows = windowsIn(plan).map((segments) => segments.length);
    const first = windows[0];
    const total = event.fields["total-segments"];
    if (
      total !== undefined &&
      windows.some((segments, at) => segments > Number(total) || (at === 0 && segments !== total))
    )
      yield `${label} has ${plan["total-segments"]} segments, requested were ${total}`;
    if (total === undefined && task.action === "backup" && !scenario.grows && plan["total-segments"] !== 1)
      yield `${label} has ${plan["total-segments"]} segments for a small table`;
    if ("manifest" in plan && total === undefined) {
      const expected = Math.min(Math.max(1, plan.manifest.files), SEGMENTS_MAX);
      if (first !== expected) yield `${label} has ${first} segments for ${plan.manifest.files} files`;
    }
    if (attempt !== 1) continue;
    // A request that is delivered again queues the segments that are not complete in its row.
    const isFirst = !planned.has(taskName(task));
    planned.add(taskName(task));
    const isWhole = isSame(segments, windowsIn(plan)[0]);
    if ((isFirst && !isWhole) || new Set(segments).size !== segments.length)
      yield `${label} queues ${segments.length} of ${plan["total-segments"]} segments`;
    const latestMs = Date.parse(event.time) + scenario.settings.taskTimeoutMs;
    if (deadlineMs !== latestMs)
      yield `${label} has the deadline ${deadlineMs}, ${deadlineMs - latestMs} ms off`;
  }
}

const SEGMENTS_MAX = 64;

/** Whether the task's table has provisioned capacity. A table that a restore creates with fewer settings is on demand. */
function isIntoProvisioned(fields: Detail, { provisioned }: Outcome["scenario"]): boolean {
  return provisioned && (fields["create-table"] !== true || (fields["table-settings"] ?? "all") === "all");
}

/**
 * The retries at the end, when the rows are up to date: each queues exactly the segments that are not complete, in the next
 * attempt, from the furthest checkpoint that they reported.
 */
function* retryViolations(outcome: Outcome): Iterable<string> {
  const { recorder, scenario, retryAllStart, operations } = outcome;
  const seen = new Set<string>();
  const before = recount(recorder.facts.slice(0, outcome.quiescedFacts));
  for (const { "detail-type": type, detail, source } of recorder.events.slice(retryAllStart.events)) {
    if (source !== "ferry" || type !== "TaskAccepted") continue;
    const accepted = detail as TaskAccepted;
    const name = taskName(accepted.task);
    const task = before.get(name);
    if (task === undefined || seen.has(name) || hasDeletedRow(accepted.task, outcome)) continue;
    seen.add(name);
    // A task whose prefix was wiped, or whose task.json was deleted, may have been planned again.
    const prefix = `${accepted.plan.request["bucket-prefix"]}`;
    if (operations.wiped.has(prefix) || operations.disturbed.has(`prefix ${prefix}`)) continue;
    const label = `RETRY: ${name}`;
    // A number is skipped if an earlier retry recorded it and could not begin.
    if (accepted.attempt <= task.attempt)
      yield `${label} is retried as attempt ${accepted.attempt} after ${task.attempt}`;
    const completed = new Set(task.completed.keys());
    const incomplete = openSegments(task.windows, completed).filter((segment) => !completed.has(segment));
    if (
      !isSame(
        [...accepted.segments].sort((a, b) => a - b),
        incomplete,
      )
    )
      yield `${label} queues segments ${accepted.segments.join()} where ${incomplete.join()} are left`;
    const latestMs = retryAllStart.atMs + scenario.settings.taskTimeoutMs;
    if (Math.abs(accepted["deadline-ms"] - latestMs) > 1000)
      yield `${label} has a deadline ${accepted["deadline-ms"] - latestMs} ms off`;
    if (accepted.task.action === "backup") continue;
    for (const { invocation, type: emitted, detail: queued } of recorder.emittedEvents) {
      const work = queued as unknown as SegmentWork;
      if (
        emitted !== "SegmentQueued" ||
        invocation.type !== "TaskAccepted" ||
        work.attempt !== accepted.attempt
      )
        continue;
      if (taskName(work.task) !== name) continue;
      // If the row lost completions of an earlier window, the later ones are queued again: their claims know what is complete.
      if (!accepted.segments.includes(work.segment)) continue;
      const { file = 0, line = 0, ...counts } = task.reached.get(work.segment) ?? NO_CHECKPOINT;
      if (!isSame(work.cursor, { file, line }) || !isSame(work.counts, counts))
        yield `${label} segment ${work.segment} continues at ${JSON.stringify(work.cursor)}, its checkpoint is ${file}/${line}`;
    }
  }
}

const NO_CHECKPOINT: { file?: number; line?: number } & typeof NO_COUNTS = NO_COUNTS;

/** `TaskFinished` has the items of the row, and the attempt of its message. */
function* finishViolations(outcome: Outcome): Iterable<string> {
  const { recorder, status } = outcome;
  for (const { invocation, type, detail } of recorder.emittedEvents)
    if (type === "TaskFinished" && detail["attempt"] !== invocation.work.attempt)
      yield `FINISHED: ${invocation.name} puts attempt ${detail["attempt"]}, its message has ${invocation.work.attempt}`;
  for (const { "detail-type": type, detail, source } of recorder.events) {
    if (type !== "TaskFinished" || source !== "ferry") continue;
    const { task, items, attempt } = detail as { task: TaskAccepted["task"]; items: number; attempt: number };
    const row = status.rows().find((one) => taskName(one) === taskName(task));
    if (row === undefined || isIntoWipedPrefix(row, outcome) || hasDeletedRow(row, outcome)) continue;
    if (row.items !== items)
      yield `FINISHED: ${taskName(task)} attempt ${attempt} with ${items} items, its row has ${row.items}`;
  }
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
