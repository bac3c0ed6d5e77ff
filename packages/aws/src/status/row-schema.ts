/**
 * The schemas of a task's row and of a segment's record as DynamoDB items, after `unmarshall`. The projector writes them, but
 * operators can edit them.
 */
import type { Plan } from "@ferry/core/events/events";
import { unchanged } from "@ferry/core/events/schema-parts";
import { settingReportsSchema } from "@ferry/core/events/setting-reports";
import { taskStates } from "@ferry/core/projection/status";
import { taskRefSchema } from "@ferry/core/request/task";
import { attributes } from "@ferry/core/topology";
import * as v from "valibot";

const text = v.string();
const number = v.number();
const optional = v.exactOptional;
const numberBySegment = v.record(text, number);
const action = v.picklist(["backup", "restore"]);

/** The fields that every later step uses. Requests were checked before their plans were made. */
const plan = v.pipe(
  text,
  v.parseJson(),
  unchanged(
    v.object({
      request: v.looseObject({ action }),
      task: taskRefSchema,
      "total-segments": number,
      table: v.looseObject({ arn: text, keys: v.array(text) }),
    }),
  ),
  v.transform((checked) => checked as unknown as Plan),
);

/** An object of any names: a record schema would drop names such as `constructor`. */
const scalars = v.custom<Readonly<Record<string, string | number | boolean>>>(
  (value) =>
    typeof value === "object" &&
    value !== null &&
    Object.values(value).every((one) => ["string", "number", "boolean"].includes(typeof one)),
  "must be an object of strings, numbers and booleans",
);

/** As `shortPartOf` in status-item.ts writes it. */
const checkpoint = v.pipe(v.array(number), v.minLength(3), v.maxLength(7));

export const rowSchema = v.object({
  action,
  key: text,
  timestamp: number,
  [attributes.taskId]: optional(text),
  "request-id": optional(text),
  rev: number,
  [attributes.reannounce]: optional(v.boolean()),
  "request-fields": v.array(text),
  "request-rest": optional(v.pipe(text, v.parseJson(), scalars)),
  plan: v.nullable(plan),
  accepted: v.boolean(),
  rejected: v.boolean(),
  finished: v.boolean(),
  settings: optional(settingReportsSchema),
  attempt: number,
  "cancelled-attempt": number,
  "failed-step-attempt": number,
  "total-segments": number,
  completed: optional(v.set(number)),
  failed: numberBySegment,
  attempts: numberBySegment,
  "segment-checkpoints": v.record(text, checkpoint),
  "transferred-batches": number,
  "transferred-items": number,
  "transferred-bytes": number,
  "skipped-items": optional(number),
  "matched-items": optional(number),
  causes: v.array(v.object({ attempt: number, segment: optional(number), cause: text, text })),
  "accepted-time": optional(text),
  "finished-time": optional(text),
  [attributes.updatedTime]: text,
});

export const recordSchema = v.object({
  handoffs: optional(number),
  usage: optional(v.object({ units: number, throttles: number, ms: number })),
  task: text,
  segment: number,
  state: v.picklist(["queued", "running", "completed", "failed"]),
  attempt: number,
  batches: number,
  items: number,
  bytes: number,
  skipped: optional(number),
  matched: optional(number),
  reason: optional(text),
  [attributes.updatedTime]: text,
});

/** The attributes that the client shows. A rejected request may have fields of any type, or lack them. */
export const shownSchema = v.object({
  [attributes.taskId]: optional(text),
  "request-id": optional(text),
  action,
  key: text,
  timestamp: number,
  [attributes.state]: v.picklist(taskStates),
  attempt: number,
  "table-region": optional(v.unknown()),
  "table-name": optional(v.unknown()),
  "bucket-region": optional(v.unknown()),
  "bucket-name": optional(v.unknown()),
  "bucket-prefix": optional(v.unknown()),
  "total-segments": number,
  "completed-segments": number,
  "failed-segments": number,
  "transferred-items": number,
  "transferred-bytes": number,
  "transferred-batches": number,
  "skipped-items": optional(number),
  "matched-items": optional(number),
  "expected-items": optional(number),
  "expected-bytes": optional(number),
  moment: optional(text),
  settings: optional(settingReportsSchema),
  reasons: v.array(text),
  notes: optional(v.array(text)),
  "accepted-time": optional(text),
  "finished-time": optional(text),
  [attributes.updatedTime]: text,
});
