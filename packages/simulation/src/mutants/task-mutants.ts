/**
 * Mutants of what names, claims, retries and refuses a task.
 */
import { core, type Mutant } from "./edit.ts";

export const taskMutants: readonly Mutant[] = [
  {
    name: "hole-retry-begins-twice",
    seed: 11,
    breaks: "The event of a retry is not recorded: delivered again, it begins another attempt.",
    edits: [
      core(
        "retry.ts",
        "return registry.recordRetry(row.plan!.task, eventId, highest + 1);",
        'return eventId === "" ? registry.recordRetry(row.plan!.task, eventId, highest) : highest + 1;',
      ),
    ],
  },
  {
    name: "hole-retry-undoes-cancel",
    seed: 1,
    breaks: "A retry that names an attempt begins the next one, whatever came since: also after a cancel.",
    edits: [core("retry.ts", "  return control.attempt + 1;", "  return highest + 1;")],
  },
  {
    name: "hole-duplicate-key-restored",
    seed: 6,
    breaks: "Two lines of a foreign archive with one key are written one after the other.",
    edits: [
      core(
        "restore/line-check.ts",
        "for (const earlier of seen.add(key, number)) await",
        "for (const earlier of seen.add(key, number).slice(0, 0)) await",
      ),
    ],
  },
  {
    name: "hole-duplicate-key-unnamed",
    seed: 320,
    breaks: "A call that the table refuses does not tell the lines that it was made of.",
    edits: [
      core(
        "restore/line-check.ts",
        "for (const earlier of seen.add(key, number)) await",
        "for (const earlier of seen.add(key, number).slice(0, 0)) await",
      ),
      core(
        "restore/line-check.ts",
        'if (!(error instanceof FerryError) || error.code !== "invalid-request") return error;',
        "if (error !== undefined) return error;",
      ),
    ],
  },
  {
    name: "hole-keys-not-compared",
    seed: 376,
    breaks: "A plan does not compare the archive's keys with the table's.",
    edits: [
      core(
        "restore/plan.ts",
        "if (found === undefined || describeKeys(found) === describeKeys(tableKeys)) return;",
        "if (found === undefined || describeKeys(found) !== undefined) return;",
      ),
    ],
  },
  {
    name: "hole-items-not-counted",
    seed: 115,
    breaks: "A restore into an empty table may leave fewer items there than it wrote lines.",
    edits: [core("restore/finish.ts", "if (counted.items < items) throw", "if (counted.items < 0) throw")],
  },
  {
    name: "digest-of-request-id-alone",
    seed: 12,
    breaks: "The digest of a request covers its request-id alone.",
    edits: [core("task.ts", "canonicalJson([action, requestId, request])", "canonicalJson([requestId])")],
  },
  {
    name: "completion-not-noted",
    seed: 136,
    breaks: "That a segment is complete is not noted beside its claim.",
    edits: [
      core("worker.ts", "if (done !== undefined) await claims.complete(segment, done.detail.counts);", ""),
    ],
  },
  {
    name: "claims-kept",
    seed: 94,
    breaks: "The claim of a slice that ended is never given up.",
    edits: [
      core("worker.ts", "if (events.length === 0) await claims.release(segment);", ""),
      core("worker.ts", "    await claims.release(segment);\n    return [failure(", "    return [failure("),
      core(
        "projection/projector.ts",
        "if (cause === ATTEMPTS_EXHAUSTED && parsed.success) await claims.release(parsed.output);",
        "if (cause === ATTEMPTS_EXHAUSTED && parsed.success) return event;",
      ),
    ],
  },
  {
    name: "wait-not-cut",
    seed: 139,
    breaks: "A slice that waits for its turn does not look meanwhile whether it was cancelled.",
    edits: [
      core(
        "cancellation.ts",
        "await ports.time.sleep(Math.min(leftMs, ports.settings.cancelPollIntervalMs));",
        "await ports.time.sleep(leftMs);",
      ),
    ],
  },
];
