/**
 * Keeps the contents of a restore's table when its task first reports that it is finished.
 */
import type { BusEvent } from "@ferry/core/events/events";
import type { TaskRow } from "@ferry/core/projection/status";
import type { StatusTables } from "@ferry/memory/status-store";
import type { MemoryTables } from "@ferry/memory/tables";
import type { Recorder } from "../checks/recorder.ts";
import { taskName } from "../checks/recount.ts";
import { destinations } from "../scenario/fixtures.ts";
import type { Items } from "../scenario/items.ts";

/** The items of a table at `atMs`, texts by name. The step before it began at `fromMs`. */
export interface Snapshot {
  readonly items: ReadonlyMap<string, string>;
  readonly fromMs: number;
  readonly atMs: number;
}

/** Adds the snapshot to `finished`, by `taskName`, if the event is a restore's first `TaskFinished`. */
export function takeSnapshot(
  { "detail-type": type, detail }: BusEvent,
  finished: Map<string, Snapshot>,
  around: {
    readonly status: StatusTables;
    readonly tables: MemoryTables;
    readonly items: Items;
    readonly recorder: Recorder;
    readonly nowMs: number;
  },
): void {
  const { task } = detail as { task?: TaskRow };
  if (type !== "TaskFinished" || task?.action !== "restore" || finished.has(taskName(task))) return;
  const { status, tables, items, recorder, nowMs } = around;
  const row = status.rows().find((one) => taskName(one) === taskName(task));
  const table = destinations.find(({ name }) => name === row?.request["table-name"]);
  if (table === undefined) return;
  const invocations = [...recorder.invocations.values()].filter(
    ({ work }) => work.task?.id === (task as { id?: string }).id,
  );
  finished.set(taskName(task), {
    items: items.byName(tables.texts(table)),
    fromMs: invocations.at(-1)?.beganMs ?? nowMs,
    atMs: nowMs,
  });
}
