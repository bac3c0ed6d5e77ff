/**
 * Mutants in the code that restores a series of exports.
 */
import { core, type Mutants } from "./edit.ts";

export const seriesMutants: Mutants = {
  "increment-applied-early": {
    seed: 98,
    breaks:
      "Each segment that completes queues the next window, though others of its window are not complete.",
    edits: [
      core(
        "restore/end-segment.ts",
        "if (!(await ports.claims.arrive({ ...work, attempt }, window))) return [done];",
        "await ports.claims.arrive({ ...work, attempt }, window);",
      ),
    ],
  },
  "delete-dropped": {
    seed: 409,
    breaks: "The deletes of an incremental export are not written.",
    edits: [
      core(
        "restore/table-writer.ts",
        "ports.tables.write(table, writes)",
        '(writes.filter((write) => "put" in write).length > 0 ? ports.tables.write(table, writes.filter((write) => "put" in write)) : { unprocessed: [], units: 0 })',
      ),
    ],
  },
  "next-window-in-old-attempt": {
    seed: 788,
    breaks: "A late worker of an earlier attempt queues the next window in that attempt.",
    edits: [
      core(
        "restore/end-segment.ts",
        "await ports.registry.raiseAttempt(work.task, work.attempt);",
        "work.attempt;",
      ),
    ],
  },
};
