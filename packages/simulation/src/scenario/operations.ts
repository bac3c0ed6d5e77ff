/**
 * What people and their programs do while a task runs: they change the table, cancel and retry, ask twice, wipe a
 * prefix, take permissions away, and use a restored table as soon as they may.
 */
import type { BusEvent } from "@ferry/core/events";
import { isEnded, stateOf, type TaskRow } from "@ferry/core/projection/status";
import { backupRequest, bucket, destination, restoreRequest, source } from "@ferry/core/testing/tasks";
import type { MemoryArchiveStore } from "@ferry/memory/archive-store";
import type { StatusTables } from "@ferry/memory/status-store";
import type { MemoryTables } from "@ferry/memory/tables";
import type { Bus } from "../cloud/bus.ts";
import type { Rng, Scheduler } from "../cloud/scheduler.ts";
import { type Actors, createActors } from "./actors.ts";
import { createHistory, type ItemHistory } from "./history.ts";
import type { Items } from "./items.ts";
import type { OtherArchive } from "./other-archive.ts";
import type { Scenario } from "./scenario.ts";

export interface Operations {
  /** Asks for what is asked for first; the rest happens once a task is under way. */
  begin(): void;
  /** When that was, ms since 1970. */
  startedMs(): number | undefined;
  /** A row changed: whoever waits for it acts. */
  rowChanged(row: TaskRow): void;
  /** A data file was put, its lines ending with this one. */
  filePut(lastLine: string): void;
  /** The storm is over: nothing is lost or denied any more. */
  quiesce(): void;
  /**
   * Retries what ended otherwise than well, and what fell silent; tells how many tasks. `again`: what ran out of time
   * alone.
   */
  retryAll(again: boolean): number;
  readonly requests: readonly BusEvent[];
  /** What the items of the source were, and when. */
  readonly history: ItemHistory;
  /** By table: every text that the application ever wrote to it after a restore. */
  readonly applicationTexts: ReadonlyMap<string, ReadonlySet<string>>;
  /** By table: when the application first wrote to it after a restore, ms since 1970. */
  readonly firstUsesMs: ReadonlyMap<string, number>;
  /** Every item that the application ever deleted from a restored table. */
  readonly applicationDeletes: ReadonlySet<string>;
  /** By table: what the application last wrote to (or, undefined, deleted from) it after a restore, and when. */
  readonly after: ReadonlyMap<
    string,
    ReadonlyMap<string, { readonly text: string | undefined; readonly atMs: number }>
  >;
  /**
   * What others changed so that a task on it may fail: `table NAME`, `prefix PREFIX` and `task NAME` (as `taskName` of
   * checks/recount.ts names it).
   */
  readonly disturbed: ReadonlySet<string>;
  readonly actors: Actors;
  readonly retries: readonly BusEvent[];
  /** Prefixes that were wiped. */
  readonly wiped: ReadonlySet<string>;
  /** Whether permissions are taken away now. */
  denied(): boolean;
  /** Whether to lose this message. */
  loses(queue: string, type: string): boolean;
  readonly lost: readonly string[];
}

interface Surroundings {
  readonly scheduler: Scheduler;
  readonly chance: Rng;
  readonly items: Items;
  readonly bus: Bus;
  readonly tables: MemoryTables;
  readonly archive: MemoryArchiveStore;
  readonly otherArchive: OtherArchive;
  readonly status: StatusTables;
  readonly log: (line: () => string) => void;
}

/** Never lost here: what was never accepted cannot be retried, only asked for again. */
const KEPT = new Set([
  "TaskRequested",
  "TaskRejected",
  "TaskRetryRequested",
  "TaskCancelRequested",
  "SegmentProgressed projection-queue",
]);
const OPERATOR = "operator";
const APPLICATION_WRITES = 10;
const MOMENT_MS_MIN = 100;

export function createOperations(scenario: Scenario, around: Surroundings): Operations {
  const { scheduler, chance, items, bus, tables, archive, status, log } = around;
  const requests: BusEvent[] = [];
  const history = createHistory();
  const applicationTexts = new Map<string, Set<string>>();
  const applicationDeletes = new Set<string>();
  const firstUsesMs = new Map<string, number>();
  const after = new Map<string, Map<string, { text: string | undefined; atMs: number }>>();
  const disturbed = new Set<string>();
  const retries: BusEvent[] = [];
  const inUse = new Set<string>();
  const wiped = new Set<string>();
  const lost: string[] = [];
  const left = { wipes: scenario.operations.wipes, malformedEvents: scenario.operations.malformedEvents };
  let version = 0;
  let denied = false;
  let restoreAsked = scenario.kind !== "both";
  let startedMs: number | undefined;
  let isCalm = false;
  let losing = 0;

  /** At a moment of the storm: as likely in its first second as in its last minutes, for most tasks are short. */
  const sometime = (act: () => void) => {
    scheduler.after(chance.magnitude(MOMENT_MS_MIN, scenario.faultPhaseMs), () => {
      if (!isCalm) act();
    });
  };
  const times = (count: number, act: () => void) => {
    for (let i = 0; i < count; i++) sometime(act);
  };

  for (const text of tables.items(source).map((bytes) => new TextDecoder().decode(bytes)))
    history.record(items.nameOf(text), text, Number.NEGATIVE_INFINITY);

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
    if (chance.happens(0.5)) remove(n);
    else put(n);
    log(() => `the application changes item ${n}`);
  }

  function ask(request: object, id: string | undefined): BusEvent {
    const event = bus.accept(
      { "detail-type": "TaskRequested", detail: { request, ...(id !== undefined && { "request-id": id }) } },
      "caller",
    );
    requests.push(event);
    return event;
  }
  const backup = { ...backupRequest, ...scenario.backup };
  const restore = { ...restoreRequest, ...scenario.restore };

  function askRestore(): void {
    actors.restoreAsked(ask(restore, "r-restore"));
  }

  const named = ({ action, key, timestamp }: TaskRow) => ({ task: { action, key, timestamp } });
  function cancel(): void {
    const rows = status.rows().filter((row) => !isEnded(stateOf(row)));
    if (rows.length === 0) return;
    const row = chance.pick(rows);
    const detail = { ...named(row), attempt: row.attempt };
    bus.accept({ "detail-type": "TaskCancelRequested", detail }, OPERATOR);
  }
  function retry(row: TaskRow): BusEvent {
    const detail = { ...named(row), ...(scenario.control.namedAttempts && { attempt: row.attempt }) };
    const event = bus.accept({ "detail-type": "TaskRetryRequested", detail }, OPERATOR);
    retries.push(event);
    return event;
  }
  function wipe(): void {
    left.wipes--;
    const prefix = backup["bucket-prefix"];
    log(() => `someone wipes ${prefix}/`);
    for (const key of archive.keys(bucket)) if (key.startsWith(`${prefix}/`)) archive.remove(bucket, key);
    wiped.add(prefix);
    ask(backup, "r-wiper");
  }

  /** The restored table is in use: most of all the items that the restore just wrote. */
  function use(name: string): void {
    const { key, nameOf, numberOf } = items;
    const table = { ...destination, name };
    const written = after.get(name) ?? new Map();
    after.set(name, written);
    const texts = applicationTexts.get(name) ?? new Set();
    applicationTexts.set(name, texts);
    if (!firstUsesMs.has(name)) firstUsesMs.set(name, scheduler.now());
    const held = tables.items(table).map((bytes) => new TextDecoder().decode(bytes));
    for (let i = 0; i < Math.min(APPLICATION_WRITES, held.length); i++) {
      const old = chance.pick(held);
      const n = numberOf(nameOf(old));
      const text = chance.happens(0.3) ? undefined : items.text(n, `app${i}`);
      if (text === undefined) {
        tables.remove(table, key(n));
        applicationDeletes.add(nameOf(old));
      } else {
        tables.put(table, text);
        texts.add(text);
      }
      written.set(nameOf(old), { text, atMs: scheduler.now() });
    }
    log(() => `the application uses ${name}`);
  }

  /** What happens from the moment on that a first task is under way. */
  function live(): void {
    const { cancels, retries, writes, losses, denials } = scenario.operations;
    times(cancels, cancel);
    times(retries, () => {
      const rows = status.rows().filter((row) => stateOf(row) !== "succeeded");
      if (rows.length > 0) retry(chance.pick(rows));
    });
    if (scenario.kind !== "restore") times(writes, () => write(chance.between(0, scenario.items + 3)));
    actors.live();
    times(losses, () => {
      losing++;
    });
    times(denials, () => {
      denied = true;
      log(() => "someone takes the permissions away");
      scheduler.after(chance.between(1000, 600_000), () => {
        denied = false;
      });
    });
  }

  const actors = createActors(scenario, {
    ...around,
    history,
    ask,
    retry,
    sometime,
    use,
    requests,
    disturbed,
  });

  return {
    requests,
    retries,
    history,
    after,
    applicationTexts,
    firstUsesMs,
    applicationDeletes,
    disturbed,
    actors,
    wiped,
    lost,
    denied: () => denied,
    startedMs: () => startedMs,
    loses(queue, type) {
      if (losing === 0 || KEPT.has(type) || KEPT.has(`${type} ${queue}`)) return false;
      // Lost on both its ways, an acceptance leaves nothing to retry.
      if (type === "TaskAccepted" && lost.includes(type)) return false;
      losing--;
      lost.push(type);
      return true;
    },
    begin() {
      const { repeats, prefixConflicts, otherPrefixes } = scenario.operations;
      for (let i = 0; i < scenario.data.earlyWrites; i++) write(chance.between(0, scenario.items + 3));
      if (scenario.kind === "restore") askRestore();
      else {
        const first = ask(backup, "r-1");
        times(repeats, () => {
          if (chance.happens(0.5)) bus.deliver(first);
          else ask(backup, "r-1");
        });
        times(prefixConflicts, () => ask(backup, "r-prefix-conflict"));
      }
      if (otherPrefixes > 0) ask({ ...backup, "bucket-prefix": "backups/two" }, undefined);
    },
    rowChanged(row) {
      if (startedMs === undefined) {
        startedMs = scheduler.now();
        live();
      }
      // It comes while facts do, and meets them in their batches.
      if (left.malformedEvents-- > 0 && !isCalm)
        bus.accept({ "detail-type": "TaskCancelRequested", detail: { task: "cities" } }, OPERATOR);
      actors.rowChanged(row);
      const state = stateOf(row);
      const ended = state === "failed" || state === "cancelled";
      if (left.wipes > 0 && ended && row.action === "backup" && row["request-id"] === "r-1") wipe();
      if (state !== "succeeded") return;
      if (row.action === "backup" && row["request-id"] === "r-1" && !restoreAsked) {
        restoreAsked = true;
        scheduler.after(chance.between(0, 60_000), askRestore);
      }
      const table = String(row.request["table-name"]);
      if (row.action === "restore" && !inUse.has(table)) {
        inUse.add(table);
        scheduler.after(chance.magnitude(1, 120_000), () => use(table));
      }
    },
    filePut(lastLine) {
      if (isCalm || lastLine === "") return;
      write(items.numberOf(items.nameOf(lastLine.slice('{"Item":'.length, -1))));
    },
    quiesce() {
      isCalm = true;
      denied = false;
      losing = 0;
      actors.quiesce();
    },
    retryAll(again) {
      const unwell = status.rows().filter((row) => {
        const state = stateOf(row);
        const isLate = row.reasons.some(
          ({ attempt, cause }) => attempt === row.attempt && cause === "deadline-exceeded",
        );
        return state !== "succeeded" && state !== "rejected" && (!again || isLate);
      });
      for (const row of unwell) retry(row);
      return unwell.length;
    },
  };
}
