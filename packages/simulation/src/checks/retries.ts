/**
 * A retry begins one attempt, however often it is delivered; one that names the attempt that its operator saw begins the
 * next one.
 */
import type { Outcome } from "./outcome.ts";

export function retryViolations({ witness, people }: Outcome): string[] {
  const begun = new Map<string, Set<number>>();
  for (const { ran, type, detail } of witness.conclusions) {
    if (ran.type !== "TaskRetryRequested" || type !== "TaskAccepted") continue;
    begun.set(ran.event, (begun.get(ran.event) ?? new Set()).add(Number(detail["attempt"])));
  }
  const found: string[] = [];
  for (const { id, detail } of people.retries) {
    const attempts = [...(begun.get(id) ?? [])];
    const { attempt } = detail as { attempt?: number };
    if (attempts.length > 1) found.push(`RETRIED: ${id} began the attempts ${attempts.join()}`);
    if (attempt !== undefined && attempts.some((one) => one !== attempt + 1))
      found.push(`RETRIED: ${id} names attempt ${attempt} and began ${attempts.join()}`);
  }
  return found;
}
