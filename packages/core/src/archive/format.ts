/**
 * The format version that an archive's objects share. Format: docs/archive-format.md.
 */
import * as v from "valibot";

/** The format version in task.json, table.json and the `ferry` part of the summary. */
export const FORMAT_VERSION = 1;

/** The schema of an object's version. It is checked before the rest: another version may have other fields. */
export const formatVersionSchema = v.object({ "format-version": v.number() });
