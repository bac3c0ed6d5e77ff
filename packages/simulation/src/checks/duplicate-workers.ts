/**
 * An event that is delivered twice is not processed twice: one of the messages for a slice works on it. A slice that fails releases
 * its claim: no other message continues it.
 */
import { type Outcome, tasksWithDeletedRow } from "./outcome.ts";
import { type NamedSlice, taskLabel } from "./recorder.ts";

function nameOfSlice({ task, segment, attempt, handoffs }: NamedSlice): string {
  return `slice ${handoffs} of segment ${segment} in attempt ${attempt} of ${task}`;
}

export function* duplicateWorkerViolations(outcome: Outcome): Iterable<string> {
  const { recorder } = outcome;
  const deletedTasks = tasksWithDeletedRow(outcome);
  const worker = new Map<string, string>();
  // When the claim on an attempt's first slice was released: from then on another message may have any of its slices.
  const nameOfAttempt = (one: NamedSlice) => nameOfSlice({ ...one, handoffs: 0 });
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
      yield `DUPLICATE-WORK: ${message} does a ${method} for ${slice}, on which ${first} works`;
  }
}

export function* keptClaimViolations({ recorder }: Outcome): Iterable<string> {
  const released = new Map(recorder.releases.map((one) => [nameOfSlice(one), one.atMs] as const).reverse());
  for (const { type, invocation, atMs } of recorder.emittedEvents) {
    const { task, segment, attempt, handoffs } = invocation.work;
    if (type !== "SegmentFailed" || task === undefined || segment === undefined) continue;
    if (attempt === undefined || handoffs === undefined) continue;
    const slice = nameOfSlice({ task: taskLabel(task), segment, attempt, handoffs });
    if (!((released.get(slice) ?? Number.POSITIVE_INFINITY) <= atMs))
      yield `CLAIM-KEPT: ${invocation.name} reports that ${slice} failed, and did not release its claim`;
  }
}
