/**
 * What became of the backed-up table's settings in a table that a restore created. Rows and events have it as `settings`.
 */
import * as v from "valibot";
import { described, readonlyObject } from "./schema-parts.ts";

/** The tag with the owner of a table that a restore creates. The restore removes it at its end. */
export const OWNER_TAG = "ferry:restore";

const restoredSettings = [
  "indexes",
  "vector-indexes",
  "billing-mode",
  "table-class",
  "encryption",
  "replicas",
  "auto-scaling",
  "warm-throughput",
  "kinesis-streaming",
  "contributor-insights",
  "stream",
  "time-to-live",
  "point-in-time-recovery",
  "deletion-protection",
  "tags",
  "resource-policy",
] as const;
export type RestoredSetting = (typeof restoredSettings)[number];

const reportSchema = readonlyObject({
  outcome: v.picklist(["reapplied", "off", "left-out", "not-captured", "refused"]),
  reason: v.exactOptional(v.string()),
});
export type SettingReport = v.InferOutput<typeof reportSchema>;

/** The report of each setting, by its name. */
export const settingReportsSchema = described(
  v.pipe(v.record(v.string(), reportSchema), v.readonly()),
  "Only of a restore that created its table: what became of each setting of the backed-up table. `reapplied`: the table has it. `off`: the backed-up table did not have it. `left-out`: the request does not want it. `not-captured`: the archive does not have it. `refused`: the table does not have it, for the `reason`.",
);
export type SettingReports = v.InferOutput<typeof settingReportsSchema>;
