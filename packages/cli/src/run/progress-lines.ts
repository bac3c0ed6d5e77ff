/**
 * A task's progress as lines of a terminal, or as one plain line.
 */
import type { TaskProgress } from "@ferry/client/task/progress";
import type { SegmentStatus, TaskStatus } from "@ferry/client/task/task-status";
import { barOf } from "@ferry/terminal/live-lines";
import { countText, plural, seconds, size } from "../format.ts";
import { usageParts } from "./task-text.ts";

const SEGMENT_BARS_MAX = 12;
const BAR_MIN = 10;
const BAR_MAX = 60;
const LABEL = 7;

/** Lines of at most `width` characters: the task, its bar, what it used, and a bar for each segment unless there are many. */
export function progressLines(progress: TaskProgress, width: number): string[] {
  const { task, segments } = progress;
  const { fraction, parts } = totalBar(progress);
  const total = barLine("total", fraction, parts, width);
  const used = usedParts(progress);
  return [
    headline(task),
    total,
    ...(used.length === 0 ? [] : [barLine("", undefined, used, width)]),
    ...segmentLines(progress, width),
    ...failureLines(task, segments),
  ].map((line) => cut(line, width));
}

/** The task's bar: of its items or, if DynamoDB's estimate of them is 0 or not known, of its segments. */
function totalBar(progress: TaskProgress): { fraction: number | undefined; parts: Part[] } {
  const { percent, task } = progress;
  const { completed, total } = task.segments;
  if (percent !== undefined) return { fraction: percent / 100, parts: totalParts(progress) };
  if (total <= 1) return { fraction: undefined, parts: totalParts(progress) };
  const done = { text: `${countText(completed)} of ${plural(total, "segment")}`, rank: 0 };
  return { fraction: completed / total, parts: [done, ...totalParts(progress)] };
}

/** One line for a log. */
export function plainLine({ task, ...progress }: TaskProgress): string {
  const { completed, total, failed } = task.segments;
  return [
    `${task.state}${task.attempt > 1 ? ` (attempt ${task.attempt})` : ""}`,
    ...totalParts({ task, ...progress }).map(({ text }) => text),
    ...(total > 0 ? [`${completed} of ${plural(total, "segment")}`] : []),
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...usedParts({ task, ...progress }).map(({ text }) => text),
  ].join(", ");
}

function headline(task: TaskStatus): string {
  const attempt = task.attempt > 1 ? `, attempt ${task.attempt}` : "";
  // The id is last, because a narrow terminal cuts the end.
  return `${task.action} ${task.state}${attempt}: ${task.id ?? `request ${task.requestId}`}`;
}

interface Part {
  readonly text: string;
  /** The part with the highest number is left out first. */
  readonly rank: number;
}

function totalParts({ task, percent, itemsPerSecond, bytesPerSecond, etaSeconds }: TaskProgress): Part[] {
  const moving = task.state === "running" && itemsPerSecond >= 0.5;
  return [
    ...(percent === undefined ? [] : [{ text: `${Math.floor(percent)} %`, rank: 0 }]),
    { text: plural(task.items, "item"), rank: 1 },
    ...(moving ? [{ text: `${countText(itemsPerSecond)} items/s`, rank: 2 }] : []),
    ...(moving && bytesPerSecond > 0 ? [{ text: `${size(bytesPerSecond)}/s`, rank: 4 }] : []),
    ...(etaSeconds === undefined ? [] : [{ text: `ETA ${seconds(etaSeconds)}`, rank: 3 }]),
  ];
}

/** What the task used: the rate of units, and the sums. */
function usedParts({ task, usage, unitsPerSecond }: TaskProgress): Part[] {
  // A smaller rate would be shown as 0.
  const moving = task.state === "running" && unitsPerSecond >= 0.5;
  return [
    ...(moving ? [{ text: `${countText(unitsPerSecond)} units/s`, rank: 0 }] : []),
    ...usageParts(usage).map((text, rank) => ({ text, rank })),
    // A segment's record has only what its latest attempt used.
    ...(task.attempt > 1 ? [{ text: "in the segments' latest attempts", rank: 1 }] : []),
  ];
}

function segmentLines({ task, segments }: TaskProgress, width: number): string[] {
  const { total } = task.segments;
  if (total <= 1 || segments.length === 0) return [];
  if (total > SEGMENT_BARS_MAX) return [`${"".padEnd(LABEL)}${countsByState(task, segments)}`];
  const share = (task.expected?.items ?? 0) / total;
  return segments.map(({ segment, state, items, units, throttles, handoffs }) => {
    const isDone = state === "completed";
    const fraction = isDone ? 1 : share === 0 ? undefined : Math.min(0.99, items / share);
    const parts = [
      { text: plural(items, "item"), rank: 0 },
      { text: state, rank: 1 },
      ...(units ? [{ text: plural(units, "unit"), rank: 2 }] : []),
      ...(throttles ? [{ text: plural(throttles, "throttled call"), rank: 3 }] : []),
      ...(handoffs ? [{ text: plural(handoffs, "handoff"), rank: 4 }] : []),
    ];
    return barLine(`${segment}`.padStart(5), fraction, parts, width);
  });
}

function countsByState(task: TaskStatus, segments: readonly SegmentStatus[]): string {
  const counted = ["completed", "running", "failed"].map((state) => ({
    state,
    number: segments.filter((segment) => segment.state === state).length,
  }));
  const waiting = task.segments.total - counted.reduce((sum, { number }) => sum + number, 0);
  return [...counted, { state: "waiting", number: waiting }]
    .filter(({ number }) => number > 0)
    .map(({ state, number }) => `${number} ${state}`)
    .join(", ");
}

function failureLines(task: TaskStatus, segments: readonly SegmentStatus[]): string[] {
  const failed = segments.filter(({ state, reason }) => state === "failed" && reason !== undefined);
  const reasons =
    task.reasons.length > 0
      ? task.reasons
      : failed.map(({ segment, reason }) => `segment ${segment}: ${reason}`);
  return reasons.slice(0, 3).map((reason) => `✗ ${reason}`);
}

/** A label, a bar as wide as there is room, and as many parts as fit. Without a fraction there is no bar. */
function barLine(label: string, fraction: number | undefined, parts: readonly Part[], width: number): string {
  const room = width - LABEL - (fraction === undefined ? 0 : BAR_MIN + 2);
  let shown = [...parts];
  while (shown.length > 1 && joined(shown).length > room) {
    const last = Math.max(...shown.map(({ rank }) => rank));
    shown = shown.filter(({ rank }) => rank !== last);
  }
  const text = joined(shown);
  const start = label.padEnd(LABEL);
  if (fraction === undefined) return `${start}${text}`;
  const bar = Math.min(
    BAR_MAX,
    Math.max(BAR_MIN, Math.floor(width / 2) - LABEL),
    width - LABEL - 2 - text.length,
  );
  return `${start}${barOf(fraction, bar)}  ${text}`;
}

function joined(parts: readonly Part[]): string {
  return parts.map(({ text }) => text).join("  ");
}

function cut(line: string, width: number): string {
  return line.length > width ? `${line.slice(0, width - 1)}…` : line;
}
