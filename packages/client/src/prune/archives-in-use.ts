/**
 * The archives that open tasks of a stage read or write.
 */
import { taskStates } from "@ferry/core/projection/status";
import { s3Url } from "../s3-url.ts";
import type { Stage } from "../stage/stage.ts";
import { hasEnded, listTasks, readPlanOfRow } from "../task/task-rows.ts";
import type { ArchivesInUse } from "./plan-prune.ts";

/** Fields of a plan whose values are prefixes that a restore reads. */
const PREFIX_FIELDS: ReadonlySet<string> = new Set(["bucket-prefix", "prefix", "writtenFor"]);

/** The URLs of the archives that tasks which have not ended use, with a task of each. */
export async function archivesInUse(stage: Stage): Promise<ArchivesInUse> {
  const states = taskStates.filter((state) => !hasEnded({ state }));
  const used = new Map<string, string>();
  for (const task of await listTasks(stage, { states })) {
    const { bucket, prefix } = task.archive;
    const id = task.id ?? `${task.key}@${task.timestamp}`;
    const plan = await readPlanOfRow(stage, task);
    for (const one of new Set([prefix, ...prefixesIn(plan)])) used.set(s3Url({ bucket, prefix: one }), id);
  }
  return used;
}

/** The prefixes in a plan: a restore may read a manifest at one and data files at others. */
function prefixesIn(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    if (typeof inner === "string") return PREFIX_FIELDS.has(name) ? [inner.replace(/\/+$/, "")] : [];
    return prefixesIn(inner);
  });
}
