/**
 * task.json, as a reader takes it: which request made the archive, and of a table with which keys.
 */
import * as v from "valibot";
import type { BucketAddress } from "../ports.ts";
import { FORMAT_VERSION, formatVersionSchema } from "./format.ts";
import { brokenArchive, readable, unknownFormat } from "./refusals.ts";

const taskFileSchema = v.object({
  task: v.object({ "request-id": v.string() }),
  table: v.object({ keys: v.array(v.string()) }),
});

/** The parts of task.json that a restore compares with the rest of the archive. */
export interface TaskFile {
  readonly requestId: string;
  /** The names of the table's key attributes: hash first, then range. */
  readonly keyNames: readonly string[];
}

/** Reads task.json. Permanent errors: `broken-archive`, `unknown-format`. */
export function decodeTaskFile(bucket: BucketAddress, key: string, bytes: Uint8Array): TaskFile {
  const broken = (message: string) => brokenArchive(bucket, key, message);
  const json = readable<unknown>(() => JSON.parse(new TextDecoder().decode(bytes)), broken);
  const version = readable(() => v.parse(formatVersionSchema, json)["format-version"], broken);
  if (version !== FORMAT_VERSION)
    throw unknownFormat(bucket, key, `has format-version ${version} where ${FORMAT_VERSION} is known`);
  const { task, table } = readable(() => v.parse(taskFileSchema, json), broken);
  return { requestId: task["request-id"], keyNames: table.keys };
}
