import { openFerry } from "@ferry/client/ferry";
import type { SegmentStatus, TaskStatus } from "@ferry/client/task/task-status";
import { type TaskUsage, usageOf } from "@ferry/client/task/task-usage";
import type { RunCommand } from "../command.ts";
import { countText, minute, plural, seconds, size, timeOnDay } from "../format.ts";
import { columns, details } from "../table.ts";
import { direction, styledState, tookSeconds, usageParts } from "./task-text.ts";

/** More segments than these are shown only with --segments. */
const SEGMENTS_SHOWN = 20;

export const run: RunCommand = async ({ arguments: [id = ""], options }, { stage, output }) => {
  const ferry = await openFerry(stage);
  const task = await (await ferry.task(id)).status();
  const segments = task.id === undefined ? [] : await ferry.segments(task.id);
  const usage = usageOf(task, segments);
  output.value({ task, segments, usage });
  const text = details([
    ["task", task.id ?? `${task.key}@${task.timestamp}`],
    ["request", task.requestId ?? ""],
    ["state", `${styledState(task, output)}${task.attempt > 1 ? `, attempt ${task.attempt}` : ""}`],
    [task.action, direction(task)],
    ["times (UTC)", times(task)],
    ["segments", segmentsText(task)],
    [task.action === "backup" ? "stored" : "written", movedText(task)],
    ["as of", task.moment],
    ["used so far", usedText(task, usage)],
  ]);
  output.line(text);
  for (const reason of task.reasons) output.line(`✗ ${reason}`);
  for (const note of task.notes) output.line(note);
  const shown =
    options["segments"] === true ? segments : segments.filter(({ state }) => state !== "completed");
  if (shown.length > 0) output.line();
  if (shown.length > 0 && (options["segments"] === true || shown.length <= SEGMENTS_SHOWN))
    output.line(segmentTable(shown, output.width));
  else if (shown.length > 0)
    output.line(`${plural(shown.length, "segment")} not complete: --segments lists them.`);
};

function times(task: TaskStatus): string {
  const took = tookSeconds(task);
  const since = (time: string) => timeOnDay(time, new Date(task.timestamp ?? 0).toISOString());
  return [
    task.timestamp !== undefined && `requested ${minute(task.timestamp)}`,
    task.acceptedTime !== undefined && `accepted ${since(task.acceptedTime)}`,
    task.finishedTime !== undefined && `finished ${since(task.finishedTime)}`,
    task.finishedTime === undefined && task.updatedTime !== undefined && `updated ${since(task.updatedTime)}`,
    took !== undefined && `${seconds(took)} in all`,
  ]
    .filter((text) => text !== false)
    .join(", ");
}

function segmentsText({ segments: { total, completed, failed } }: TaskStatus): string {
  return `${countText(completed)} of ${countText(total)} complete${failed > 0 ? `, ${countText(failed)} failed` : ""}`;
}

function movedText(task: TaskStatus): string {
  const of = task.expected === undefined ? "" : ` of ${countText(task.expected.items)}`;
  const skipped = task.skippedItems ? `, ${countText(task.skippedItems)} skipped` : "";
  const matched = task.matchedItems === undefined ? "" : `${plural(task.matchedItems, "item")} matched of `;
  const read = task.matchedItems === undefined ? "" : " read";
  return `${matched}${countText(task.items)}${of} items${read}${skipped}, ${size(task.bytes)}`;
}

/** A segment's record has only what its latest attempt used. */
function usedText({ attempt }: TaskStatus, usage: TaskUsage): string {
  const used = usageParts(usage).join(", ") || "nothing reported yet";
  return attempt > 1 ? `${used} (each segment in its latest attempt)` : used;
}

/** Without the columns in which no segment has anything to tell. */
function segmentTable(segments: readonly SegmentStatus[], width: number | undefined): string {
  const nowIso = new Date().toISOString();
  const count = (value: number | undefined) => (value === undefined ? "" : countText(value));
  const all: readonly [head: string, text: (segment: SegmentStatus) => string, isQuiet?: RegExp][] = [
    ["segment", ({ segment }) => String(segment)],
    ["state", ({ state }) => state],
    ["attempt", ({ attempt }) => String(attempt), /^1$/],
    ["items", ({ items }) => countText(items)],
    ["files", ({ files }) => countText(files)],
    ["size", ({ bytes }) => size(bytes)],
    ["units", ({ units }) => count(units), /^$/],
    ["throttled", ({ throttles }) => count(throttles), /^0?$/],
    ["handoffs", ({ handoffs }) => count(handoffs), /^0?$/],
    ["updated", ({ updatedTime }) => timeOnDay(updatedTime, nowIso)],
    ["reason", ({ reason }) => reason ?? "", /^$/],
  ];
  const shown = all.filter(([, text, isQuiet]) => !segments.every((segment) => isQuiet?.test(text(segment))));
  return columns(
    shown.map(([head]) => head),
    segments.map((segment) => shown.map(([, text]) => text(segment))),
    ["segment", "attempt", "items", "files", "size", "units", "throttled", "handoffs"],
    { width, below: ["reason"] },
  );
}
