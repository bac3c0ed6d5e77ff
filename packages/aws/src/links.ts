/**
 * The links of the handlers, read from `Resource` of `sst`. Outside SST the same code runs with `SST_RESOURCE_App`
 * and `SST_RESOURCE_<Name>` set to JSON. Each function reads its link when called, so a handler needs only those it uses.
 */
import type { Settings } from "@ferry/core/settings/settings";
import { settingsSchema } from "@ferry/core/settings/settings-schema";
import { Resource } from "sst";
import * as v from "valibot";

const text = v.pipe(v.string(), v.minLength(1));
const named = v.object({ name: text });
const addressed = v.object({ url: text });

export type TableLink = "BackupTable" | "RestoreTable" | "SegmentTable" | "WorkerTable";
export type QueueLink = "BackupQueue" | "RestoreQueue";

/** The bus's name. */
export function busName(): string {
  return read("Bus", named).name;
}

/** A table's physical name. */
export function tableName(link: TableLink): string {
  return read(link, named).name;
}

/** A queue's URL. */
export function queueUrl(link: QueueLink): string {
  return read(link, addressed).url;
}

/** The stage's settings. */
export function workerSettings(): Settings {
  return read("Settings", settingsSchema);
}

const monitorSchema = v.object({
  pipes: v.array(text),
  stalledAfterMs: v.number(),
  schedules: v.array(v.object({ name: text, keys: v.array(text), overdueAfterMs: v.number() })),
});

/** What the monitor watches. `pipes`: their names. `schedules`: the keys of the rows of their backups. */
export function monitorLink(): v.InferOutput<typeof monitorSchema> {
  return read("Monitor", monitorSchema);
}

function read<T>(name: string, as: v.GenericSchema<unknown, T>): T {
  // Throws if there is no such link.
  const value = (Resource as unknown as Readonly<Record<string, unknown>>)[name];
  try {
    return v.parse(as, value);
  } catch (error) {
    const reason = v.isValiError(error) ? v.summarize(error.issues) : String(error);
    throw new Error(
      `the link ${name} is invalid: ${reason}. Deploy the stage again, with one version of the repository.`,
      { cause: error },
    );
  }
}
