/**
 * A task and its segments as plain data: the stable shapes of the client and of `ferry --json`.
 */
import { unmarshall } from "@aws-sdk/util-dynamodb";
import { type Item, recordOfItem } from "@ferry/aws/status-item";
import type { SegmentRecord, TaskState } from "@ferry/core/projection/status";
import type { SettingReports } from "@ferry/core/setting-reports";
import type { Action } from "@ferry/core/task";
import { attributes } from "@ferry/core/topology";

/** A task's row. Times are ISO 8601. */
export interface TaskStatus {
  /** The task's id; absent until Ferry answered the request. */
  readonly id?: string;
  readonly requestId?: string;
  readonly action: Action;
  /** With `action` and `timestamp` the key of the row. */
  readonly key: string;
  readonly timestamp?: number;
  readonly state: TaskState;
  readonly attempt: number;
  readonly table: { readonly region: string; readonly name: string };
  readonly archive: { readonly region: string; readonly bucket: string; readonly prefix: string };
  readonly segments: { readonly total: number; readonly completed: number; readonly failed: number };
  /** What the archive or the table holds so far: items, their uncompressed bytes, data files. */
  readonly items: number;
  readonly bytes: number;
  readonly files: number;
  /** A restore: items that were not written because another item had their key. */
  readonly skippedItems?: number;
  /** A restore with `only`: of the items that it read, which `items` counts, those that it selected. */
  readonly matchedItems?: number;
  /** A restore of DynamoDB's exports: the time of the state that comes out, ISO 8601. */
  readonly moment?: string;
  /**
   * What the task is expected to move, if that is known. A backup: DynamoDB's estimate; its bytes are smaller than those of lines.
   * A restore: the manifest's totals.
   */
  readonly expected?: { readonly items: number; readonly bytes?: number };
  /** A restore that created its table: what became of each setting of the backed-up table. */
  readonly settings?: SettingReports;
  /** Why the task failed or was refused; empty otherwise. */
  readonly reasons: readonly string[];
  readonly notes: readonly string[];
  readonly acceptedTime?: string;
  readonly finishedTime?: string;
  readonly updatedTime?: string;
}

/** A segment's record. */
export interface SegmentStatus {
  readonly segment: number;
  readonly state: SegmentRecord["state"];
  readonly attempt: number;
  readonly items: number;
  readonly bytes: number;
  readonly files: number;
  readonly skippedItems?: number;
  readonly matchedItems?: number;
  /** In this attempt, as far as its slices reported it. */
  readonly handoffs?: number;
  /** Consumed capacity units. */
  readonly units?: number;
  /** Calls that the table throttled, or of which it left writes unprocessed. */
  readonly throttles?: number;
  /** How long its workers worked. */
  readonly workSeconds?: number;
  readonly reason?: string;
  readonly updatedTime: string;
}

/** The status of a row's item. */
export function statusOfItem(item: Item): TaskStatus {
  const row = unmarshall(item) as Readonly<Record<string, never>>;
  const text = (name: string) => String(row[name] ?? "");
  const optional = <K extends keyof TaskStatus>(name: K, value: TaskStatus[K] | undefined) =>
    value === undefined ? {} : { [name]: value };
  return {
    ...optional("id", row[attributes.taskId]),
    ...optional("requestId", row["request-id"]),
    action: row["action"] as unknown as Action,
    key: text("key"),
    timestamp: Number(row["timestamp"]),
    state: row[attributes.state] as unknown as TaskState,
    attempt: Number(row["attempt"]),
    table: { region: text("table-region"), name: text("table-name") },
    archive: { region: text("bucket-region"), bucket: text("bucket-name"), prefix: text("bucket-prefix") },
    segments: {
      total: Number(row["total-segments"]),
      completed: Number(row["completed-segments"]),
      failed: Number(row["failed-segments"]),
    },
    items: Number(row["transferred-items"]),
    bytes: Number(row["transferred-bytes"]),
    files: Number(row["transferred-batches"]),
    ...optional("skippedItems", row["skipped-items"]),
    ...optional("matchedItems", row["matched-items"]),
    ...optional("moment", row["moment"]),
    ...optional("expected", expectedOf(row)),
    ...optional("settings", row["settings"]),
    reasons: row["reasons"] ?? [],
    notes: row["notes"] ?? [],
    ...optional("acceptedTime", row["accepted-time"]),
    ...optional("finishedTime", row["finished-time"]),
    ...optional("updatedTime", row[attributes.updatedTime]),
  };
}

function expectedOf(row: Readonly<Record<string, number>>): TaskStatus["expected"] {
  const items = row["expected-items"];
  const bytes = row["expected-bytes"];
  return items === undefined ? undefined : { items, ...(bytes !== undefined && { bytes }) };
}

/** The status of a segment record's item. Transient error `malformed-row`, if an operator edited it. */
export function segmentOfItem(item: Item): SegmentStatus {
  const record = recordOfItem(item);
  const { segment, state, attempt, items, bytes, batches, skipped, matched, handoffs, usage, reason } =
    record;
  return {
    segment,
    state,
    attempt,
    items,
    bytes,
    files: batches,
    ...(skipped !== undefined && { skippedItems: skipped }),
    ...(matched !== undefined && { matchedItems: matched }),
    ...(handoffs !== undefined && { handoffs }),
    ...(usage !== undefined && {
      units: usage.units,
      throttles: usage.throttles,
      workSeconds: usage.ms / 1000,
    }),
    ...(reason !== undefined && { reason }),
    updatedTime: record.updatedTime,
  };
}
