import type { ClientError } from "@ferry/client/client-error";
import { openEventFeed } from "@ferry/client/events/event-feed";
import { concerns, type EventType } from "@ferry/client/events/event-summary";
import { openStage } from "@ferry/client/stage/stage";
import { definedFields } from "@ferry/core/defined-fields";
import type { BusEvent } from "@ferry/core/events/events";
import { onStopSignal } from "@ferry/terminal/stop-signals";
import type { RunCommand } from "../command.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { textsOption } from "../input.ts";
import type { Output } from "../output.ts";
import { eventLines } from "./event-lines.ts";

/** The longest wait of SQS. */
const WAIT_SECONDS = 20;

/** Follows the bus until a signal, or until the reader of a pipe closes it. */
export const run: RunCommand = async ({ options: { type, task } }, { stage: options, output }) => {
  const stage = await openStage(options);
  const { signal, exitCode, release } = untilStopped();
  try {
    const types = textsOption(type) as readonly EventType[] | undefined;
    const feed = await openEventFeed(stage, definedFields({ types, signal }));
    try {
      for (const name of feed.removed)
        output.note(`Removed the rule and the queue ${name}, which a killed process had left.`);
      output.note(`Following ${stage.bus} in ${stage.region}. Times are in UTC. Ctrl-C ends it.`);
      if (!feed.isConfirmed)
        output.note(
          "The first events may be missing: a new rule works only after some time, and its test event did not arrive, or you may not put it.",
        );
      while (!signal.aborted)
        for (const { event } of await feed.receive(WAIT_SECONDS, signal))
          if (typeof task !== "string" || concerns(event, task)) show(event, output);
    } finally {
      await feed.close();
    }
  } catch (error) {
    // The rest of a call that was stopped.
    if (!signal.aborted || (error as ClientError).code === "feed-not-removed") throw error;
  } finally {
    release();
  }
  return exitCode();
};

function show(event: BusEvent, output: Output): void {
  output.value(event);
  for (const line of eventLines(event, output.width, (type) => styledType(type, output))) output.line(line);
}

function styledType(padded: string, output: Output): string {
  const type = padded.trimEnd();
  if (/Failed$|Rejected$|Refused$/.test(type)) return output.styled("red", padded);
  if (type === "TaskSucceeded") return output.styled("green", padded);
  return type === "TaskCancelled" ? output.styled("yellow", padded) : padded;
}

/** Stops at a signal or a closed pipe, after which the rule and the queue must be removed before the process ends. */
function untilStopped() {
  const stop = new AbortController();
  let code: ExitCode = exitCodes.interrupted;
  const release = onStopSignal(() => stop.abort());
  // In place of command-line.ts, which ends the process at once.
  process.stdout.removeAllListeners("error");
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    code = error.code === "EPIPE" ? exitCodes.done : exitCodes.failed;
    stop.abort();
  });
  return { signal: stop.signal, exitCode: () => code, release };
}
