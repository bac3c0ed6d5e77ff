/**
 * Mutants in the code that identifies, claims, retries and rejects tasks.
 */
import { core, type Mutants } from "./edit.ts";

export const taskMutants: Mutants = {
  "spacing-takes-the-whole-slice": {
    seed: 45582,
    breaks: "A restore's slice may wait for the batch spacing until it has no time left to write.",
    edits: [core("restore/slice.ts", "invocationLeftMs(ports) / 2", "invocationLeftMs(ports)")],
  },
  "lost-announcement-not-repeated": {
    seed: 180,
    breaks: "The monitor announces no task again: a task whose TaskFinishing was lost waits for ever.",
    edits: [core("projection/announce-again.ts", "!awaitsAnnouncement(read)", "awaitsAnnouncement(read)")],
  },
  "row-goes-back": {
    seed: 80,
    breaks: "A late report of less progress replaces a segment's further checkpoint in the row.",
    edits: [
      core(
        "projection/project.ts",
        "if (partRank(part) <= (known === undefined ? partRank(nothing) : partRank(known)))",
        "if (partRank(part) <= partRank(nothing))",
      ),
    ],
  },
  "cancel-makes-row": {
    seed: 328,
    breaks: "A cancel of a task that does not exist is not refused, and makes a row.",
    edits: [
      core(
        "projection/projector.ts",
        "if (!isCancel || (await registry.isClaimed(fact.row))) return undefined;",
        "if (!isCancel || (await registry.isClaimed(fact.row)) || isCancel) return undefined;",
      ),
    ],
  },
  "cancel-ignores-current-attempt": {
    seed: 624,
    breaks: "A cancel that names no attempt cancels attempt 1, whatever attempt is current.",
    edits: [core("projection/projector.ts", "named, eventId, current", "named, eventId, 1")],
  },
  "retry-begins-twice": {
    seed: 116,
    breaks: "The event of a retry is not recorded: delivered again, it begins another attempt.",
    edits: [
      core(
        "control/retry.ts",
        "return registry.recordControl(control.task, eventId, highest + 1);",
        'return eventId === "" ? registry.recordControl(control.task, eventId, highest) : highest + 1;',
      ),
    ],
  },
  "retry-undoes-cancel": {
    seed: 7,
    breaks: "A retry that names an attempt begins another one even after later attempts and cancels.",
    edits: [core("control/retry.ts", "  return control.attempt + 1;", "  return highest + 1;")],
  },
  "duplicate-key-restored": {
    seed: 146,
    breaks: "Two lines of a foreign archive with one key are written one after the other.",
    edits: [core("restore/line-check.ts", "seen.add(key, number)", "seen.add(key, number).slice(0, 0)")],
  },
  "duplicate-key-lines-not-named": {
    seed: 146,
    breaks: "The error of a rejected call does not name its lines.",
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
  "keys-not-compared": {
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
  "items-not-counted": {
    seed: 316,
    breaks: "A restore into an empty table may end with fewer items than it wrote lines.",
    edits: [core("restore/finish.ts", "if (counted.items < items) throw", "if (counted.items < 0) throw")],
  },
  "digest-of-request-id-alone": {
    seed: 188,
    breaks: "The digest of a request covers only its request-id.",
    edits: [
      core("request/task.ts", "canonicalJson([action, requestId, request])", "canonicalJson([requestId])"),
    ],
  },
  "completion-not-stored": {
    seed: 1225,
    breaks: "The completion of a segment is not stored with its claim.",
    edits: [core("worker.ts", "if (!isKnown) await claims.complete(segment, done.detail.counts);", "")],
  },
  "claims-not-released": {
    seed: 482,
    breaks: "The claim of a slice that ended is never released.",
    edits: [
      core("worker.ts", "if (events.length === 0) await claims.release(segment);", ""),
      core("worker.ts", "    await claims.release(segment);\n    return [failure(", "    return [failure("),
      core("projection/projector.ts", "if (parsed.success) await claims.release(parsed.output);", ""),
    ],
  },
  "wait-without-poll": {
    seed: 139,
    breaks: "A slice that waits for its reservation does not poll for a cancel.",
    edits: [
      core(
        "control/cancellation.ts",
        "await ports.time.sleep(Math.min(leftMs, ports.settings.cancelPollIntervalMs));",
        "await ports.time.sleep(leftMs);",
      ),
    ],
  },
  "last-error-not-read": {
    seed: 17,
    breaks: "The reason of a message whose attempts ran out has no error, although a worker recorded one.",
    edits: [
      core(
        "projection/projector.ts",
        "reported.cause === ATTEMPTS_EXHAUSTED ? await withLastError(reported, lastErrors) : reported",
        "reported",
      ),
    ],
  },
};
