/**
 * Follows a task until it ends, or until Ctrl-C, and prints how it ended.
 */
import type { TaskProgress } from "@ferry/client/task/progress";
import type { TaskHandle } from "@ferry/client/task/task-handle";
import type { TaskStatus } from "@ferry/client/task/task-status";
import type { Request } from "@ferry/core/request/request";
import { openLiveLines } from "@ferry/terminal/live-lines";
import type { Context } from "../context.ts";
import { type ExitCode, exitCodeOfTask, exitCodes } from "../exit-codes.ts";
import { commandText } from "../pasteable.ts";
import { plainLine, progressLines } from "./progress-lines.ts";
import { archiveUrl, endLines } from "./task-text.ts";

const LINE_EVERY_MS = 5000;

/**
 * Shows the progress of a task: bars on a terminal, lines elsewhere, JSON with --json. Returns the exit code of its end. `request`: the
 * task's, if this process sent it.
 */
export async function follow(handle: TaskHandle, { output }: Context, request?: Request): Promise<ExitCode> {
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  process.once("SIGINT", onSignal);
  const view = output.json
    ? { show: (progress: TaskProgress) => output.value(progress), end() {} }
    : process.stdout.isTTY
      ? bars()
      : lines((text) => output.line(text));
  let last: TaskProgress | undefined;
  try {
    for await (const progress of handle.progress({ signal: stop.signal })) {
      last = progress;
      view.show(progress);
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  } finally {
    process.removeListener("SIGINT", onSignal);
    view.end();
  }
  if (stop.signal.aborted) {
    const id = last?.task.id ?? handle.requestId ?? "";
    output.note(
      `Stopped watching. The task goes on: ${commandText("watch", id)} shows it, ${commandText("cancel", id)} stops it.`,
    );
    return exitCodes.interrupted;
  }
  const { task } = last!;
  for (const line of endLines(task, output)) output.line(line);
  if (isComparable(task, request)) output.note(`Compare it with the archive: ${comparison(task, request)}`);
  return exitCodeOfTask(task);
}

/**
 * Whether the table should hold exactly what the archive in the task's row holds: not after some of its items, several exports, or a mode
 * that leaves other items in the table.
 */
function isComparable({ state, action, matchedItems, moment }: TaskStatus, request?: Request): boolean {
  const mode = request?.action === "restore" ? request["restore-mode"] : undefined;
  const isWhole =
    matchedItems === undefined && moment === undefined && (mode ?? "empty-only") === "empty-only";
  return state === "succeeded" && action === "restore" && isWhole;
}

function comparison(task: TaskStatus, request: Request | undefined): string {
  const { region, name } = task.table;
  const manifestKeys = request?.action === "restore" ? request["manifest-keys"] : undefined;
  const owner = request?.["bucket-owner"];
  return commandText(
    "verify",
    archiveUrl(task),
    "--against",
    name,
    ...(name.startsWith("arn:") ? [] : ["--table-region", region]),
    ...(manifestKeys === undefined ? [] : ["--manifest-keys", manifestKeys]),
    ...(owner === undefined ? [] : ["--bucket-owner", owner]),
  );
}

function bars() {
  const live = openLiveLines(process.stdout);
  return {
    show: (progress: TaskProgress) => live.show(progressLines(progress, (process.stdout.columns ?? 80) - 1)),
    end: () => live.end(),
  };
}

/** A line when the state changes, and every few seconds. */
function lines(print: (line: string) => void) {
  let state: TaskStatus["state"] | undefined;
  let printedMs = 0;
  return {
    show(progress: TaskProgress) {
      const nowMs = performance.now();
      if (progress.task.state === state && nowMs - printedMs < LINE_EVERY_MS) return;
      state = progress.task.state;
      printedMs = nowMs;
      print(plainLine(progress));
    },
    end() {},
  };
}
