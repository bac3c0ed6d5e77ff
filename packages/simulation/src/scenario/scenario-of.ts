/**
 * The scenario of a seed: tables, requests, settings, faults, and what operators, callers and applications do.
 */
import { defaultSettings, engineSettings } from "@ferry/core/settings/settings";
import type { Rng } from "../cloud/scheduler.ts";
import type { ArchiveFault } from "./archive-kinds.ts";
import { movedPrefixOf, prefixOf, seriesFields } from "./archives.ts";
import { type Copy, controlOf, type ScenarioControl } from "./control.ts";
import { type Data, dataOf, OVERHEAD_BYTES, wideItemBytes } from "./data.ts";
import { faultCountsOf, faultRatesOf, lostAnnouncementRateOf } from "./fault-rates.ts";
import { withOnly } from "./only.ts";
import { PROVISIONED_UNITS, type Scenario } from "./scenario.ts";

const LIMITABLE_ITEMS_MIN = 200;
/** About how long a whole table takes at its ceiling. */
const LIMITED_SECONDS = 60;
const RESTORE_SECONDS_MAX = 200;
/** Bytes per read unit, eventually consistent. */
const READ_UNIT_BYTES = 8192;

/** A wipe follows a cancel: with enough items and cancels a worker is still writing to the prefix. */
const WIPEABLE_ITEMS_MIN = 20;
const WIPED_CANCELS = 4;
/** Several slow workers on one segment, while its items change. */
const CONTENTION = { slowPut: 0.6, visibilityExpired: 0.3, stall: 0, writeAtCursor: 0.6 };
const CONTENTION_RATE = 0.25;
/** Rare enough to leave budget for the puts: each message that becomes visible again adds a worker for minutes. */
const CONTENDED = { ...CONTENTION, visibilityExpired: 0.08 };
const CONTENDED_FAULTS_MAX = 500;
/** The most items of a table under contention. */
const CONTENDED_ITEMS_MAX = 150;
/** How many times larger than the smallest its batches may be, so that a table has at least ten. */
const CONTENDED_BATCHES = 15;
/** Under a ceiling: many calls consume units, and the answer with their number is lost. */
const LOSSY = { itemAnswerLost: 0.35, stall: 0 };
const LOSSY_RATE = 0.5;
/** A restore's table has too little capacity: many calls leave several of their writes unprocessed. */
const CROWDED = { unprocessed: 0.5, throttledWrite: 0.2 };
const CROWDED_RATE = 0.4;
/** In half of the series: several workers on one message, of which some are slow when its window ends. */
const LATE_WRITERS = { visibilityExpired: 0.1, stall: 0.04 };
const CONTENTION_PAGE_BATCHES_MAX = 10;
const CONTENTION_BUDGET_MS = 700_000;
const CONTENTION_WRITES_MAX = 300;
const WRITES_MAX = 30;
const TIMEOUT_SECONDS_MAX = 900;
/** Leaves about a second for a slice, and for each invocation of a last step: the engine keeps the other 45 s to conclude it. */
const SHORT_TIMEOUT_SECONDS = 46;
/** Enough segments for several invocations of a last step of a second each. */
const LONG_LAST_STEP_SEGMENTS_MIN = 10;
/** An attempt has time for so many slices at least, as with all settings that a stage accepts. */
const SLICES_PER_ATTEMPT_MIN = Math.floor(
  engineSettings.taskTimeoutMs.lowest / engineSettings.sliceBudgetMs.highest,
);
const NEW_TABLE_RATE = 0.6;
const FOREIGN_TABLE_RATE = 0.2;
const FAULTS_MAX = 200;

/** The scenario of a seed. */
export function scenarioOf(rng: Rng): Scenario {
  const { between, happens, magnitude, pick, some } = rng;
  const kind = pick(["backup", "backup", "backup", "restore", "restore", "both"] as const);
  const contended = kind !== "restore" && happens(CONTENTION_RATE);
  const items = contended
    ? between(WIPEABLE_ITEMS_MIN, CONTENDED_ITEMS_MAX)
    : pick([0, between(1, 3), between(4, 30), between(4, 30), between(31, 300), between(300, 4000)]);
  const counts = contended ? [1, 1, 2, 3] : [1, 1, 2, 3, between(4, 9), between(10, 64)];
  const segments = happens(0.3) ? undefined : pick(counts);
  // With only a few items, one item may exceed the ceiling.
  const limitable = items >= LIMITABLE_ITEMS_MIN;
  const indexCount = happens(0.3) ? between(1, 5) : 0;
  // High enough that a restore takes minutes, not hours.
  const unitsMin = Math.ceil((items * (1 + indexCount)) / RESTORE_SECONDS_MAX);
  const ceiling = limitable && happens(0.4) ? Math.max(unitsMin, between(5, 50)) : undefined;
  const provisioned = limitable && ceiling === undefined && unitsMin <= PROVISIONED_UNITS / 2 && happens(0.2);
  const unitsPerSecond = ceiling ?? (provisioned ? PROVISIONED_UNITS / 2 : 0);
  const partitions = happens(0.3) ? between(1, 4) : Math.max(1, items);
  const data = dataOf(rng, { items, partitions, plain: unitsPerSecond > 0, restores: kind === "restore" });
  const itemBytes =
    data.items === "wide" ? wideItemBytes(rng) : Math.floor(magnitude(1, items > 300 ? 60 : 400));
  const bytes = itemBytes + OVERHEAD_BYTES[data.items];
  // At most a few hundred files for any table.
  const least = Math.max(20, Math.floor((items * bytes) / 150));
  // Under contention a segment has many batches, on which several workers meet.
  const batchBytes = Math.floor(magnitude(least, least * (contended ? CONTENDED_BATCHES : 30)));
  const wipes = kind === "backup" && items >= WIPEABLE_ITEMS_MIN ? some(0.6, 1) : 0;
  const hasSlowWorkers = wipes > 0 || contended;
  const faultRates = {
    ...faultRatesOf(rng),
    ...(hasSlowWorkers && CONTENTION),
    ...(contended && CONTENDED),
    ...(data.source.series !== undefined && items % 2 > 0 && LATE_WRITERS),
    ...(unitsPerSecond > 0 && happens(LOSSY_RATE) && LOSSY),
  };
  // A slice that is shorter than its reservations hands off without progress.
  // Runs with slow workers get a long slice budget, so that a slow put does not end the slice.
  const budgetMs = hasSlowWorkers
    ? CONTENTION_BUDGET_MS
    : Math.floor(magnitude(unitsPerSecond > 0 ? 10_000 : 200, 60_000));
  const isLastStepLong = kind !== "restore" && (segments ?? 0) >= LONG_LAST_STEP_SEGMENTS_MIN;
  const scenario = {
    kind,
    items,
    itemBytes,
    data,
    partitions,
    // Under contention a page has several batches, so that a late worker finds others ahead in the middle of a page.
    pageBytes: hasSlowWorkers
      ? batchBytes * between(2, CONTENTION_PAGE_BATCHES_MAX)
      : Math.floor(magnitude(60, Math.max(1000, least * 10))),
    backup: {
      ...(segments !== undefined && { "total-segments": segments }),
      "batch-bytes": batchBytes,
      ...(happens(0.3) && { "consistent-read": true }),
      ...(happens(0.3) && { "compression-level": between(1, 9) }),
      // Derived, not drawn, so that the other random numbers of each seed stay the same.
      ...(batchBytes % 3 === 0 && { compression: batchBytes % 2 === 0 ? "zstd" : "gzip" }),
      ...(ceiling !== undefined && { "read-units": ceiling }),
    },
    restore: {
      ...(happens(0.6) && { "total-segments": pick([1, 2, 3, between(4, 9), between(10, 64)]) }),
      ...(happens(0.6) && {
        "restore-mode": modeFor(data.source, pick(["empty-only", "merge", "if-absent", "if-absent"])),
      }),
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
      compression: batchBytes % 5 === 0 ? ("zstd" as const) : ("gzip" as const),
      batchSpacingMs: happens(0.15) ? between(50, 2000) : 0,
      maxHandoffsWithoutProgress: between(3, 20),
      maximumCompressedFileBytes: compressedBytesOf(batchBytes),
      ...data.fileBytes,
    },
    timeoutSeconds: hasSlowWorkers
      ? TIMEOUT_SECONDS_MAX
      : timeoutOf(between(60, TIMEOUT_SECONDS_MAX), isLastStepLong && unitsPerSecond === 0),
    concurrency: pick(contended ? [4, 8, between(5, 50)] : [1, 2, 4, between(5, 50)]),
    attempts: pick(contended ? [4, 6, between(4, 8)] : [2, 2, between(2, 5)]),
    faultRates,
    faultPhaseMs: Math.floor(magnitude(5000, 1_800_000)),
    faultsMax: contended ? CONTENDED_FAULTS_MAX : hasSlowWorkers ? FAULTS_MAX : between(5, FAULTS_MAX),
    ...operationsOf(rng, { wipes, hasSlowWorkers }),
  };
  const control = controlOf(rng);
  const lostAnnouncement = lostAnnouncementRateOf(rng);
  // Drawn last, so that each seed keeps its scenario.
  const crowded = kind !== "backup" && happens(CROWDED_RATE) && CROWDED;
  const rates = { ...scenario.faultRates, ...crowded, lostAnnouncement };
  return withOnly(withNewTable(withControl({ ...scenario, faultRates: rates }, control), rng));
}

/**
 * In half of the seeds a file may end by its compressed size. Of codecs in memory only zstd's shows that: it stores what it is given, and
 * gzip holds files of this size back. Derived, so that each seed keeps its scenario.
 */
function compressedBytesOf(batchBytes: number): number {
  const part = batchBytes % 7;
  return part < 4 ? Math.ceil(batchBytes / (2 + (part % 2))) : defaultSettings.maximumCompressedFileBytes;
}

/** Half of the drawn timeouts, if they may, become short. It follows from the drawn one, so that each seed keeps its scenario. */
function timeoutOf(drawnSeconds: number, mayBeShort: boolean): number {
  return mayBeShort && drawnSeconds % 2 === 0 ? SHORT_TIMEOUT_SECONDS : drawnSeconds;
}

/** Some restores with a table.json create their table. No other restore uses that table, and it is not replaced. */
function withNewTable(scenario: Scenario, { happens, pick }: Rng): Scenario {
  const { kind, control, data, indexCount } = scenario;
  const hasTableFile = kind === "both" || (kind === "restore" && data.source.kind === "own");
  if (!hasTableFile || data.source.fault !== undefined || indexCount > 0 || !happens(NEW_TABLE_RATE))
    return scenario;
  return {
    ...scenario,
    newTable: happens(FOREIGN_TABLE_RATE) ? "foreign" : "absent",
    restore: {
      ...scenario.restore,
      "create-table": true,
      ...(happens(0.3) && { "table-settings": pick(["keys", "all"]) }),
    },
    control: {
      ...control,
      copies: control.copies.filter(({ table }) => table !== 0),
      actions: { ...control.actions, recreations: 0, reusedIds: 0 },
    },
  };
}

/** A seed's operations and counted faults. They are drawn in this order, so that each seed keeps its scenario. */
function operationsOf(
  rng: Rng,
  { wipes, hasSlowWorkers }: { readonly wipes: number; readonly hasSlowWorkers: boolean },
): Pick<Scenario, "operations" | "faultCounts"> {
  const { some } = rng;
  const cancels = wipes > 0 ? WIPED_CANCELS : some(0.3, 2);
  const retries = some(0.4, 4);
  const writes = hasSlowWorkers ? rng.between(0, CONTENTION_WRITES_MAX) : some(0.6, WRITES_MAX);
  const faultCounts = faultCountsOf(rng);
  const operations = {
    cancels,
    retries,
    wipes,
    writes,
    repeats: some(0.2, 1),
    prefixConflicts: some(0.15, 1),
    otherPrefixes: some(0.5, 1),
    malformedEvents: some(0.4, 30),
  };
  return { operations, faultCounts };
}

/** Faults in which several lines become one item. Their number shows it only if the table was empty. */
const FOUND_IN_EMPTY: ReadonlySet<ArchiveFault | undefined> = new Set([
  "one key in two files",
  "table with other keys",
] as const);

/** Changes are merged into the table. */
function sourceFields({ kind, fault, series }: Data["source"]): Readonly<Record<string, unknown>> {
  return {
    ...(series !== undefined && seriesFields(series)),
    "bucket-prefix": fault === "moved" ? movedPrefixOf(kind) : prefixOf(kind),
    ...(kind === "incremental" && fault !== "mode not for changes" && { "restore-mode": "merge" }),
    ...(FOUND_IN_EMPTY.has(fault) && kind !== "incremental" && { "restore-mode": "empty-only" }),
    ...(fault === "mode not for changes" && { "restore-mode": "if-absent" }),
  };
}

/** The changes of a series cannot be applied without overwriting. */
function modeFor({ series }: Data["source"], mode: string): string {
  return series !== undefined && mode === "if-absent" ? "merge" : mode;
}

/** A weight with which the ceiling has an effect, and no item takes more than half a second of it. */
function weightOf(unitsPerSecond: number, items: number, bytes: number): number {
  const all = (LIMITED_SECONDS * unitsPerSecond * READ_UNIT_BYTES) / ((items + 1) * bytes);
  return Math.max(1, Math.min(all, (unitsPerSecond * READ_UNIT_BYTES) / 2 / bytes));
}

/** A broken archive, an incremental export and a series have no copies. An archive that is replaced is read by at least one. */
function copiesFor({ data }: Pick<Scenario, "data">, { copies, actions }: ScenarioControl): readonly Copy[] {
  const { fault, kind, series } = data.source;
  if (fault !== undefined || kind === "incremental" || series !== undefined) return [];
  if (actions.archiveReplacements === 0 || copies.some(({ archive }) => archive === "other")) return copies;
  return [...copies, { table: 1, archive: "other", mode: "empty-only", sharedId: false, afterMs: 0 }];
}

/** The scenario with its control applied to requests and settings. */
function withControl(scenario: Omit<Scenario, "control">, control: ScenarioControl): Scenario {
  const { bucketOwner, kmsKey } = control;
  const taskTimeoutMs = Math.max(
    control.taskTimeoutMs,
    SLICES_PER_ATTEMPT_MIN * scenario.settings.sliceBudgetMs,
  );
  const owner = bucketOwner !== undefined && { "bucket-owner": bucketOwner };
  return {
    ...scenario,
    control: { ...control, taskTimeoutMs, copies: copiesFor(scenario, control) },
    backup: { ...scenario.backup, ...owner, ...(kmsKey !== undefined && { "kms-key-id": kmsKey }) },
    restore: { ...scenario.restore, ...owner },
    settings: { ...scenario.settings, taskTimeoutMs },
  };
}
