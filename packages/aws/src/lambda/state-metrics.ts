/**
 * Counts tasks' changes of state at the writes of their rows.
 */
import type { StatusStore } from "@ferry/core/ports";
import { stateOf, type TaskRow, type TaskState } from "@ferry/core/projection/status";

const METRICS: Partial<Record<TaskState, string>> = {
  rejected: "RequestsRejected",
  succeeded: "TasksFinished",
  failed: "TasksFailed",
  cancelled: "TasksCancelled",
};

export interface StateMetrics {
  readonly counts: Record<string, number>;
  readonly store: StatusStore;
}

/**
 * Wraps a store and counts the changes of its rows: `TasksAccepted`, and the states that rows come to. Each is counted
 * once, because only one write of a revision succeeds.
 */
export function countStateChanges(store: StatusStore): StateMetrics {
  const counts: Record<string, number> = {};
  const known = new Map<string, TaskRow | undefined>();
  const add = (name: string | undefined) => {
    if (name !== undefined) counts[name] = (counts[name] ?? 0) + 1;
  };
  return {
    counts,
    store: {
      async read(task) {
        const row = await store.read(task);
        known.set(nameOf(task), row);
        return row;
      },
      async write(row, readRevision) {
        const written = await store.write(row, readRevision);
        const before = known.get(nameOf(row));
        if (!written) return false;
        if (row.accepted && before?.accepted !== true) add("TasksAccepted");
        const state = stateOf(row);
        if (before === undefined || stateOf(before) !== state) add(METRICS[state]);
        known.set(nameOf(row), row);
        return true;
      },
      raise: (record) => store.raise(record),
    },
  };
}

function nameOf(task: Parameters<StatusStore["read"]>[0]): string {
  return `${task.action} ${task.key}@${task.timestamp}`;
}
