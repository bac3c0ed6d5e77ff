/**
 * What a seed is about: which tables there are, what is asked for, how the stage is set, and what people do meanwhile.
 */
import { defaultSettings, type Settings } from "@ferry/core/settings";
import type { Rng } from "../cloud/scheduler.ts";
import { type ArchiveFault, movedPrefixOf, prefixOf } from "./archives.ts";
import { type Control, controlOf, withControl } from "./control.ts";
import { type Data, dataOf, OVERHEAD_BYTES, wideItemBytes } from "./data.ts";
import { type FaultRates, faultRatesOf } from "./fault-rates.ts";

export interface Scenario {
  /** A backup; a restore of an archive that is there; or the one and then the other. */
  readonly kind: "backup" | "restore" | "both";
  readonly items: number;
  /** Of an item's filler. */
  readonly itemBytes: number;
  /** What the tables hold. */
  readonly data: Data;
  /** How many partitions the items are in: few of them leave most segments empty. */
  readonly partitions: number;
  /** The size at which a page is cut. */
  readonly pageBytes: number;
  /** What the requests say besides where from and where to. */
  readonly backup: Readonly<Record<string, unknown>>;
  readonly restore: Readonly<Record<string, unknown>>;
  /** Whether the table's size, as DynamoDB tells it, changes: a plan derived anew has other segments. */
  readonly grows: boolean;
  /** What the restore's table holds before, of the archive's keys and of others. */
  readonly held: { readonly same: number; readonly others: number };
  readonly provisioned: boolean;
  /** How many times dearer than its bytes everything is, so that a ceiling counts. */
  readonly weight: number;
  /** Indexes of the restore's table. */
  readonly indexCount: number;
  readonly settings: Settings;
  readonly timeoutSeconds: number;
  readonly concurrency: number;
  /** How often a worker's message is received before it is set aside. */
  readonly attempts: number;
  /** How tasks are asked for and steered besides. */
  readonly control: Control;
  readonly faultRates: FaultRates;
  /** How long faults happen, ms, and how many at most. */
  readonly faultPhaseMs: number;
  readonly faultsMax: number;
  /** What people do in the storm, how many times each. */
  readonly operations: {
    readonly cancels: number;
    readonly retries: number;
    readonly wipes: number;
    /** Changes of the source table besides those at cursors. */
    readonly writes: number;
    /** Messages that are lost altogether. */
    readonly losses: number;
    /** Someone takes a permission away for a while. */
    readonly denials: number;
    /** The same request once more, as a new event. */
    readonly repeats: number;
    /** Another request for the same prefix. */
    readonly prefixConflicts: number;
    /** Another request, for another prefix, in the same second. */
    readonly otherPrefixes: number;
    /** Events that name no task: they fail until they are set aside. */
    readonly malformedEvents: number;
  };
}

/** What a provisioned table has, units per second of each kind: a task takes half. */
export const PROVISIONED_UNITS = 40;
const LIMITABLE_ITEMS_MIN = 200;
/** How long a whole table takes at its ceiling, about. */
const LIMITED_SECONDS = 60;
const RESTORE_SECONDS_MAX = 200;
/** What a unit reads, eventually consistent. */
const READ_UNIT_BYTES = 8192;

/** Where a prefix is wiped, of a task that was cancelled, somebody should still be writing to it. */
const WIPEABLE_ITEMS_MIN = 20;
const WIPED_CANCELS = 4;
/** Several workers on a segment, who take their time, while its items change. */
const CONTENTION = { slowPut: 0.6, visibilityExpired: 0.3, stall: 0, writeAtCursor: 0.6 };
const CONTENTION_RATE = 0.25;
/** So few that there are faults left for the puts: a message that is shown again is one worker more for minutes. */
const CONTENDED = { ...CONTENTION, visibilityExpired: 0.08 };
const CONTENDED_FAULTS_MAX = 500;
/** Fewer items than a handful of batches hold no second worker up. */
const CONTENDED_ITEMS_MAX = 150;
/** How many times larger than the smallest its batches may be: a table comes to ten of them at least. */
const CONTENDED_BATCHES = 15;
/** Under a ceiling: many calls consume, and nobody hears how much. */
const LOSSY = { itemAnswerLost: 0.35, stall: 0 };
const LOSSY_RATE = 0.5;
const CONTENTION_PAGE_BATCHES_MAX = 10;
const CONTENTION_BUDGET_MS = 700_000;
const CONTENTION_WRITES_MAX = 300;
const WRITES_MAX = 30;
const TIMEOUT_SECONDS_MAX = 900;
const FAULTS_MAX = 200;

/** The scenario of a seed. */
export function scenarioOf(chance: Rng): Scenario {
  const { between, happens, magnitude, pick } = chance;
  const some = (rate: number, max: number) => (happens(rate) ? between(1, max) : 0);
  const kind = pick(["backup", "backup", "backup", "restore", "restore", "both"] as const);
  const contended = kind !== "restore" && happens(CONTENTION_RATE);
  const items = contended
    ? between(WIPEABLE_ITEMS_MIN, CONTENDED_ITEMS_MAX)
    : pick([0, between(1, 3), between(4, 30), between(4, 30), between(31, 300), between(300, 4000)]);
  const counts = contended ? [1, 1, 2, 3] : [1, 1, 2, 3, between(4, 9), between(10, 64)];
  const segments = happens(0.3) ? undefined : pick(counts);
  // Of a few items each may be more than a ceiling leaves.
  const limitable = items >= LIMITABLE_ITEMS_MIN;
  const indexCount = happens(0.3) ? between(1, 5) : 0;
  // So high that a restore takes minutes, not hours.
  const unitsMin = Math.ceil((items * (1 + indexCount)) / RESTORE_SECONDS_MAX);
  const ceiling = limitable && happens(0.4) ? Math.max(unitsMin, between(5, 50)) : undefined;
  const provisioned = limitable && ceiling === undefined && unitsMin <= PROVISIONED_UNITS / 2 && happens(0.2);
  const unitsPerSecond = ceiling ?? (provisioned ? PROVISIONED_UNITS / 2 : 0);
  const partitions = happens(0.3) ? between(1, 4) : Math.max(1, items);
  const data = dataOf(chance, { items, partitions, plain: unitsPerSecond > 0, restores: kind === "restore" });
  const itemBytes =
    data.items === "wide" ? wideItemBytes(chance) : Math.floor(magnitude(1, items > 300 ? 60 : 400));
  const bytes = itemBytes + OVERHEAD_BYTES[data.items];
  // At most a few hundred files, whatever the table.
  const least = Math.max(20, Math.floor((items * bytes) / 150));
  // Many batches a segment, where several workers are to meet on them.
  const batchBytes = Math.floor(magnitude(least, least * (contended ? CONTENDED_BATCHES : 30)));
  const wipes = kind === "backup" && items >= WIPEABLE_ITEMS_MIN ? some(0.6, 1) : 0;
  const stubborn = wipes > 0 || contended;
  const faultRates = {
    ...faultRatesOf(chance),
    ...(stubborn && CONTENTION),
    ...(contended && CONTENDED),
    ...(unitsPerSecond > 0 && happens(LOSSY_RATE) && LOSSY),
  };
  // Slices that are shorter than their turns get nowhere, and hand off all the while.
  // And a put that takes minutes is not the end of a stubborn one's.
  const budgetMs = stubborn
    ? CONTENTION_BUDGET_MS
    : Math.floor(magnitude(unitsPerSecond > 0 ? 10_000 : 200, 60_000));
  const scenario = {
    kind,
    items,
    itemBytes,
    data,
    partitions,
    // Of several batches each, so that who comes late finds others ahead in the middle of a page.
    pageBytes: stubborn
      ? batchBytes * between(2, CONTENTION_PAGE_BATCHES_MAX)
      : Math.floor(magnitude(60, Math.max(1000, least * 10))),
    backup: {
      ...(segments !== undefined && { "total-segments": segments }),
      "batch-bytes": batchBytes,
      ...(happens(0.3) && { "consistent-read": true }),
      ...(happens(0.3) && { "compression-level": between(1, 9) }),
      ...(ceiling !== undefined && { "read-units": ceiling }),
    },
    restore: {
      ...(happens(0.6) && { "total-segments": pick([1, 2, 3, between(4, 9), between(10, 64)]) }),
      ...(happens(0.6) && { "restore-mode": pick(["empty-only", "merge", "if-absent"]) }),
      ...sourceFields(data.source),
      ...(ceiling !== undefined && { "write-units": ceiling }),
    },
    grows: segments === undefined && unitsPerSecond === 0,
    held: { same: between(0, Math.min(items, 20)), others: between(0, 5) },
    provisioned,
    weight: kind === "backup" ? weightOf(unitsPerSecond, items, bytes) : 1,
    indexCount,
    settings: {
      ...defaultSettings,
      sliceBudgetMs: budgetMs,
      progressIntervalMs: between(200, 15_000),
      cancelPollIntervalMs: between(200, 5000),
      batchSpacingMs: happens(0.15) ? between(50, 2000) : 0,
      maxHandoffsWithoutProgress: between(3, 20),
      ...data.fileBytes,
    },
    timeoutSeconds: stubborn ? TIMEOUT_SECONDS_MAX : between(60, TIMEOUT_SECONDS_MAX),
    concurrency: pick(contended ? [4, 8, between(5, 50)] : [1, 2, 4, between(5, 50)]),
    attempts: pick(contended ? [4, 6, between(4, 8)] : [2, 2, between(2, 5)]),
    faultRates,
    faultPhaseMs: Math.floor(magnitude(5000, 1_800_000)),
    faultsMax: contended ? CONTENDED_FAULTS_MAX : stubborn ? FAULTS_MAX : between(5, FAULTS_MAX),
    operations: {
      cancels: wipes > 0 ? WIPED_CANCELS : some(0.3, 2),
      retries: some(0.4, 4),
      wipes,
      writes: stubborn ? between(0, CONTENTION_WRITES_MAX) : some(0.6, WRITES_MAX),
      losses: some(0.15, 2),
      denials: some(0.1, 1),
      repeats: some(0.2, 1),
      prefixConflicts: some(0.15, 1),
      otherPrefixes: some(0.5, 1),
      malformedEvents: some(0.4, 30),
    },
  };
  return withControl(scenario, controlOf(chance));
}

/** Lines that become one item of the table: where items were there before, their number does not tell. */
const FOUND_IN_EMPTY: ReadonlySet<ArchiveFault | undefined> = new Set([
  "one key in two files",
  "table with other keys",
] as const);

/** Changes are applied to what is there. */
function sourceFields({ kind, fault }: Data["source"]): Readonly<Record<string, unknown>> {
  return {
    "bucket-prefix": fault === "moved" ? movedPrefixOf(kind) : prefixOf(kind),
    ...(kind === "incremental" && fault !== "mode not for changes" && { "restore-mode": "merge" }),
    ...(FOUND_IN_EMPTY.has(fault) && kind !== "incremental" && { "restore-mode": "empty-only" }),
    ...(fault === "mode not for changes" && { "restore-mode": "if-absent" }),
  };
}

/** Such that the ceiling counts, and no item is more than half a second of it. */
function weightOf(unitsPerSecond: number, items: number, bytes: number): number {
  const all = (LIMITED_SECONDS * unitsPerSecond * READ_UNIT_BYTES) / ((items + 1) * bytes);
  return Math.max(1, Math.min(all, (unitsPerSecond * READ_UNIT_BYTES) / 2 / bytes));
}
