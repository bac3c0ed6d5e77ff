/**
 * What callers, operators and applications do while a task runs: they change the table, cancel and retry, repeat
 * requests, wipe a prefix, and write to a table as soon as it is restored.
 */
import type { BusEvent } from "@ferry/core/events/events";
import { isEnded, stateOf, type TaskRow } from "@ferry/core/projection/status";
import { backupRequest, bucket, destination, restoreRequest, source } from "@ferry/memory/testing/tasks";
import { itemOfLine } from "../checks/data-files.ts";
import { createActors, type PutControl, type RunContext } from "./actors.ts";
import { createHistory } from "./history.ts";
import type { Scenario } from "./scenario.ts";
import { type Fields, shaped } from "./shapes.ts";

export type Operations = ReturnType<typeof createOperations>;

interface OperationsContext extends RunContext {
  /** A first task is in progress. */
  readonly onStarted: () => void;
}

const OPERATOR = "operator";
const APPLICATION_WRITES = 10;
const NEW_TABLE_REPEATS = 3;
const NEW_TABLE_REPEAT_MS_MAX = 3_000;

export function createOperations(scenario: Scenario, context: OperationsContext) {
  const { scheduler, rng, faultPhase, items, bus, tables, archive, status, log, onStarted } = context;
  const requests: BusEvent[] = [];
  /** What the items of the source were, and when. */
  const history = createHistory();
  /** By table: every text that the application wrote to it after a restore. */
  const applicationTexts = new Map<string, Set<string>>();
  /** Every item that the application deleted from a restored table. */
  const applicationDeletes = new Set<string>();
  /** By table: when the application first wrote to it after a restore, ms since 1970. */
  const firstUseMs = new Map<string, number>();
  /** By table and item: what the application last wrote (undefined: deleted) after a restore, and when. */
  const applicationItems = new Map<string, Map<string, { text: string | undefined; atMs: number }>>();
  /** What actors changed so that a task on it may fail: `table NAME`, `prefix PREFIX` and `task NAME` (`taskName`). */
  const disturbed = new Set<string>();
  const retries: BusEvent[] = [];
  const inUse = new Set<string>();
  /** Prefixes that were wiped. */
  const wiped = new Set<string>();
  const left = { wipes: scenario.operations.wipes, malformedEvents: scenario.operations.malformedEvents };
  let version = 0;
  let isRestoreRequested = scenario.kind !== "both";
  let startedMs: number | undefined;

  for (const text of tables.texts(source)) history.record(items.nameOf(text), text, Number.NEGATIVE_INFINITY);

  function put(n: number): void {
    const text = items.text(n, `v${version++}`);
    tables.put(source, text);
    history.record(items.nameOf(text), text, scheduler.now());
  }
  function remove(n: number): void {
    tables.remove(source, items.key(n));
    history.record(items.nameOf(JSON.stringify(items.key(n))), undefined, scheduler.now());
  }
  /** Changes, deletes or adds an item of the source. */
  function write(n: number): void {
    if (rng.happens(0.5)) remove(n);
    else put(n);
    log(() => `the application changes item ${n}`);
  }

  function putRequest(request: Fields, id: string | undefined): BusEvent {
    const event = bus.accept(
      { "detail-type": "TaskRequested", detail: shaped(request, id, requests.length) },
      "caller",
    );
    requests.push(event);
    return event;
  }
  const backup = { ...backupRequest, ...scenario.backup };
  const restore = { ...restoreRequest, ...scenario.restore };

  function requestRestore(): void {
    const event = putRequest(restore, "r-restore");
    // Some deliveries are between the creation of the table and the acceptance, or its projection.
    if (scenario.newTable !== undefined)
      for (let i = 0; i < NEW_TABLE_REPEATS; i++)
        scheduler.after(rng.between(0, NEW_TABLE_REPEAT_MS_MAX), () => bus.deliver(event));
    actors.restoreRequested(event);
  }

  const putControl: PutControl = (type, { action, key, timestamp }, attempt) =>
    bus.accept({ "detail-type": type, detail: { task: { action, key, timestamp }, attempt } }, OPERATOR);
  const namedAttempt = (row: TaskRow) => (scenario.control.namedAttempts ? row.attempt : undefined);
  function toSomeRow(isMatch: (row: TaskRow) => boolean, act: (row: TaskRow) => void): void {
    const rows = status.rows().filter(isMatch);
    if (rows.length > 0) act(rng.pick(rows));
  }
  function cancelSome(): void {
    toSomeRow(
      (row) => !isEnded(stateOf(row)),
      (row) => putControl("TaskCancelRequested", row, namedAttempt(row)),
    );
  }
  function putRetry(row: TaskRow): BusEvent {
    const event = putControl("TaskRetryRequested", row, namedAttempt(row));
    retries.push(event);
    return event;
  }
  function wipePrefix(): void {
    left.wipes--;
    const prefix = backup["bucket-prefix"];
    log(() => `an operator wipes ${prefix}/`);
    for (const key of archive.keys(bucket)) if (key.startsWith(`${prefix}/`)) archive.remove(bucket, key);
    wiped.add(prefix);
    putRequest(backup, "r-wiper");
  }

  /** The application writes to a restored table: mostly to the items that the restore just wrote. */
  function useTable(name: string): void {
    const { key, nameOf, numberOf } = items;
    const table = { ...destination, name };
    const written = applicationItems.get(name) ?? new Map();
    applicationItems.set(name, written);
    const texts = applicationTexts.get(name) ?? new Set();
    applicationTexts.set(name, texts);
    if (!firstUseMs.has(name)) firstUseMs.set(name, scheduler.now());
    const held = tables.texts(table);
    for (let i = 0; i < Math.min(APPLICATION_WRITES, held.length); i++) {
      const old = rng.pick(held);
      const n = numberOf(nameOf(old));
      const text = rng.happens(0.3) ? undefined : items.text(n, `app${i}`);
      if (text === undefined) {
        tables.remove(table, key(n));
        applicationDeletes.add(nameOf(old));
      } else {
        tables.put(table, text);
        texts.add(text);
      }
      written.set(nameOf(old), { text, atMs: scheduler.now() });
    }
    log(() => `the application writes to ${name}`);
  }

  /** Schedules what happens once a first task is in progress. */
  function schedule(): void {
    const { cancels, retries, writes } = scenario.operations;
    faultPhase.schedule(cancels, cancelSome);
    faultPhase.schedule(retries, () => toSomeRow((row) => stateOf(row) !== "succeeded", putRetry));
    if (scenario.kind !== "restore")
      faultPhase.schedule(writes, () => write(rng.between(0, scenario.items + 3)));
    actors.begin();
    onStarted();
  }

  const actors = createActors(scenario, {
    ...context,
    history,
    putRequest,
    putControl,
    toSomeRow,
    putRetry,
    useTable,
    requests,
    disturbed,
  });

  return {
    requests,
    retries,
    history,
    applicationItems,
    applicationTexts,
    firstUseMs,
    applicationDeletes,
    disturbed,
    actors,
    wiped,
    /** When the first task's row was written, ms since 1970. */
    startedMs: () => startedMs,
    /** Puts the first requests; everything else happens once a task is in progress. */
    begin() {
      const { repeats, prefixConflicts, otherPrefixes } = scenario.operations;
      for (let i = 0; i < scenario.data.earlyWrites; i++) write(rng.between(0, scenario.items + 3));
      if (scenario.kind === "restore") requestRestore();
      else {
        const first = putRequest(backup, "r-1");
        faultPhase.schedule(repeats, () => {
          if (rng.happens(0.5)) bus.deliver(first);
          else putRequest(backup, "r-1");
        });
        faultPhase.schedule(prefixConflicts, () => putRequest(backup, "r-prefix-conflict"));
      }
      if (otherPrefixes > 0) putRequest({ ...backup, "bucket-prefix": "backups/two" }, undefined);
    },
    rowChanged(row: TaskRow) {
      if (startedMs === undefined) {
        startedMs = scheduler.now();
        schedule();
      }
      // Put while facts arrive, so that the projector receives it in one batch with them.
      if (left.malformedEvents-- > 0 && !faultPhase.isOver())
        bus.accept({ "detail-type": "TaskCancelRequested", detail: { task: "cities" } }, OPERATOR);
      actors.rowChanged(row);
      const state = stateOf(row);
      const hasFailed = state === "failed" || state === "cancelled";
      if (left.wipes > 0 && hasFailed && row.action === "backup" && row["request-id"] === "r-1") wipePrefix();
      if (state !== "succeeded") return;
      if (row.action === "backup" && row["request-id"] === "r-1" && !isRestoreRequested) {
        isRestoreRequested = true;
        scheduler.after(rng.between(0, 60_000), requestRestore);
      }
      const table = String(row.request["table-name"]);
      if (row.action === "restore" && !inUse.has(table)) {
        inUse.add(table);
        scheduler.after(rng.magnitude(1, 120_000), () => useTable(table));
      }
    },
    /** A data file was put, and this is its last line. The application changes that item. */
    changeLastItem(lastLine: string) {
      if (faultPhase.isOver() || lastLine === "") return;
      write(items.numberOf(items.nameOf(itemOfLine(lastLine))));
    },
    /**
     * Retries the tasks that neither succeeded nor were rejected; returns how many. `deadlineOnly`: only those whose attempt
     * exceeded its deadline.
     */
    retryAll(deadlineOnly: boolean) {
      const unsuccessful = status.rows().filter((row) => {
        const state = stateOf(row);
        const isLate = row.reasons.some(
          ({ attempt, cause }) => attempt === row.attempt && cause === "deadline-exceeded",
        );
        return state !== "succeeded" && state !== "rejected" && (!deadlineOnly || isLate);
      });
      for (const row of unsuccessful) putRetry(row);
      return unsuccessful.length;
    },
  };
}
