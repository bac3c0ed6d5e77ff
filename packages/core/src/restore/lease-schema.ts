/**
 * The schema of a table's lease, as the worker table stores it.
 */
import * as v from "valibot";
import { count, list, readonlyObject, unchanged } from "../events/schema-parts.ts";
import { taskRefSchema } from "../request/task.ts";

const optional = v.exactOptional;

/** A restore that may write to a table. */
const holderSchema = readonlyObject({
  task: taskRefSchema,
  attempt: count,
  /** Whether no other restore may write at the same time. */
  exclusive: v.boolean(),
  /** The attempt's deadline, ms since 1970. */
  "deadline-ms": count,
  /** How many times the lease was taken: once for each delivery of the request and each retry. */
  takes: count,
  /** The id of the table for which the request was planned, if it has one. */
  "table-id": optional(v.string()),
  /** The prefixes of the incremental exports that the request's plan found, if it searched for them. */
  increments: optional(list(v.string())),
  /** The setting `maximumSegments` with which the request was planned. Leases of version 0.2.0 do not have it. */
  "maximum-segments": optional(count),
});
export type LeaseHolder = v.InferOutput<typeof holderSchema>;

/** The time range of the export that was last restored into a table. */
const windowSchema = readonlyObject({
  /** ISO 8601; absent for a full export or a backup. */
  from: optional(v.string()),
  /** ISO 8601: the time of the items' state. */
  to: v.string(),
  /** The restore's task id. */
  task: v.string(),
  /** The table's id, if it has one. The window does not apply to a table that was created again. */
  "table-id": optional(v.string()),
  /** Whether that restore succeeded. */
  complete: v.boolean(),
});
export type AppliedWindow = v.InferOutput<typeof windowSchema>;

const leaseSchema = readonlyObject({ holders: list(holderSchema), window: optional(windowSchema) });

/** The lease of a table: which restores may write to it, and the last restored window. */
export type TableLease = v.InferOutput<typeof leaseSchema>;

/** Checks a stored lease and returns it unchanged: the next writer compares its text. */
export const storedLeaseSchema = unchanged(leaseSchema);
