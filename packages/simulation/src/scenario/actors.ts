/**
 * What callers, operators and applications do rarely, beyond operations.ts: control.ts says how often.
 */
import type { BusEvent } from "@ferry/core/events/events";
import { isEnded, stateOf, type TaskRow } from "@ferry/core/projection/status";
import type { MemoryArchiveStore } from "@ferry/memory/archive-store";
import type { StatusTables } from "@ferry/memory/status-store";
import type { MemoryTables } from "@ferry/memory/tables";
import { backupRequest, bucket, restoreRequest } from "@ferry/memory/testing/tasks";
import { taskName } from "../checks/recount.ts";
import type { SimulatedBus } from "../cloud/bus.ts";
import type { Rng, Scheduler } from "../cloud/scheduler.ts";
import type { FaultPhase } from "./fault-phase.ts";
import { destinations, tableSpec } from "./fixtures.ts";
import type { ItemHistory } from "./history.ts";
import type { Items } from "./items.ts";
import { OTHER_PREFIX, type OtherArchive } from "./other-archive.ts";
import type { Scenario } from "./scenario.ts";
import { type Fields, requestIn } from "./shapes.ts";

/** The parts of a run that operations and actors change. */
export interface RunContext {
  readonly scheduler: Scheduler;
  readonly rng: Rng;
  readonly faultPhase: FaultPhase;
  readonly items: Items;
  readonly bus: SimulatedBus;
  readonly tables: MemoryTables;
  readonly archive: MemoryArchiveStore;
  readonly otherArchive: OtherArchive;
  readonly status: StatusTables;
  readonly log: (line: () => string) => void;
}

/** What the actors need of a run. */
export interface ActorContext extends RunContext {
  readonly history: ItemHistory;
  /** Puts a request on the bus. */
  readonly putRequest: (request: Fields, id: string | undefined) => BusEvent;
  readonly putControl: PutControl;
  /** Does something to a random one of the rows that match, if there is one. */
  readonly toSomeRow: (isMatch: (row: TaskRow) => boolean, act: (row: TaskRow) => void) => void;
  /** Puts a retry on the bus. */
  readonly putRetry: (row: TaskRow) => BusEvent;
  /** The application writes to a restored table. */
  readonly useTable: (table: string) => void;
  readonly requests: readonly BusEvent[];
  /** See `Operations.disturbed`. */
  readonly disturbed: Set<string>;
}

/** Puts an operator's cancel or retry of a task on the bus; `attempt`: the one that it names. */
export type PutControl = (
  type: "TaskCancelRequested" | "TaskRetryRequested",
  task: Pick<TaskRow, "action" | "key" | "timestamp">,
  attempt?: number,
) => BusEvent;

const LAG_MS_MIN = 60_000;
const LAG_MS_MAX = 15 * 60_000;
/** Soon after the start of the restore. */
const REPLACEMENT_MS_MAX = 5000;
const REDELIVERY_MS_MAX = 10 * 60_000;
/** The prefix of each malformed request. */
export const MALFORMED_PREFIX = "backups/malformed-";
/** More attempts than a task ever has. */
const UNKNOWN_ATTEMPT_OFFSET = 1000;
/** No key of a run ends with it. */
const UNKNOWN_KEY_END = "-mistyped";
/** A year: no run lasts so long. */
const UNKNOWN_TASK_OFFSET_MS = 365 * 24 * 3_600_000;

export function createActors(scenario: Scenario, context: ActorContext) {
  const { scheduler, rng, faultPhase, bus, tables, archive, otherArchive, status, log, disturbed } = context;
  const { actions, copies } = scenario.control;
  const left = { ...actions };
  /** Rows that an operator deleted, by `taskName`. */
  const deletedRows = new Set<string>();
  /** When which table was deleted and created again. */
  const recreations: { readonly table: string; readonly atMs: number }[] = [];
  /** The retries that were put after the fault phase while the projector lagged, by the task's `taskName`. */
  const retriedDuringLag = new Map<string, BusEvent>();
  /** Tasks that do not exist, which a cancel named, by `taskName`. */
  const unknownTasks = new Set<string>();
  /** Retries whose attempt is cancelled once the row shows it, by task. */
  const retriesToCancel = new Map<string, { event: BusEvent; attempt: number }>();
  let pausedUntilMs = 0;

  /** A request-id can be used again for a request that differs in any field. */
  const isRequestOf = (event: BusEvent, row: TaskRow) => {
    const { request, id } = requestIn(event);
    const fields = new Map(Object.entries(request));
    const isSame = [...fields.keys(), "restore-mode"].every((name) => fields.get(name) === row.request[name]);
    return id === row["request-id"] && isSame;
  };
  const isRetryable = (row: TaskRow) =>
    row.accepted && !["succeeded", "rejected", "finishing"].includes(stateOf(row));
  function later(msMax: number, act: () => void): void {
    scheduler.after(rng.magnitude(10, msMax), act);
  }
  /** Does something so many times, each to a random one of the rows that match, if there is one. */
  function schedule(times: number, isMatch: (row: TaskRow) => boolean, act: (row: TaskRow) => void): void {
    faultPhase.schedule(times, () => context.toSomeRow(isMatch, act));
  }
  function pauseProjector(): void {
    const ms = rng.between(LAG_MS_MIN, LAG_MS_MAX);
    log(() => `the projector is paused for ${Math.round(ms / 1000)} s`);
    pausedUntilMs = Math.max(pausedUntilMs, scheduler.now() + ms);
  }
  const cancel = (row: TaskRow) => context.putControl("TaskCancelRequested", row, row.attempt);

  /** An operator mistypes the attempt to cancel, or the time or the key of the task. The task is also retried under that name. */
  function cancelUnknown(row: TaskRow): void {
    if (rng.happens(0.5)) cancel({ ...row, attempt: row.attempt + UNKNOWN_ATTEMPT_OFFSET });
    else {
      const mistyped = rng.happens(0.5)
        ? { key: `${row.key}${UNKNOWN_KEY_END}` }
        : { timestamp: row.timestamp + UNKNOWN_TASK_OFFSET_MS };
      const unknown = { ...row, ...mistyped };
      unknownTasks.add(taskName(unknown));
      cancel(unknown);
      context.putControl("TaskRetryRequested", unknown);
    }
  }

  /** A different request with a request-id that was used before. */
  function reuseId(): void {
    const { request, id } = requestIn(rng.pick(context.requests));
    const other =
      request["action"] === "backup"
        ? { ...request, "bucket-prefix": `backups/reused-${rng.between(1, 3)}` }
        : { ...request, "table-name": rng.pick(destinations).name };
    context.putRequest(other, id);
  }

  function putMalformedRequest(): void {
    const prefix = `${MALFORMED_PREFIX}${rng.between(1, 1000)}`;
    const valid: Record<string, unknown> = {
      ...rng.pick([backupRequest, restoreRequest]),
      "bucket-prefix": prefix,
      "total-segments": 1,
    };
    const wrong = rng.pick([
      { "total-segments": 0 },
      { "batch-bytes": "many" },
      { "compression-level": 100 },
      { "bucket-name": "UPPER" },
      { "no-such-field": true },
    ]);
    context.putRequest({ ...valid, ...wrong }, undefined);
  }

  function deleteRow(row: TaskRow): void {
    const request = context.requests.find((event) => isRequestOf(event, row));
    log(() => `an operator deletes the row of ${taskName(row)}`);
    deletedRows.add(taskName(row));
    disturbed.add(`task ${taskName(row)}`);
    status.remove(row);
    if (request !== undefined) later(REDELIVERY_MS_MAX, () => bus.deliver(request));
  }

  function recreateTable({ action, request }: TaskRow): void {
    const table = { region: String(request["table-region"]), name: String(request["table-name"]) };
    const held = tables.texts(table);
    log(() => `an operator deletes ${table.name} and creates it again`);
    recreations.push({ table: table.name, atMs: scheduler.now() });
    disturbed.add(`table ${table.name}`);
    tables.drop(table);
    tables.create(table, tableSpec(scenario, table));
    if (action === "restore") return;
    const { nameOf, numberOf, text } = context.items;
    for (const old of held) {
      const name = nameOf(old);
      context.history.record(name, undefined, scheduler.now());
      if (rng.happens(0.5)) continue;
      const again = text(numberOf(name), "again");
      tables.put(table, again);
      context.history.record(name, again, scheduler.now());
    }
  }

  function replaceArchive(): void {
    if (otherArchive.versions.length === 0) return;
    disturbed.add(`prefix ${OTHER_PREFIX}`);
    const isReordered = rng.happens(0.5);
    log(
      () => `an operator replaces ${OTHER_PREFIX}: ${isReordered ? "files in another order" : "other items"}`,
    );
    const { nameOf, numberOf, text } = context.items;
    otherArchive.replace(isReordered ? undefined : (old) => text(numberOf(nameOf(old)), "replaced"));
  }

  function deleteObject(): void {
    const prefix = backupRequest["bucket-prefix"];
    const key = `${prefix}/${rng.pick(["task.json", "table.json"])}`;
    if (scenario.kind === "restore" || !archive.keys(bucket).includes(key)) return;
    log(() => `an operator deletes ${key}`);
    disturbed.add(`prefix ${prefix}`);
    archive.remove(bucket, key);
  }

  return {
    deletedRows,
    recreations,
    retriedDuringLag,
    unknownTasks,
    /** Until when the projector is paused, ms since 1970. */
    projectorPausedUntilMs: () => pausedUntilMs,
    /** The first restore was requested. */
    restoreRequested(first: BusEvent) {
      const { "request-id": id } = first.detail as { "request-id": string };
      const { "create-table": _, "table-settings": __, ...fields } = scenario.restore;
      for (const [n, copy] of copies.entries()) {
        const request = {
          ...restoreRequest,
          ...fields,
          "restore-mode": copy.mode,
          "table-name": destinations[copy.table]!.name,
          ...(copy.archive === "other" && { "bucket-prefix": OTHER_PREFIX }),
        };
        const put = () => context.putRequest(request, copy.sharedId ? id : `r-copy-${n}`);
        if (copy.afterMs === 0) put();
        else scheduler.after(copy.afterMs, put);
      }
    },
    /** A first task is in progress. */
    begin() {
      faultPhase.schedule(left.reusedIds, reuseId);
      faultPhase.schedule(left.malformedRequests, putMalformedRequest);
      faultPhase.schedule(left.projectorPauses, pauseProjector);
      schedule(left.unknownCancels, (row) => row.accepted, cancelUnknown);
      schedule(left.deletedRows, (row) => row.accepted && isEnded(stateOf(row)), deleteRow);
      schedule(left.recreations, (row) => row.accepted && !isEnded(stateOf(row)), recreateTable);
      faultPhase.schedule(left.objectDeletions, deleteObject);
      schedule(left.redeliveredRetries, isRetryable, (row) => {
        const event = context.putRetry(row);
        later(REDELIVERY_MS_MAX, () => bus.deliver(event));
      });
      schedule(left.cancelledRetries, isRetryable, (row) => {
        cancel(row);
        retriesToCancel.set(taskName(row), { event: context.putRetry(row), attempt: row.attempt });
      });
    },
    rowChanged(row: TaskRow) {
      const retry = retriesToCancel.get(taskName(row));
      if (retry !== undefined && row.attempt > retry.attempt && !faultPhase.isOver()) {
        retriesToCancel.delete(taskName(row));
        log(() => `an operator cancels attempt ${row.attempt} of ${taskName(row)}`);
        cancel(row);
        later(REDELIVERY_MS_MAX, () => bus.deliver(retry.event));
      }
      const state = stateOf(row);
      if (
        left.archiveReplacements > 0 &&
        row.request["bucket-prefix"] === OTHER_PREFIX &&
        state === "running"
      ) {
        left.archiveReplacements--;
        later(REPLACEMENT_MS_MAX, replaceArchive);
      }
      if (faultPhase.isOver() || (state !== "failed" && state !== "cancelled")) return;
      if (left.earlyUses > 0 && row.action === "restore") {
        left.earlyUses--;
        const table = String(row.request["table-name"]);
        disturbed.add(`table ${table}`);
        context.useTable(table);
      }
      if (left.repeatedRetries > 0) {
        left.repeatedRetries--;
        later(60_000, () => {
          if (!faultPhase.isOver()) context.putRetry(row);
        });
      }
    },
    /** The fault phase is over. */
    quiesce() {
      if (left.retriesDuringLag === 0) return;
      pauseProjector();
      for (const row of status.rows().filter(isRetryable)) {
        retriedDuringLag.set(taskName(row), context.putRetry(row));
      }
    },
  };
}
