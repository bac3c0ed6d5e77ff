/**
 * Which items the `only` of a restore selects, computed without the engine's filter.
 */
import type { RestorePlan } from "@ferry/core/events/events";
import type { TaskRow } from "@ferry/core/projection/status";
import type { KeyRange, KeyValue } from "@ferry/core/request/only";
import { sortable } from "@ferry/memory/order";
import type { ArchiveModel } from "../scenario/archives.ts";
import type { Outcome } from "./outcome.ts";

/** The version of an archive with the items that a restore writes; its lines are those that it reads. */
export function selectedOf(version: ArchiveModel, row: TaskRow, outcome: Outcome): ArchiveModel {
  const only = onlyOf(row);
  if (only === undefined) return version;
  const { items, scenario } = outcome;
  const { keys } = scenario.data;
  const isSelected = (name: string) => {
    const key = items.key(items.numberOf(name));
    return only.some((selection) =>
      keys.every(({ name, type }) => {
        if (!Object.hasOwn(selection, name)) return true;
        const value = sortable(type, key[name]![type]);
        const { from, to, ...exact } = selection[name] as KeyRange & KeyValue;
        const textOf = (one: KeyValue) => sortable(type, one[type]);
        if (from === undefined && to === undefined) return value === textOf(exact);
        return (from === undefined || value >= textOf(from)) && (to === undefined || value <= textOf(to));
      }),
    );
  };
  return { ...version, items: new Map([...version.items].filter(([name]) => isSelected(name))) };
}

/** The `only` of a restore; undefined for a task without it. */
export function onlyOf({ plan }: Pick<TaskRow, "plan">): RestorePlan["request"]["only"] {
  return plan !== undefined && "only" in plan.request ? plan.request.only : undefined;
}
