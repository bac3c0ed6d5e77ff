/**
 * What the tables of a run hold: which keys, how odd their values and items are, and how stale a read may be.
 */
import { defaultSettings, type Settings } from "@ferry/core/settings";
import type { KeyAttributes } from "@ferry/memory/item-key";
import type { KeyType } from "@ferry/memory/order";
import type { Rng } from "../cloud/scheduler.ts";
import { type ArchiveFault, archiveFaults, type SourceSpec } from "./archives.ts";

export interface Data {
  /** The key schema of the tables. */
  readonly keys: KeyAttributes;
  /** Whether key values are such as few programs write: escapes, astral characters, 38 digits, any bytes. */
  readonly oddKeys: boolean;
  /** `odd`: attributes of every type, nested; `wide`: strings of many bytes a character. */
  readonly items: "plain" | "odd" | "wide";
  /** How old what an eventually consistent scan returns may be, ms; 0 where it reads the latest of everything. */
  readonly stalenessMs: number;
  /** Whether the AWS adapters, the SDK and zlib's codec are at work, instead of memory behind the ports. */
  readonly realAdapters: boolean;
  /** Whether DynamoDB executes PartiQL statements for Ferry; not every engine does, and a role may lack the permission. */
  readonly statements: boolean;
  /** What a restore reads, where nothing is backed up before. */
  readonly source: SourceSpec;
  /** The largest file that is kept in memory, and that is read at all, decompressed bytes. */
  readonly fileBytes: Pick<Settings, "maximumFileBytes" | "maximumFileBytesInMemory">;
  /** Changes of the source right before the first request. */
  readonly earlyWrites: number;
}

/** What an item is larger by than its filler, about, bytes. */
export const OVERHEAD_BYTES = { plain: 60, odd: 600, wide: 60 } as const;

const plainKeys = [
  { name: "pk", type: "S" },
  { name: "sk", type: "N" },
] as const;

/** No oddity at all. */
export const plainData: Data = {
  keys: plainKeys,
  oddKeys: false,
  items: "plain",
  stalenessMs: 0,
  realAdapters: false,
  statements: true,
  source: { kind: "bare" },
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
/** They cost many times the processor's time: a share of the seeds, of few items. */
const REAL_SHARE = 0.3;
const REAL_ITEMS_MAX = 1000;
/** No line has so few. */
const TOO_FEW_BYTES = 20;
/** Of the archives that restores read. */
const BROKEN_SHARE = 0.5;
/** Faults that several checks of the engine look for, one behind the other: each needs seeds of its own. */
const WEIGHTS: Partial<Readonly<Record<ArchiveFault, number>>> = {
  "duplicate key": 4,
  "one key in two files": 4,
  "table with other keys": 4,
};
const EARLY_WRITES_MAX = 30;
/** Of wide items: files then span several chunks of a compressor. */
const WIDE_ITEM_BYTES_MIN = 2_000;
const WIDE_ITEM_BYTES_MAX = 60_000;
const WIDE_ITEMS_MAX = 30;

/** A seed's data. `plain`: of a task with a ceiling, whose units are reckoned from the items' sizes. */
export function dataOf(
  chance: Rng,
  about: { items: number; partitions: number; plain: boolean; restores: boolean },
): Data {
  const { happens, pick, between, magnitude } = chance;
  const isOdd = happens(0.5) && !about.plain;
  const base: Data = {
    ...plainData,
    ...(isOdd && {
      keys: oddKeySchema(chance),
      oddKeys: happens(0.7),
      items: about.items <= WIDE_ITEMS_MAX && happens(0.15) ? "wide" : pick(["plain", "odd"] as const),
    }),
    stalenessMs: happens(0.5) ? Math.floor(magnitude(50, STALENESS_MS_MAX)) : 0,
    realAdapters: about.items <= REAL_ITEMS_MAX && happens(REAL_SHARE),
    // Not drawn: what else a seed draws stays as it is.
    statements: about.items % 2 > 0,
    earlyWrites: happens(0.4) ? between(1, EARLY_WRITES_MAX) : 0,
  };
  const { maximumFileBytes, maximumFileBytesInMemory } = defaultSettings;
  const source = about.restores ? sourceOf(chance, base, about) : base.source;
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
    // Only where several items come to have one key is something lost.
    return fault !== "table with other keys" || (keys.length === 2 && partitions < items);
  });
  const weighted = possible.flatMap((fault) => Array<ArchiveFault>(WEIGHTS[fault] ?? 1).fill(fault));
  return items > 0 && happens(BROKEN_SHARE) ? { kind, fault: pick(weighted) } : { kind };
}

/** The filler of wide items. */
export function wideItemBytes({ magnitude }: Rng): number {
  return Math.floor(magnitude(WIDE_ITEM_BYTES_MIN, WIDE_ITEM_BYTES_MAX));
}

function oddKeySchema({ pick, happens }: Rng): KeyAttributes {
  const [hash, range] = pick(NAMES);
  const first = { name: hash, type: pick(TYPES) };
  return happens(0.7) ? [first, { name: range, type: pick(TYPES) }] : [first];
}
