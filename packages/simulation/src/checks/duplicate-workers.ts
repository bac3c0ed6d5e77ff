/**
 * An event that is delivered twice is not done twice: of the messages that ask for a slice, one gets to work.
 */
import { forgottenTasks, type Outcome } from "./outcome.ts";
import type { Recorder } from "./recorder.ts";

export function duplicateWorkerViolations(outcome: Outcome): string[] {
  const { recorder } = outcome;
  const forgotten = forgottenTasks(outcome);
  const worker = new Map<string, string>();
  const found: string[] = [];
  const nameOfSlice = ({ task, segment, attempt, handoffs }: Omit<Recorder["releases"][number], "atMs">) =>
    `slice ${handoffs} of segment ${segment} in attempt ${attempt} of ${task}`;
  // When the first slice of an attempt was given up: from then on another message may have any of them.
  const nameOfAttempt = (one: Omit<Recorder["releases"][number], "atMs">) =>
    nameOfSlice({ ...one, handoffs: 0 });
  const releasedMs = new Map(
    recorder.releases.map((one) => [nameOfAttempt(one), one.atMs] as const).reverse(),
  );
  for (const { message, method, issuedMs, ...call } of recorder.calls) {
    // Its request is planned again, for the table that is there then: claims on the first plan's do not hold for it.
    if (forgotten.has(call.task)) continue;
    const slice = nameOfSlice(call);
    if (issuedMs >= (releasedMs.get(nameOfAttempt(call)) ?? Number.POSITIVE_INFINITY)) continue;
    const first = worker.get(slice) ?? message;
    worker.set(slice, first);
    if (first !== message)
      found.push(`FORKED: ${message} does a ${method} for ${slice}, which is ${first}'s`);
  }
  return found.slice(0, 1);
}
