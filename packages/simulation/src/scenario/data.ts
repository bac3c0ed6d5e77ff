/**
 * The data of a run: the keys of its tables, how unusual their values and items are, and how stale a read may be.
 */

import type { KeyType } from "@ferry/core/archive/key-value";
import { defaultSettings, type Settings } from "@ferry/core/settings/settings";
import type { KeyAttributes } from "@ferry/memory/item-key";
import type { Rng } from "../cloud/scheduler.ts";
import { type ArchiveFault, archiveFaults, type SourceSpec } from "./archive-kinds.ts";

export interface Data {
  /** The key schema of the tables. */
  readonly keys: KeyAttributes;
  /** Whether key values are unusual: escapes, astral characters, 38 digits, arbitrary bytes. */
  readonly oddKeys: boolean;
  /** `odd`: attributes of every type, nested; `wide`: long strings of multi-byte characters. */
  readonly items: "plain" | "odd" | "wide";
  /** The greatest age of an item that an eventually consistent scan returns, ms; 0: scans return the latest items. */
  readonly stalenessMs: number;
  /** Whether the ports are the AWS adapters on the SDK and zlib's codec, instead of memory. */
  readonly realAdapters: boolean;
  /** Whether DynamoDB executes PartiQL statements: not every engine does, and a role may lack the permission. */
  readonly statements: boolean;
  /** The archive that a restore reads, if no backup was made before. */
  readonly source: SourceSpec;
  /** The largest file that is read, and the largest that is kept in memory, decompressed bytes. */
  readonly fileBytes: Pick<Settings, "maximumFileBytes" | "maximumFileBytesInMemory">;
  /** How many times the source changes right before the first request. */
  readonly earlyWrites: number;
}

/** About how much larger an item is than its filler, bytes. */
export const OVERHEAD_BYTES = { plain: 60, odd: 600, wide: 60 } as const;

const plainKeys = [
  { name: "pk", type: "S" },
  { name: "sk", type: "N" },
] as const;

/** Nothing unusual. */
export const plainData: Data = {
  keys: plainKeys,
  oddKeys: false,
  items: "plain",
  stalenessMs: 0,
  realAdapters: false,
  statements: true,
  source: { kind: "bare", stored: "gzip" },
  fileBytes: defaultSettings,
  earlyWrites: 0,
};

/** Names of key attributes: some need escapes, some are words of the protocol or of JavaScript. */
const NAMES = [
  ["pk", "sk"],
  ['p"k\\', "s\u{1f600}k"],
  ["ключ", "a.b[0]:#"],
  ["Items", "LastEvaluatedKey"],
  ["Item", "Keys"],
  ["constructor", "__proto__"],
] as const;
const TYPES: readonly KeyType[] = ["S", "N", "B"];
const STALENESS_MS_MAX = 60_000;
/** Real adapters take many times as much CPU time: only some seeds with few items have them. */
const REAL_ADAPTERS_RATE = 0.3;
/** The bodies of writes differ more than those of scans: puts, deletes, statements, single puts, unprocessed items. */
const REAL_ADAPTERS_RESTORE_RATE = 0.5;
const REAL_ADAPTERS_ITEMS_MAX = 1000;
/** Fewer bytes than any line has. */
const TOO_FEW_BYTES = 20;
/** The share of broken archives among those that restores read. */
const BROKEN_RATE = 0.5;
/** Faults that the engine detects at several places: each place needs its own seeds. */
const WEIGHTS: Partial<Readonly<Record<ArchiveFault, number>>> = {
  "duplicate key": 4,
  "one key in two files": 4,
  "another count": 3,
  // Possible only if several items share a partition.
  "table with other keys": 12,
};
const EARLY_WRITES_MAX = 30;
/** The size of wide items, with which a file spans several chunks of a compressor. */
const WIDE_ITEM_BYTES_MIN = 2_000;
const WIDE_ITEM_BYTES_MAX = 60_000;
const WIDE_ITEMS_MAX = 30;

/** A seed's data. `plain`: the task has a ceiling, and its units are computed from the items' sizes. */
export function dataOf(
  rng: Rng,
  task: { items: number; partitions: number; plain: boolean; restores: boolean },
): Data {
  const { happens, pick, magnitude, some } = rng;
  const isOdd = happens(0.5) && !task.plain;
  const base: Data = {
    ...plainData,
    ...(isOdd && {
      keys: oddKeySchema(rng),
      oddKeys: happens(0.7),
      items: task.items <= WIDE_ITEMS_MAX && happens(0.15) ? "wide" : pick(["plain", "odd"] as const),
    }),
    stalenessMs: happens(0.5) ? Math.floor(magnitude(50, STALENESS_MS_MAX)) : 0,
    realAdapters:
      task.items <= REAL_ADAPTERS_ITEMS_MAX &&
      happens(task.restores ? REAL_ADAPTERS_RESTORE_RATE : REAL_ADAPTERS_RATE),
    // Derived, not drawn, so that the other random numbers of each seed stay the same.
    statements: task.items % 2 > 0,
    earlyWrites: some(0.4, EARLY_WRITES_MAX),
  };
  const { maximumFileBytes, maximumFileBytesInMemory } = defaultSettings;
  const source = task.restores ? sourceOf(rng, base, task) : base.source;
  return {
    ...base,
    source,
    fileBytes: {
      maximumFileBytes: source.fault === "larger than allowed" ? TOO_FEW_BYTES : maximumFileBytes,
      maximumFileBytesInMemory: happens(0.3) ? Math.floor(magnitude(1, 100_000)) : maximumFileBytesInMemory,
    },
  };
}

/** The keys of the restore's table. */
export function destinationKeys({ keys, source }: Data): KeyAttributes {
  return source.fault === "table with other keys" ? [keys[0]] : keys;
}

function sourceOf(
  { pick, happens }: Rng,
  { keys }: Data,
  { items, partitions }: { items: number; partitions: number },
): SourceSpec {
  const kind = pick(["bare", "own", "full", "full", "incremental", "incremental"] as const);
  const possible = (Object.keys(archiveFaults) as ArchiveFault[]).filter((fault) => {
    if (!(archiveFaults[fault] as readonly string[]).includes(kind)) return false;
    // An item is lost only if several items have one key.
    return fault !== "table with other keys" || (keys.length === 2 && partitions < items);
  });
  // Derived, not drawn. Ferry's own files are compressed.
  const stored = (["gzip", "zstd", kind === "own" ? "zstd" : "plain"] as const)[items % 3]!;
  const spec = { kind, stored };
  // Derived, too: a full export without a fault, and some archives that would be bare, are followed by increments.
  const isSeries = items > 0 && (kind === "full" || (kind === "bare" && items % 3 > 0));
  const series = isSeries && {
    kind: "full" as const,
    series: { increments: 1 + (items % 3), isListed: items % 4 > 1 },
  };
  const weighted = possible.flatMap((fault) => Array<ArchiveFault>(WEIGHTS[fault] ?? 1).fill(fault));
  return items > 0 && happens(BROKEN_RATE) ? { ...spec, fault: pick(weighted) } : { ...spec, ...series };
}

/** The filler size of wide items. */
export function wideItemBytes({ magnitude }: Rng): number {
  return Math.floor(magnitude(WIDE_ITEM_BYTES_MIN, WIDE_ITEM_BYTES_MAX));
}

function oddKeySchema({ pick, happens }: Rng): KeyAttributes {
  const [hash, range] = pick(NAMES);
  const first = { name: hash, type: pick(TYPES) };
  return happens(0.7) ? [first, { name: range, type: pick(TYPES) }] : [first];
}
