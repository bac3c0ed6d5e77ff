/**
 * An event that is delivered twice is not done twice: of the messages that ask for a slice, one gets to work.
 */
import type { Outcome } from "./outcome.ts";

export function forkViolations({ witness }: Outcome): string[] {
  const worker = new Map<string, string>();
  const found: string[] = [];
  for (const { task, segment, attempt, hop, message, method } of witness.calls) {
    const slice = `slice ${hop} of segment ${segment} in attempt ${attempt} of ${task}`;
    const first = worker.get(slice) ?? message;
    worker.set(slice, first);
    if (first !== message)
      found.push(`FORKED: ${message} does a ${method} for ${slice}, which is ${first}'s`);
  }
  return found.slice(0, 1);
}
