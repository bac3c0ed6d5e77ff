/**
 * An event as lines: one for a log or a wide terminal, more where one would be broken in the middle of a word.
 */
import { summarize } from "@ferry/client/events/event-summary";
import type { BusEvent } from "@ferry/core/events/events";

/** As wide as the longest type. */
const TYPE_WIDTH = "TaskCancelRequested".length;
/** A narrower terminal gets no date, and task ids without their digest, which `ferry status` takes too. */
const FULL_WIDTH_MIN = 120;
const GAP = "  ";

/** The lines, each of at most `width` characters unless a word is longer; without a width there is one. `styled` colours the type. */
export function eventLines(
  event: BusEvent,
  width: number | undefined,
  styled: (type: string) => string = (type) => type,
): string[] {
  const { task, text } = summarize(event);
  const isFull = width === undefined || width >= FULL_WIDTH_MIN;
  const time = event.time.slice(isFull ? 0 : 11, 19).replace("T", " ");
  const id = isFull ? task : task.replace(/(@\d{13})-[0-9a-f]{16}$/, "$1");
  const type = event["detail-type"].padEnd(TYPE_WIDTH);
  const start = `${time}${GAP}${styled(type)}`;
  const startWidth = time.length + GAP.length + type.length;
  if (width === undefined || startWidth + GAP.length + id.length + GAP.length + text.length <= width)
    return [[start, id, text].join(GAP).trimEnd()];
  const indent = " ".repeat(time.length + GAP.length);
  const fits = startWidth + GAP.length + id.length <= width;
  const rest = wrapped(fits ? text : `${id} ${text}`, width - indent.length);
  return [(fits ? `${start}${GAP}${id}` : start).trimEnd(), ...rest.map((line) => `${indent}${line}`)];
}

/** The words in lines of at most `width` characters. A longer word has a line of its own. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ").filter(Boolean)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
