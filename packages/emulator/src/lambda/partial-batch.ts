/**
 * Reads a handler's partial batch response (ReportBatchItemFailures).
 */

/**
 * Returns the ids of the messages to retry. As in Lambda, undefined, null or an empty list is success of all; a response
 * of another shape, or an id that is not in the batch, is failure of all.
 */
export function failedMessages(response: unknown, batch: readonly string[]): readonly string[] {
  if (response === undefined || response === null) return [];
  if (typeof response !== "object" || Array.isArray(response)) return batch;
  const failures = (response as { batchItemFailures?: unknown }).batchItemFailures;
  if (failures === undefined || failures === null) return [];
  if (!Array.isArray(failures)) return batch;
  const failed = new Set(
    failures.map((failure: { itemIdentifier?: unknown } | null) => failure?.itemIdentifier),
  );
  for (const id of failed) if (typeof id !== "string" || !batch.includes(id)) return batch;
  return batch.filter((id) => failed.has(id));
}
