/**
 * A task and its segments as plain data: the stable shapes of the client and of `ferry --json`.
 */
import { type Item, recordOfItem, shownOfItem } from "@ferry/aws/status/status-item";
import { definedFields } from "@ferry/core/defined-fields";
import type { SettingReports } from "@ferry/core/events/setting-reports";
import type { SegmentRecord, TaskState } from "@ferry/core/projection/status";
import type { Action } from "@ferry/core/request/task";
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

/** The status of a row's item. Transient error `malformed-row`, if an operator edited it. */
export function statusOfItem(item: Item): TaskStatus {
  const row = shownOfItem(item);
  const field = (name: `${"table" | "bucket"}-${"region" | "name"}` | "bucket-prefix") =>
    String(row[name] ?? "");
  const { "expected-items": items, "expected-bytes": bytes } = row;
  return definedFields({
    id: row[attributes.taskId],
    requestId: row["request-id"],
    action: row.action,
    key: row.key,
    timestamp: row.timestamp,
    state: row[attributes.state],
    attempt: row.attempt,
    table: { region: field("table-region"), name: field("table-name") },
    archive: {
      region: field("bucket-region"),
      bucket: field("bucket-name"),
      prefix: field("bucket-prefix"),
    },
    segments: {
      total: row["total-segments"],
      completed: row["completed-segments"],
      failed: row["failed-segments"],
    },
    items: row["transferred-items"],
    bytes: row["transferred-bytes"],
    files: row["transferred-batches"],
    skippedItems: row["skipped-items"],
    matchedItems: row["matched-items"],
    moment: row.moment,
    expected: items === undefined ? undefined : definedFields({ items, bytes }),
    settings: row.settings,
    reasons: row.reasons,
    notes: row.notes ?? [],
    acceptedTime: row["accepted-time"],
    finishedTime: row["finished-time"],
    updatedTime: row[attributes.updatedTime],
  });
}

/** The status of a segment record's item. Transient error `malformed-row`, if an operator edited it. */
export function segmentOfItem(item: Item): SegmentStatus {
  const { usage, ...record } = recordOfItem(item);
  return definedFields({
    segment: record.segment,
    state: record.state,
    attempt: record.attempt,
    items: record.items,
    bytes: record.bytes,
    files: record.batches,
    skippedItems: record.skipped,
    matchedItems: record.matched,
    handoffs: record.handoffs,
    units: usage?.units,
    throttles: usage?.throttles,
    workSeconds: usage && usage.ms / 1000,
    reason: record.reason,
    updatedTime: record.updatedTime,
  });
}
