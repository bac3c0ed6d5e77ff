import type { RowSearch } from "@ferry/core/ports";
import { stateOf, type TaskRow } from "@ferry/core/projection/status";

/** A search of the rows that `rows` returns. */
export function memoryRowSearch(rows: () => readonly TaskRow[]): RowSearch {
  const near = () =>
    rows()
      .map((row) => ({ action: row.action, key: row.key, timestamp: row.timestamp, state: stateOf(row) }))
      .toSorted((a, b) => b.timestamp - a.timestamp);
  return {
    async ofKey(key, timestamp, limit) {
      const same = Map.groupBy(
        near().filter((row) => row.key === key),
        ({ action }) => action,
      );
      return [...same.values()].flatMap((ofTable) => {
        const after = ofTable.findLastIndex((row) => row.timestamp > timestamp) + 1;
        return ofTable.slice(Math.max(0, after - limit), after + limit);
      });
    },
    async inState(state, limit) {
      const same = Map.groupBy(
        near().filter((row) => row.state === state),
        ({ action }) => action,
      );
      return [...same.values()].flatMap((ofTable) => ofTable.slice(0, limit));
    },
  };
}
