/**
 * What callers, operators and other programs do besides what people.ts has them do: see control.ts.
 */
import type { BusEvent } from "@ferry/core/events";
import { isEnded, stateOf, type TaskRow } from "@ferry/core/projection/status";
import { backupRequest, bucket, restoreRequest } from "@ferry/core/testing/tasks";
import type { MemoryArchiveStore } from "@ferry/memory/archive-store";
import type { StatusTables } from "@ferry/memory/status-store";
import type { MemoryTables } from "@ferry/memory/tables";
import type { Bus } from "../cloud/bus.ts";
import type { Rng, Scheduler } from "../cloud/scheduler.ts";
import { destinations, tableSpec } from "./fixtures.ts";
import type { ItemHistory } from "./history.ts";
import type { Items } from "./items.ts";
import { OTHER_PREFIX, type OtherArchive } from "./other-archive.ts";
import type { Scenario } from "./scenario.ts";

/** What the actors share with the people of a run. */
export interface Stage {
  readonly scheduler: Scheduler;
  readonly chance: Rng;
  readonly items: Items;
  readonly bus: Bus;
  readonly tables: MemoryTables;
  readonly archive: MemoryArchiveStore;
  readonly otherArchive: OtherArchive;
  readonly status: StatusTables;
  readonly history: ItemHistory;
  readonly log: (line: () => string) => void;
  /** Puts a request on the bus. */
  readonly ask: (request: object, id: string | undefined) => BusEvent;
  /** Puts a retry on the bus. */
  readonly retry: (row: TaskRow) => BusEvent;
  /** Does something at a moment of the storm. */
  readonly sometime: (act: () => void) => void;
  /** The application writes to a restored table. */
  readonly use: (table: string) => void;
  readonly requests: readonly BusEvent[];
  /** What cannot be expected to go well any more: see `People.disturbed`. */
  readonly disturbed: Set<string>;
}

export interface Actors {
  /** The first restore was asked for. */
  restoreAsked(first: BusEvent): void;
  /** A first task is under way. */
  live(): void;
  rowChanged(row: TaskRow): void;
  /** The storm is over. */
  quiesce(): void;
  /** Until when the projector does nothing, ms since 1970. */
  projectorStopsUntilMs(): number;
  /** Rows that an operator deleted, by `taskName` of checks/recount.ts. */
  readonly deletedRows: ReadonlySet<string>;
  /** When which table was deleted and created again. */
  readonly recreations: readonly { readonly table: string; readonly atMs: number }[];
  /** Tasks that were retried when all was calm and the projector was behind, by name. */
  readonly hastened: ReadonlySet<string>;
}

const OPERATOR = "operator";
const LAG_MS_MIN = 60_000;
const LAG_MS_MAX = 15 * 60_000;
/** While its restore has just begun. */
const REWRITE_MS_MAX = 5000;
const REDELIVERY_MS_MAX = 10 * 60_000;
/** More than a task comes to have. */
const FAR_ATTEMPTS = 1000;

export function createActors(scenario: Scenario, stage: Stage): Actors {
  const { scheduler, chance, bus, tables, archive, otherArchive, status, log, disturbed } = stage;
  const { actions, copies } = scenario.control;
  const left = { ...actions };
  const deletedRows = new Set<string>();
  const recreations: { table: string; atMs: number }[] = [];
  const hastened = new Set<string>();
  /** Retries whose attempt is to be cancelled once it is heard of, by task. */
  const relapsing = new Map<string, { event: BusEvent; attempt: number }>();
  let stopsUntilMs = 0;
  let isCalm = false;

  const rowName = ({ action, key, timestamp }: TaskRow) => `${action} ${key}@${timestamp}`;
  const isRetryable = (row: TaskRow) =>
    row.accepted && !["succeeded", "rejected", "finishing"].includes(stateOf(row));
  const times = (count: number, act: () => void) => {
    for (let i = 0; i < count; i++) stage.sometime(act);
  };
  function later(msMax: number, act: () => void): void {
    scheduler.after(chance.magnitude(10, msMax), act);
  }
  function lag(): void {
    const ms = chance.between(LAG_MS_MIN, LAG_MS_MAX);
    log(() => `the projector does nothing for ${Math.round(ms / 1000)} s`);
    stopsUntilMs = Math.max(stopsUntilMs, scheduler.now() + ms);
  }
  function cancel(row: TaskRow): void {
    const { action, key, timestamp, attempt } = row;
    bus.accept(
      { "detail-type": "TaskCancelRequested", detail: { task: { action, key, timestamp }, attempt } },
      OPERATOR,
    );
  }

  /** An operator mistypes the attempt to cancel. */
  function cancelFar(): void {
    const rows = status.rows().filter((row) => row.accepted);
    if (rows.length === 0) return;
    const row = chance.pick(rows);
    cancel({ ...row, attempt: row.attempt + FAR_ATTEMPTS });
  }

  /** A request of another kind with an id that another request had. */
  function reuseId(): void {
    const used = chance.pick(stage.requests);
    const { request, "request-id": id } = used.detail as {
      request: { action: string };
      "request-id"?: string;
    };
    const other =
      request.action === "backup"
        ? { ...request, "bucket-prefix": `backups/reused-${chance.between(1, 3)}` }
        : { ...request, "table-name": chance.pick(destinations).name };
    stage.ask(other, id ?? used.id);
  }

  function askMalformed(): void {
    const prefix = `backups/malformed-${chance.between(1, 1000)}`;
    const whole = { ...backupRequest, "bucket-prefix": prefix, "total-segments": 1 } as Record<
      string,
      unknown
    >;
    const wrong = chance.pick([
      { "total-segments": 0 },
      { "batch-bytes": "many" },
      { "compression-level": 10 },
      { "bucket-name": "UPPER" },
      { "no-such-field": true },
    ]);
    stage.ask({ ...whole, ...wrong }, undefined);
  }

  function deleteRow(): void {
    const rows = status.rows().filter((row) => row.accepted && isEnded(stateOf(row)));
    if (rows.length === 0) return;
    const row = chance.pick(rows);
    const asked = stage.requests.find((event) => {
      const { "request-id": id } = event.detail as { "request-id"?: string };
      return (id ?? event.id) === row["request-id"];
    });
    log(() => `an operator deletes the row of ${rowName(row)}`);
    deletedRows.add(rowName(row));
    disturbed.add(`task ${rowName(row)}`);
    status.remove(row);
    if (asked !== undefined) later(REDELIVERY_MS_MAX, () => bus.deliver(asked));
  }

  function recreate(): void {
    const running = status.rows().filter((row) => row.accepted && !isEnded(stateOf(row)));
    if (running.length === 0) return;
    const { action, request } = chance.pick(running);
    const table = { region: String(request["table-region"]), name: String(request["table-name"]) };
    const held = tables.items(table);
    log(() => `someone deletes ${table.name} and creates it again`);
    recreations.push({ table: table.name, atMs: scheduler.now() });
    disturbed.add(`table ${table.name}`);
    tables.drop(table);
    tables.create(table, tableSpec(scenario, table));
    if (action === "restore") return;
    const { nameOf, numberOf, text } = stage.items;
    for (const bytes of held) {
      const name = nameOf(new TextDecoder().decode(bytes));
      stage.history.record(name, undefined, scheduler.now());
      if (chance.happens(0.5)) continue;
      const again = text(numberOf(name), "again");
      tables.put(table, again);
      stage.history.record(name, again, scheduler.now());
    }
  }

  function rewrite(): void {
    if (otherArchive.versions.length === 0) return;
    disturbed.add(`prefix ${OTHER_PREFIX}`);
    const isOrder = chance.happens(0.5);
    log(() => `someone replaces ${OTHER_PREFIX} ${isOrder ? "in another order" : "by other items"}`);
    const { nameOf, numberOf, text } = stage.items;
    otherArchive.replace(isOrder ? undefined : (old) => text(numberOf(nameOf(old)), "replaced"));
  }

  function removePart(): void {
    const prefix = backupRequest["bucket-prefix"];
    const part = `${prefix}/${chance.pick(["task.json", "table.json"])}`;
    if (scenario.kind === "restore" || !archive.keys(bucket).includes(part)) return;
    log(() => `someone deletes ${part}`);
    disturbed.add(`prefix ${prefix}`);
    archive.remove(bucket, part);
  }

  return {
    deletedRows,
    recreations,
    hastened,
    projectorStopsUntilMs: () => stopsUntilMs,
    restoreAsked(first) {
      const { "request-id": id } = first.detail as { "request-id": string };
      for (const [n, copy] of copies.entries()) {
        const request = {
          ...restoreRequest,
          ...scenario.restore,
          "restore-mode": copy.mode,
          "table-name": destinations[copy.table]!.name,
          ...(copy.archive === "other" && { "bucket-prefix": OTHER_PREFIX }),
        };
        const ask = () => stage.ask(request, copy.sharedId ? id : `r-copy-${n}`);
        if (copy.afterMs === 0) ask();
        else scheduler.after(copy.afterMs, ask);
      }
    },
    live() {
      times(left.reusedIds, reuseId);
      times(left.malformed, askMalformed);
      times(left.lags, lag);
      times(left.farCancels, cancelFar);
      times(left.deletedRows, deleteRow);
      times(left.recreations, recreate);
      times(left.removals, removePart);
      times(left.doubledRetries, () => {
        const rows = status.rows().filter(isRetryable);
        if (rows.length === 0) return;
        const event = stage.retry(chance.pick(rows));
        later(REDELIVERY_MS_MAX, () => bus.deliver(event));
      });
      times(left.relapses, () => {
        const rows = status.rows().filter(isRetryable);
        if (rows.length === 0) return;
        const row = chance.pick(rows);
        cancel(row);
        relapsing.set(rowName(row), { event: stage.retry(row), attempt: row.attempt });
      });
    },
    rowChanged(row) {
      const relapse = relapsing.get(rowName(row));
      if (relapse !== undefined && row.attempt > relapse.attempt && !isCalm) {
        relapsing.delete(rowName(row));
        log(() => `an operator cancels attempt ${row.attempt} of ${rowName(row)}`);
        cancel(row);
        later(REDELIVERY_MS_MAX, () => bus.deliver(relapse.event));
      }
      const state = stateOf(row);
      if (left.rewrites > 0 && row.request["bucket-prefix"] === OTHER_PREFIX && state === "running") {
        left.rewrites--;
        later(REWRITE_MS_MAX, rewrite);
      }
      if (isCalm || (state !== "failed" && state !== "cancelled")) return;
      if (left.earlyUses > 0 && row.action === "restore") {
        left.earlyUses--;
        const table = String(row.request["table-name"]);
        disturbed.add(`table ${table}`);
        stage.use(table);
      }
      if (left.persistence > 0) {
        left.persistence--;
        later(60_000, () => {
          if (!isCalm) stage.retry(row);
        });
      }
    },
    quiesce() {
      isCalm = true;
      if (left.hasty === 0) return;
      lag();
      for (const row of status.rows().filter(isRetryable)) {
        stage.retry(row);
        hastened.add(rowName(row));
      }
    },
  };
}
