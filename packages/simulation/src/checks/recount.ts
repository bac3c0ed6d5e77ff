/**
 * What the events of the bus say of each task, counted by rules of its own: nothing here is the engine's projection.
 */
import type { BusEvent } from "@ferry/core/events";

/** What a segment stored or wrote. */
interface Moved {
  readonly batches: number;
  readonly items: number;
  readonly bytes: number;
  readonly skipped?: number;
}

/** A failure, as its event tells it. `segment` is absent where the task as a whole failed. */
interface Failed {
  readonly attempt: number;
  readonly segment?: number;
  readonly cause: string;
}

/** A task, as its events tell it. */
export interface Recount {
  readonly action: string;
  readonly key: string;
  readonly timestamp: number;
  requestId?: string;
  /** The plan, as text: any of those that its events carry. */
  readonly plans: Set<string>;
  total: number;
  attempt: number;
  /** The highest attempt that was cancelled; 0 for none. */
  cancelledAttempt: number;
  finished: boolean;
  acceptedTime?: string;
  finishedTime?: string;
  updatedTime: string;
  readonly completed: Map<number, Moved>;
  /** Segment → what its completions say that was skipped: a late duplicate may meet what the application wrote since. */
  readonly skips: Map<number, number[]>;
  /** Segment → the highest attempt that was heard of it. */
  readonly attempts: Map<number, number>;
  readonly failures: Failed[];
  /** Segment → the furthest that a failure of it tells. */
  readonly stood: Map<number, Stood>;
  /** Every event that named the task. */
  events: number;
}

/** Where a segment stood when it failed. */
export interface Stood extends Moved {
  readonly file: number;
  readonly line: number;
}

interface Detail {
  readonly task?: { action: string; key: string; timestamp: number | string; "request-id"?: string };
  readonly attempt?: number | string;
  readonly segment?: number;
  readonly plan?: { "total-segments": number };
  readonly counts?: Moved;
  readonly cursor?: { file?: number; line?: number };
  readonly cause?: string;
  readonly step?: string;
  readonly work?: Detail;
}

/** What names a task: the three things by which an operator names its row. */
export function taskName(task: { action: string; key: string; timestamp: number | string }): string {
  return `${task.action} ${task.key}@${task.timestamp}`;
}

/** Every task that the events name, by `taskName`. Rejections name a request, no task: see answers.ts. */
export function recount(events: readonly BusEvent[]): ReadonlyMap<string, Recount> {
  const tasks = new Map<string, Recount>();
  for (const { "detail-type": type, detail, time } of events) {
    if (type === "TaskRejected" || type === "SegmentProgressed") continue;
    const said = detail as Detail;
    const about = type === "SegmentFailed" || type === "TaskStepFailed" ? (said.work ?? {}) : said;
    // A refused retry belongs to no attempt, unless it says which one ends for it.
    if (said.step === "TaskRetryRequested" && said.cause !== "prefix-taken") continue;
    if (typeof about.task?.key !== "string") continue;
    const name = taskName(about.task);
    const task = tasks.get(name) ?? begun(about.task, time);
    tasks.set(name, task);
    add(task, type, said, about, time);
  }
  return tasks;
}

function begun({ action, key, timestamp }: NonNullable<Detail["task"]>, time: string): Recount {
  return {
    action,
    key,
    timestamp: Number(timestamp),
    plans: new Set(),
    total: 0,
    attempt: 1,
    cancelledAttempt: 0,
    finished: false,
    updatedTime: time,
    completed: new Map(),
    skips: new Map(),
    attempts: new Map(),
    failures: [],
    stood: new Map(),
    events: 0,
  };
}

function add(task: Recount, type: string, said: Detail, about: Detail, time: string): void {
  const { segment, plan } = about;
  const attempt = Number(about.attempt ?? 1);
  task.events++;
  if (about.task?.["request-id"] !== undefined) task.requestId ??= about.task["request-id"];
  if (time > task.updatedTime) task.updatedTime = time;
  if (type === "TaskCancelRequested") {
    task.cancelledAttempt = Math.max(task.cancelledAttempt, attempt);
    return;
  }
  task.attempt = Math.max(task.attempt, attempt);
  // A step that failed carries the plan for certain only where it is the acceptance, or what follows from it.
  const carries = type !== "TaskStepFailed" || said.step === "TaskAccepted";
  if (plan !== undefined && carries) {
    task.plans.add(JSON.stringify(plan));
    task.total = plan["total-segments"];
    if (task.acceptedTime === undefined || time < task.acceptedTime) task.acceptedTime = time;
  }
  if (segment !== undefined) task.attempts.set(segment, Math.max(task.attempts.get(segment) ?? 1, attempt));
  if (type === "SegmentCompleted") {
    task.completed.set(segment!, about.counts!);
    task.skips.set(segment!, [...(task.skips.get(segment!) ?? []), about.counts!.skipped ?? 0]);
  }
  if (type === "TaskFinished") {
    task.finished = true;
    if (task.finishedTime === undefined || time < task.finishedTime) task.finishedTime = time;
  }
  if (type === "TaskStepFailed") task.failures.push({ attempt, cause: said.cause! });
  if (type === "SegmentFailed") {
    task.failures.push({ attempt, segment: segment!, cause: said.cause! });
    const { file = 0, line = 0 } = about.cursor ?? {};
    const stood = { file, line, ...(about.counts ?? { batches: 0, items: 0, bytes: 0 }) };
    const known = task.stood.get(segment!);
    if (known === undefined || isFurther(stood, known)) task.stood.set(segment!, stood);
  }
}

function isFurther(a: Stood, b: Stood): boolean {
  for (const name of ["file", "line", "batches", "items", "bytes", "skipped"] as const)
    if ((a[name] ?? 0) !== (b[name] ?? 0)) return (a[name] ?? 0) > (b[name] ?? 0);
  return false;
}

/** The segments whose failure stands: not complete, and not tried again since. */
export function standingFailures(task: Recount): ReadonlySet<number> {
  const standing = new Set<number>();
  for (const { segment, attempt } of task.failures)
    if (
      segment !== undefined &&
      attempt === task.attempt &&
      !task.completed.has(segment) &&
      attempt >= (task.attempts.get(segment) ?? 1)
    )
      standing.add(segment);
  return standing;
}

/** The state that README and docs/operations.md promise: from the last word to the first. */
export function stateFrom(task: Recount, rejected: boolean): string {
  if (task.finished) return "succeeded";
  if (task.acceptedTime === undefined) return rejected ? "rejected" : "requested";
  const stepFailed = task.failures.some((one) => one.segment === undefined && one.attempt >= task.attempt);
  if (task.completed.size === task.total) return stepFailed ? "failed" : "finishing";
  const isOver = stepFailed || task.completed.size + standingFailures(task).size === task.total;
  if (task.cancelledAttempt >= task.attempt) return isOver ? "cancelled" : "cancelling";
  return isOver ? "failed" : "running";
}

/** What the row must say was moved: of complete segments, and of those that failed on the way. */
export function movedBy(task: Recount): Moved {
  const parts = [
    ...task.completed.values(),
    ...[...task.stood].filter(([segment]) => !task.completed.has(segment)).map(([, stood]) => stood),
  ];
  const sum = (of: "batches" | "items" | "bytes") => parts.reduce((all, part) => all + part[of], 0);
  return { batches: sum("batches"), items: sum("items"), bytes: sum("bytes") };
}

/** The least and the most that the row may say was skipped. */
export function skippedBy(task: Recount): { readonly least: number; readonly most: number } {
  let least = 0;
  let most = 0;
  for (const said of task.skips.values()) {
    least += Math.min(...said);
    most += Math.max(...said);
  }
  for (const [segment, { skipped = 0 }] of task.stood) {
    if (task.completed.has(segment)) continue;
    least += skipped;
    most += skipped;
  }
  return { least, most };
}
