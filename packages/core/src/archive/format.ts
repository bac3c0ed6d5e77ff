/**
 * The format version that an archive's objects share. Format: docs/archive-format.md.
 */
import * as v from "valibot";
import type { BucketAddress } from "../request/addresses.ts";
import { brokenArchive, readable, unknownFormat } from "./errors.ts";

/** The format version in task.json, table.json and the `ferry` part of the summary. */
export const FORMAT_VERSION = 1;

/** The schema of an object's version. It is checked before the rest: another version may have other fields. */
export const formatVersionSchema = v.object({ "format-version": v.number() });

/** Decodes task.json or table.json. Permanent errors: `broken-archive`, `unknown-format`. */
export function decodeVersioned<S extends v.GenericSchema>(
  schema: S,
  bucket: BucketAddress,
  key: string,
  bytes: Uint8Array,
): v.InferOutput<S> {
  const broken = (message: string) => brokenArchive(bucket, key, message);
  const json = readable<unknown>(() => JSON.parse(new TextDecoder().decode(bytes)), broken);
  const version = readable(() => v.parse(formatVersionSchema, json)["format-version"], broken);
  if (version !== FORMAT_VERSION)
    throw unknownFormat(
      bucket,
      key,
      `has format-version ${version}; this version of Ferry supports ${FORMAT_VERSION}`,
    );
  return readable(() => v.parse(schema, json), broken);
}
