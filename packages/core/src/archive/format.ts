/**
 * What all objects of the archive format share. Format: docs/archive-format.md.
 */
import * as v from "valibot";

/** The version that task.json, table.json and the `ferry` part of the summary carry. */
export const FORMAT_VERSION = 1;

/** The schema of an object's version. It is read before the rest: another version may lack everything else. */
export const formatVersionSchema = v.object({ "format-version": v.number() });
