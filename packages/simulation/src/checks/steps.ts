/**
 * What a step says follows from the message that it was done for: the slices of an attempt are numbered, their counts
 * never fall, a retry goes on where its segments stood, and every word of a task names its task, plan and deadline.
 */
import type { SegmentWork, TaskAccepted } from "@ferry/core/events";
import { PROVISIONED_UNITS } from "../scenario/scenario.ts";
import { answersOf } from "./answers.ts";
import { intoWiped, type Outcome } from "./outcome.ts";
import type { Concluded } from "./recorder.ts";
import { recount, taskName } from "./recount.ts";

type Said = Readonly<Record<string, unknown>>;

const NO_COUNTS = { batches: 0, items: 0, bytes: 0 };

export function stepViolations(outcome: Outcome): string[] {
  const { recorder } = outcome;
  return [
    ...recorder.conclusions.flatMap((one) => sliceViolations(one, outcome)),
    ...recorder.conclusions.flatMap((one) => spreadViolations(one)),
    ...acceptanceViolations(outcome),
    ...retryViolations(outcome),
    ...finishViolations(outcome),
  ].slice(0, VIOLATIONS_MAX);
}

const VIOLATIONS_MAX = 20;

/** A slice's conclusion, beside the work that it was given. */
function sliceViolations({ ran, type, detail }: Concluded, { scenario }: Outcome): string[] {
  const { work } = ran;
  const isSlice = ran.type === "SegmentQueued" || ran.type === "SegmentProgressed";
  if (!isSlice || !type.startsWith("Segment")) return [];
  const said = (type === "SegmentFailed" ? detail["work"] : detail) as Partial<SegmentWork> & Said;
  const found: string[] = [];
  const about = `${ran.name} (segment ${work.segment}, attempt ${work.attempt}, handoffs ${work.handoffs}) says ${type}`;
  const same = ["task", "plan", "attempt", "segment", "version"] as const;
  const more = type === "SegmentCompleted" ? [] : (["deadline-ms"] as const);
  for (const name of [...same, ...more])
    if (!isSame(said[name], work[name])) found.push(`STEP: ${about} with another ${name} than it was given`);
  for (const name of ["batches", "items", "bytes"] as const)
    if (said.counts!.items === undefined || said.counts![name] < work.counts![name])
      found.push(`STEP: ${about} with ${said.counts![name]} ${name}, and began with ${work.counts![name]}`);
  const moved = said.counts!.items > work.counts!.items || said.counts!.batches > work.counts!.batches;
  if (type === "SegmentProgressed") {
    const isHandoff = detail["handoff"] === true;
    const handoffs = work.handoffs! + (isHandoff ? 1 : 0);
    if (said.handoffs !== handoffs)
      found.push(`STEP: ${about} as handoffs ${said.handoffs}, not ${handoffs}`);
    const idle = work["handoffs-without-progress"]!;
    const most = isHandoff && moved ? 0 : idle + 1;
    const least = isHandoff && moved ? 0 : idle;
    if (
      isHandoff &&
      !(said["handoffs-without-progress"]! >= least && said["handoffs-without-progress"]! <= most)
    )
      found.push(`STEP: ${about} with ${said["handoffs-without-progress"]} idle hops after ${idle}`);
    const { batch } = said.cursor as { batch?: number };
    if (batch !== undefined && batch !== said.counts!.batches)
      found.push(`STEP: ${about} at batch ${batch} with ${said.counts!.batches} batches stored`);
  }
  if (type === "SegmentFailed" && detail["cause"] === "no-progress")
    if (work["handoffs-without-progress"]! < scenario.settings.maxHandoffsWithoutProgress)
      found.push(`STEP: ${about} for want of progress after ${work["handoffs-without-progress"]} idle hops`);
  if (type === "SegmentFailed" && detail["cause"] === "deadline-exceeded")
    if (ran.beganMs + scenario.timeoutSeconds * 1000 < work["deadline-ms"]! - SKEW_MS_MAX)
      found.push(`STEP: ${about} for its deadline long before it`);
  return found;
}

const SKEW_MS_MAX = 2000;

/** An acceptance becomes one message for each of its segments, from the beginning or from where it stood. */
function spreadViolations({ ran, type, detail }: Concluded): string[] {
  if (ran.type !== "TaskAccepted" || type !== "SegmentQueued") return [];
  const accepted = ran.work as unknown as TaskAccepted;
  const queued = detail as unknown as SegmentWork;
  const about = `SPREAD: segment ${queued.segment} of attempt ${accepted.attempt}`;
  const found: string[] = [];
  if (!accepted.segments.includes(queued.segment)) found.push(`${about} was queued and not accepted`);
  for (const name of ["task", "plan", "attempt", "deadline-ms", "version"] as const)
    if (!isSame(queued[name], accepted[name])) found.push(`${about} has another ${name}`);
  if (queued.handoffs !== 0 || queued["handoffs-without-progress"] !== 0)
    found.push(`${about} does not begin with handoffs 0`);
  return found;
}

/** What a plan must be, of the request and the stage. */
function acceptanceViolations(outcome: Outcome): string[] {
  const { recorder, scenario } = outcome;
  const asked = answersOf(outcome).asked;
  const found: string[] = [];
  const planned = new Set<string>();
  for (const { "detail-type": type, detail, source } of recorder.events) {
    if (type !== "TaskAccepted" || source !== "ferry") continue;
    const { task, plan, attempt, segments, "deadline-ms": deadlineMs } = detail as TaskAccepted;
    const about = `PLAN: ${taskName(task)} attempt ${attempt}`;
    const request = plan.request as Said;
    const request_ = asked.find(
      ({ id, fields, action, time }) =>
        id === task["request-id"] &&
        action === task.action &&
        Math.floor(task.timestamp / 1000) === Date.parse(time) / 1000 &&
        isSame(sorted(fields), sorted(request)),
    );
    if (request_ === undefined) {
      found.push(`${about} has a request that nobody asked`);
      continue;
    }
    const kind = task.action === "backup" ? "read" : "write";
    const half = scenario.provisioned ? PROVISIONED_UNITS / 2 : undefined;
    const units = request_.fields[`${kind}-units`] ?? half;
    if ((plan as unknown as Said)[`${kind}-units`] !== units)
      found.push(`${about} has a ceiling of ${(plan as unknown as Said)[`${kind}-units`]}, not ${units}`);
    const total = request_.fields["total-segments"];
    if (total !== undefined && plan["total-segments"] !== total)
      found.push(`${about} has ${plan["total-segments"]} segments, asked were ${total}`);
    if (total === undefined && task.action === "backup" && !scenario.grows && plan["total-segments"] !== 1)
      found.push(`${about} has ${plan["total-segments"]} segments for a small table`);
    if ("manifest" in plan && total === undefined) {
      const expected = Math.min(Math.max(1, plan.manifest.files), SEGMENTS_MAX);
      if (plan["total-segments"] !== expected)
        found.push(`${about} has ${plan["total-segments"]} segments for ${plan.manifest.files} files`);
    }
    if (attempt !== 1) continue;
    // A request that is delivered again queues those that its row does not know to be complete.
    const isFirst = !planned.has(taskName(task));
    planned.add(taskName(task));
    const isWhole = segments.length === plan["total-segments"];
    if ((isFirst && !isWhole) || new Set(segments).size !== segments.length)
      found.push(`${about} queues ${segments.length} of ${plan["total-segments"]} segments`);
    const latestMs = Date.parse(request_.time) + scenario.settings.taskTimeoutMs;
    if (deadlineMs !== latestMs)
      found.push(`${about} gives up at ${deadlineMs}, ${deadlineMs - latestMs} ms off`);
  }
  return found;
}

const SEGMENTS_MAX = 64;

/**
 * The retries at the end, when everything that was said stands in the rows: each queues just the segments that are not
 * complete, under the next attempt, from the furthest that a failure told.
 */
function retryViolations(outcome: Outcome): string[] {
  const { recorder, scenario, healing, operations } = outcome;
  const found: string[] = [];
  const seen = new Set<string>();
  const before = recount(recorder.facts.slice(0, outcome.calmFacts));
  for (const { "detail-type": type, detail, source } of recorder.events.slice(healing.events)) {
    if (source !== "ferry" || type !== "TaskAccepted") continue;
    const accepted = detail as TaskAccepted;
    const name = taskName(accepted.task);
    const task = before.get(name);
    if (task === undefined || seen.has(name) || operations.actors.deletedRows.has(name)) continue;
    seen.add(name);
    // A prefix that was wiped may have been planned for again.
    if (operations.wiped.has(`${accepted.plan.request["bucket-prefix"]}`)) continue;
    const about = `RETRY: ${name}`;
    // Numbers are left out where a retry before it was given one and could not begin.
    if (accepted.attempt <= task.attempt)
      found.push(`${about} is tried again as attempt ${accepted.attempt} after ${task.attempt}`);
    const rest = Array.from({ length: task.total }, (_, segment) => segment).filter(
      (segment) => !task.completed.has(segment),
    );
    if (
      !isSame(
        [...accepted.segments].sort((a, b) => a - b),
        rest,
      )
    )
      found.push(`${about} queues segments ${accepted.segments.join()} where ${rest.join()} are left`);
    const latestMs = healing.atMs + scenario.settings.taskTimeoutMs;
    if (Math.abs(accepted["deadline-ms"] - latestMs) > 1000)
      found.push(`${about} gives up ${accepted["deadline-ms"] - latestMs} ms off`);
    if (accepted.task.action === "backup") continue;
    for (const { ran, type: said, detail: queued } of recorder.conclusions) {
      const work = queued as unknown as SegmentWork;
      if (said !== "SegmentQueued" || ran.type !== "TaskAccepted" || work.attempt !== accepted.attempt)
        continue;
      if (taskName(work.task) !== name) continue;
      const { file = 0, line = 0, ...counts } = task.stood.get(work.segment) ?? NO_COUNTS_AT_ALL;
      if (!isSame(work.cursor, { file, line }) || !isSame(work.counts, counts))
        found.push(
          `${about} segment ${work.segment} goes on at ${JSON.stringify(work.cursor)}, and stood at ${file}/${line}`,
        );
    }
  }
  return found;
}

const NO_COUNTS_AT_ALL: { file?: number; line?: number } & typeof NO_COUNTS = NO_COUNTS;

/** A task is finished once, with what its segments moved. */
function finishViolations(outcome: Outcome): string[] {
  const { recorder, status } = outcome;
  const found: string[] = [];
  for (const { "detail-type": type, detail, source } of recorder.events) {
    if (type !== "TaskFinished" || source !== "ferry") continue;
    const { task, items, attempt } = detail as { task: TaskAccepted["task"]; items: number; attempt: number };
    const row = status.rows().find((one) => taskName(one) === taskName(task));
    if (row === undefined || intoWiped(row, outcome)) continue;
    if (outcome.operations.actors.deletedRows.has(taskName(task))) continue;
    if (row.items !== items || attempt > row.attempt)
      found.push(
        `FINISHED: ${taskName(task)} attempt ${attempt} with ${items} items, its row has ${row.items}`,
      );
  }
  return found;
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function sorted(of: Said): Said {
  return Object.fromEntries(Object.entries(of).sort(([a], [b]) => (a < b ? -1 : 1)));
}
