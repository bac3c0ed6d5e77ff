/**
 * Compares an archive with a live table, item by item: order-free digests of each segment first, then the keys of those that
 * differ.
 *
 * The first pass reads both sides once and keeps two kinds of digests: one per segment, so that the second pass reads only the
 * segments that differ, and one per slot of the keys' hash, so that it keeps only few items in memory. A table's parallel scan
 * usually divides the keys as the backup's did; if it does not, all segments differ and the second pass reads everything.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { itemKeyOf, lineSpans, readLine } from "@ferry/core/archive/data-file";
import type { ManifestFile } from "@ferry/core/archive/file-list";
import { cutPage } from "@ferry/core/archive/page";
import { readBlocks } from "@ferry/core/archive/stored-file";
import { describeKeys, keySchema } from "@ferry/core/archive/table-settings";
import type { KeyNames } from "@ferry/core/events/events";
import type { TableAddress } from "@ferry/core/request/addresses";
import type { DynamoKey } from "@ferry/core/table/dynamo-key";
import type { AwsAccess } from "../access.ts";
import { ClientError, explaining } from "../client-error.ts";
import { type DigestedItem, differingSlots, digestItem, openSetDigests, slotOf } from "./digests.ts";
import { inParallel, type OpenArchive, recorded, segmentOfFile } from "./open-archive.ts";
import type { OnBlock } from "./verify-archive.ts";

/** An item that differs, by its key in DynamoDB JSON. */
export interface Difference {
  readonly kind: "changed" | "missing" | "extra";
  readonly key: DynamoKey;
}

export interface ComparedTable {
  readonly table: TableAddress;
  readonly archiveItems: number;
  readonly tableItems: number;
  /** `changed`: in both, with other attributes. `missing`: not in the table. `extra`: only in the table. */
  readonly changed: number;
  readonly missing: number;
  readonly extra: number;
  /** The first differences, by key. */
  readonly differences: readonly Difference[];
}

export interface CompareOptions {
  readonly onItems?: (items: number) => void;
  /** The most differences to list. */
  readonly listMax?: number;
  /** A ceiling for the reads of the table, units per second. */
  readonly readUnits?: number;
}

const SLOTS = 2 ** 16;
/** The segments of a table's scan if the archive has none. */
const SCAN_SEGMENTS = 8;
const READS_AT_ONCE = 8;
/** The most items of both sides that one pass keeps in memory. */
const KEPT_MAX = 2_000_000;

/** An item of the second pass: its digest, base64, and its key in DynamoDB JSON. */
interface KeptItem {
  readonly digest: string;
  readonly key: string;
}
/** By normalized key. */
type Kept = Map<string, KeptItem>;

type Visit = (digested: DigestedItem, item: Uint8Array) => void;

/** A comparison whose archive side is filled while the archive is verified. */
export interface TableComparison {
  readonly onBlock: OnBlock;
  /** Reads the table and, if anything differs, the differing segments of both sides again. */
  finish(): Promise<ComparedTable>;
}

/**
 * Begins a comparison. ClientErrors `no-such-table`, `key-schema-mismatch`, `mode-not-possible` for an incremental export.
 */
export async function openComparison(
  access: Pick<AwsAccess, "tables" | "describe">,
  archive: OpenArchive,
  table: TableAddress,
  { onItems = () => {}, listMax = 100, readUnits }: CompareOptions = {},
): Promise<TableComparison> {
  const { manifest, files, bucket, ports } = archive;
  const onTable = { operation: "compare", resource: `table ${table.name} in ${table.region}` };
  if (manifest.lines === "changes")
    throw new ClientError("refused", "mode-not-possible", {
      message: "An incremental export holds changes, not the table's items.",
      hint: "Verify it without --against.",
    });
  const keys = keySchema(await explaining(onTable, () => access.describe(table)));
  if (manifest.keys !== undefined && describeKeys(manifest.keys) !== describeKeys(keys))
    throw new ClientError("refused", "key-schema-mismatch", {
      message: `The table's keys are ${describeKeys(keys)}; the archive's items have ${describeKeys(manifest.keys)}.`,
      hint: "Compare with a table that has the archive's keys.",
    });
  const names = keys.map(({ name }) => name) as unknown as KeyNames;
  const segments = manifest.own
    ? files.reduce((most, file) => Math.max(most, segmentOfFile(archive, file)! + 1), 1)
    : 0;
  /** An archive without segments is one set. */
  const sets = Math.max(1, segments);
  const scanSegments = segments === 0 ? SCAN_SEGMENTS : segments;
  const setOf = (segment: number | undefined) => (segments === 0 ? 0 : segment!);
  const setOfFile = (file: ManifestFile) => setOf(segmentOfFile(archive, file));
  const pace = pacer(readUnits);

  const side = () => ({ items: 0, sets: openSetDigests(sets), slots: openSetDigests(SLOTS) });
  const stored = side();
  const live = side();
  const note = (to: typeof stored, set: number, { key, digest }: DigestedItem) => {
    to.items++;
    to.sets.add(set, digest);
    to.slots.add(slotOf(key, SLOTS), digest);
  };

  function eachItem(block: Parameters<OnBlock>[1], visit: Visit): void {
    for (const span of lineSpans(block.bytes)) {
      const line = readLine(block.bytes, span, manifest.lines);
      if ("put" in line) visit(digestItem(line.put, keys), line.put);
    }
  }

  async function scan(segment: number, visit: Visit): Promise<void> {
    let after: DynamoKey | undefined;
    do {
      const page = cutPage(
        await explaining(onTable, () =>
          access.tables.scan({
            table,
            segment,
            totalSegments: scanSegments,
            consistent: true,
            ...(after !== undefined && { after }),
          }),
        ),
      );
      for (let i = 0; i < page.bounds.length; i += 2) {
        const item = page.body.subarray(page.bounds[i], page.bounds[i + 1]);
        visit(digestItem(item, keys), item);
      }
      after = page.lastEvaluatedKey;
      await pace(page.units);
    } while (after !== undefined);
  }

  const allSegments = Array.from({ length: scanSegments }, (_, segment) => segment);

  /** The items in some slots of the sets that differ, of both sides. */
  async function itemsIn(slots: ReadonlySet<number>, differingSets: ReadonlySet<number>) {
    const collect = () => {
      const items: Kept = new Map();
      const add: Visit = ({ key, digest }, item) => {
        if (!slots.has(slotOf(key, SLOTS))) return;
        items.set(key, {
          digest: Buffer.from(digest).toString("base64"),
          key: JSON.stringify(itemKeyOf(item, names)),
        });
      };
      return { items, add };
    };
    const archived = collect();
    const scanned = collect();
    await Promise.all([
      inParallel(
        files.filter((file) => differingSets.has(setOfFile(file))),
        READS_AT_ONCE,
        async (file) => {
          for await (const block of readBlocks(bucket, recorded(file), ports)) eachItem(block, archived.add);
        },
      ),
      inParallel(
        allSegments.filter((segment) => differingSets.has(setOf(segment))),
        READS_AT_ONCE,
        (segment) => scan(segment, scanned.add),
      ),
    ]);
    return { archived: archived.items, scanned: scanned.items };
  }

  return {
    onBlock: (file, block) => eachItem(block, (item) => note(stored, setOfFile(file), item)),
    async finish() {
      await inParallel(allSegments, READS_AT_ONCE, (segment) =>
        scan(segment, (item) => {
          note(live, setOf(segment), item);
          onItems(live.items);
        }),
      );
      const differingSets = new Set(differingSlots(stored.sets, live.sets, sets));
      const passes = passesOf(differingSlots(stored.slots, live.slots, SLOTS), (slot) =>
        Math.max(stored.slots.count(slot), live.slots.count(slot)),
      );
      const found: Difference[] = [];
      for (const slots of passes) {
        const { archived, scanned } = await itemsIn(slots, differingSets);
        found.push(...differencesOf(archived, scanned));
      }
      found.sort((a, b) => (JSON.stringify(a.key) < JSON.stringify(b.key) ? -1 : 1));
      const numberOf = (kind: Difference["kind"]) => found.filter((one) => one.kind === kind).length;
      return {
        table,
        archiveItems: stored.items,
        tableItems: live.items,
        changed: numberOf("changed"),
        missing: numberOf("missing"),
        extra: numberOf("extra"),
        differences: found.slice(0, listMax),
      };
    },
  };
}

/** Divides slots into groups of at most KEPT_MAX items of a side. */
function passesOf(slots: readonly number[], itemsIn: (slot: number) => number): Set<number>[] {
  const passes: Set<number>[] = [];
  let left = 0;
  for (const slot of slots) {
    const items = itemsIn(slot);
    if (items > left || passes.length === 0) {
      passes.push(new Set());
      left = KEPT_MAX;
    }
    passes.at(-1)!.add(slot);
    left -= items;
  }
  return passes;
}

function* differencesOf(archived: Kept, scanned: Kept): Generator<Difference, void, void> {
  const difference = (kind: Difference["kind"], { key }: KeptItem) => ({
    kind,
    key: JSON.parse(key) as DynamoKey,
  });
  for (const [key, item] of archived) {
    const other = scanned.get(key);
    if (other === undefined) yield difference("missing", item);
    else if (other.digest !== item.digest) yield difference("changed", item);
  }
  for (const [key, item] of scanned) if (!archived.has(key)) yield difference("extra", item);
}

/** Waits after a page until its units fit the ceiling. All scans share it. */
function pacer(unitsPerSecond: number | undefined): (units: number) => Promise<void> {
  let freeMs = performance.now();
  return async (units) => {
    if (unitsPerSecond === undefined) return;
    freeMs = Math.max(freeMs, performance.now()) + (1000 * units) / unitsPerSecond;
    await sleep(freeMs - performance.now());
  };
}
