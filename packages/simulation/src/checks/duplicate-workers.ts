/**
 * An event that is delivered twice is not processed twice: one of the messages for a slice works on it.
 */
import { type Outcome, tasksWithDeletedRow } from "./outcome.ts";
import type { Recorder } from "./recorder.ts";

export function duplicateWorkerViolations(outcome: Outcome): string[] {
  const { recorder } = outcome;
  const deletedTasks = tasksWithDeletedRow(outcome);
  const worker = new Map<string, string>();
  const found: string[] = [];
  const nameOfSlice = ({ task, segment, attempt, handoffs }: Omit<Recorder["releases"][number], "atMs">) =>
    `slice ${handoffs} of segment ${segment} in attempt ${attempt} of ${task}`;
  // When the claim on an attempt's first slice was released: from then on another message may have any of its slices.
  const nameOfAttempt = (one: Omit<Recorder["releases"][number], "atMs">) =>
    nameOfSlice({ ...one, handoffs: 0 });
  const releasedMs = new Map(
    recorder.releases.map((one) => [nameOfAttempt(one), one.atMs] as const).reverse(),
  );
  for (const { message, method, issuedMs, ...call } of recorder.calls) {
    // Its request is planned again, possibly for another table: claims of the first plan do not apply to it.
    if (deletedTasks.has(call.task)) continue;
    const slice = nameOfSlice(call);
    if (issuedMs >= (releasedMs.get(nameOfAttempt(call)) ?? Number.POSITIVE_INFINITY)) continue;
    const first = worker.get(slice) ?? message;
    worker.set(slice, first);
    if (first !== message)
      found.push(`DUPLICATE-WORK: ${message} does a ${method} for ${slice}, on which ${first} works`);
  }
  return found.slice(0, 1);
}
