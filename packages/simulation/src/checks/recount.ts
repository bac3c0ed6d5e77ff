/**
 * Each task as the events of the bus describe it, computed without the engine's projector.
 */
import type { BusEvent } from "@ferry/core/events/events";
import { openSegments, type PlannedWindows } from "./planned-windows.ts";

/** What a segment stored or wrote. */
interface Transferred {
  readonly batches: number;
  readonly items: number;
  readonly bytes: number;
  readonly skipped?: number;
  readonly matched?: number;
}

/** A failure, from its event. `segment` is absent if a step of the task failed. */
interface Failed {
  readonly attempt: number;
  readonly segment?: number;
  readonly cause: string;
}

/** A task, from its events. */
export type Recount = ReturnType<typeof begun>;

/** The checkpoint of a segment. */
export interface Reached extends Transferred {
  readonly file: number;
  readonly line: number;
}

/** What became of each setting of the backed-up table. */
export type ReportedSettings = Readonly<
  Record<string, { readonly outcome: string; readonly reason?: string }>
>;

interface Detail {
  readonly task?: { action: string; key: string; timestamp: number | string; "request-id"?: string };
  readonly attempt?: number | string;
  readonly segment?: number;
  /** A `TaskFinishing` has it as JSON. */
  readonly plan?: PlannedWindows & { readonly S?: string };
  readonly counts?: Transferred;
  readonly cursor?: { file?: number; line?: number };
  /** Of a `TaskFinished` whose task created its table. */
  readonly settings?: ReportedSettings;
  readonly cause?: string;
  readonly step?: string;
  readonly work?: Detail;
}

/** Equal for equal reports, in any order of their settings. */
export function settingsText(settings: ReportedSettings): string {
  return JSON.stringify(
    Object.keys(settings)
      .sort()
      .map((name) => [name, settings[name]!.outcome, settings[name]!.reason]),
  );
}

/** A task's name: the key of its row. */
export function taskName(task: { action: string; key: string; timestamp: number | string }): string {
  return `${task.action} ${task.key}@${task.timestamp}`;
}

/** Every task that the events name, by `taskName`. Rejections name a request instead: see answers.ts. */
export function recount(events: readonly BusEvent[]): ReadonlyMap<string, Recount> {
  const tasks = new Map<string, Recount>();
  for (const event of events) {
    const { "detail-type": type, time } = event;
    if (type === "TaskRejected") continue;
    const detail = event.detail as Detail;
    const work = type === "SegmentFailed" || type === "TaskStepFailed" ? (detail.work ?? {}) : detail;
    // A rejected retry belongs to no attempt, except one of a task that cannot continue: it ends its attempt.
    if (detail.step === "TaskRetryRequested" && !/^(prefix-taken|table-used)$/.test(detail.cause ?? ""))
      continue;
    if (typeof work.task?.key !== "string") continue;
    const name = taskName(work.task);
    const task = tasks.get(name) ?? begun(time);
    tasks.set(name, task);
    add(task, type, detail, work, time);
  }
  return tasks;
}

function begun(time: string) {
  return {
    /** The plans of its events, as text. */
    plans: new Set<string>(),
    /** The reports of settings in its events, as `settingsText`. */
    settings: new Set<string>(),
    /** The windows of its plan. */
    windows: { "total-segments": 0 } as PlannedWindows,
    total: 0,
    attempt: 1,
    /** The highest attempt that was cancelled by its number; 0 for none. */
    cancelledAttempt: 0,
    /** When a cancel named no attempt, ISO 8601. It cancels the attempt that is current when it is first projected. */
    openCancels: [] as string[],
    finished: false,
    acceptedTime: undefined as string | undefined,
    finishedTime: undefined as string | undefined,
    updatedTime: time,
    completed: new Map<number, Transferred>(),
    /** Segment → the skipped items of each of its completions: for a late duplicate they may include items that the application wrote since. */
    skips: new Map<number, number[]>(),
    /** Segment → the highest attempt in its events. */
    attempts: new Map<number, number>(),
    failures: [] as Failed[],
    /** Segment → the furthest checkpoint that it reported. */
    reached: new Map<number, Reached>(),
  };
}

function add(task: Recount, type: string, detail: Detail, work: Detail, time: string): void {
  const { segment } = work;
  const plan = work.plan?.S === undefined ? work.plan : (JSON.parse(work.plan.S) as Detail["plan"]);
  const attempt = Number(work.attempt ?? 1);
  if (time > task.updatedTime) task.updatedTime = time;
  if (type === "TaskCancelRequested") {
    if (work.attempt === undefined) task.openCancels.push(time);
    else task.cancelledAttempt = Math.max(task.cancelledAttempt, attempt);
    return;
  }
  task.attempt = Math.max(task.attempt, attempt);
  // Of the steps that fail only TaskAccepted always has the plan.
  const carries = type !== "TaskStepFailed" || detail.step === "TaskAccepted";
  if (plan !== undefined && carries) {
    task.plans.add(JSON.stringify(plan));
    task.total = plan["total-segments"];
    task.windows = plan;
    if (task.acceptedTime === undefined || time < task.acceptedTime) task.acceptedTime = time;
  }
  if (segment !== undefined) task.attempts.set(segment, Math.max(task.attempts.get(segment) ?? 1, attempt));
  if (type === "SegmentCompleted") {
    task.completed.set(segment!, work.counts!);
    task.skips.set(segment!, [...(task.skips.get(segment!) ?? []), work.counts!.skipped ?? 0]);
  }
  if (type === "TaskFinished") {
    task.finished = true;
    if (detail.settings !== undefined) task.settings.add(settingsText(detail.settings));
    if (task.finishedTime === undefined || time < task.finishedTime) task.finishedTime = time;
  }
  if (type === "TaskStepFailed") task.failures.push({ attempt, cause: detail.cause! });
  if (type === "SegmentFailed") task.failures.push({ attempt, segment: segment!, cause: detail.cause! });
  if (type === "SegmentFailed" || type === "SegmentProgressed") {
    const { file = 0, line = 0 } = work.cursor ?? {};
    const reached = { file, line, ...(work.counts ?? { batches: 0, items: 0, bytes: 0 }) };
    const known = task.reached.get(segment!);
    if (known === undefined || isFurther(reached, known)) task.reached.set(segment!, reached);
  }
}

function isFurther(a: Reached, b: Reached): boolean {
  for (const name of ["file", "line", "batches", "items", "bytes", "skipped", "matched"] as const)
    if ((a[name] ?? 0) !== (b[name] ?? 0)) return (a[name] ?? 0) > (b[name] ?? 0);
  return false;
}

/** The segments that failed, and were neither completed nor retried since. */
export function currentFailures(task: Recount): ReadonlySet<number> {
  const current = new Set<number>();
  for (const { segment, attempt } of task.failures)
    if (
      segment !== undefined &&
      attempt === task.attempt &&
      !task.completed.has(segment) &&
      attempt >= (task.attempts.get(segment) ?? 1)
    )
      current.add(segment);
  return current;
}

/** The state by the rules of README and docs/operations.md. */
export function stateFrom(task: Recount, rejected: boolean): string {
  if (task.finished) return "succeeded";
  if (task.acceptedTime === undefined) return rejected ? "rejected" : "requested";
  const stepFailed = task.failures.some((one) => one.segment === undefined && one.attempt >= task.attempt);
  if (task.completed.size === task.total) return stepFailed ? "failed" : "finishing";
  const failures = currentFailures(task);
  const hasEnded = (segment: number) => task.completed.has(segment) || failures.has(segment);
  const completed = new Set(task.completed.keys());
  const isOver = stepFailed || openSegments(task.windows, completed).every(hasEnded);
  if (task.cancelledAttempt >= task.attempt) return isOver ? "cancelled" : "cancelling";
  return isOver ? "failed" : "running";
}

/** The counts that the row must have: those of complete segments, and of the checkpoints of the others. */
export function transferredBy(task: Recount): Required<Omit<Transferred, "skipped">> {
  const parts = [
    ...task.completed.values(),
    ...[...task.reached].filter(([segment]) => !task.completed.has(segment)).map(([, reached]) => reached),
  ];
  const sum = (of: "batches" | "items" | "bytes" | "matched") =>
    parts.reduce((all, part) => all + (part[of] ?? 0), 0);
  return { batches: sum("batches"), items: sum("items"), bytes: sum("bytes"), matched: sum("matched") };
}

/** The least and the most skipped items that the row may have. */
export function skippedBy(task: Recount): { readonly least: number; readonly most: number } {
  let least = 0;
  let most = 0;
  for (const skips of task.skips.values()) {
    least += Math.min(...skips);
    most += Math.max(...skips);
  }
  for (const [segment, { skipped = 0 }] of task.reached) {
    if (task.completed.has(segment)) continue;
    least += skipped;
    most += skipped;
  }
  return { least, most };
}
