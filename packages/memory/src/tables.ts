/**
 * Tables in memory, with DynamoDB's semantics as far as the port needs them: partitions by hash, order by range, pages
 * limited by bytes, validation, and faults on request. Items are stored as the written bytes.
 */

import type { FerryError } from "@ferry/core/errors/errors";
import type { KeyNames } from "@ferry/core/events/events";
import type { InsertOutcome, ScanPage, TableData, TableDescription, Write } from "@ferry/core/ports";
import { type TableAddress, tableResource } from "@ferry/core/request/addresses";
import { bareTableName } from "@ferry/core/request/request";
import type { DynamoKey } from "@ferry/core/table/dynamo-key";
import { keyDefinition } from "@ferry/core/table/key-definition";
import { invalid, noSuchTable, throttled } from "./errors.ts";
import { compareKeys, type ItemKey, type KeyAttributes, keyOf, readKey, segmentOf } from "./item-key.ts";
import { valuesOf } from "./item-values.ts";
import { scanBody } from "./scan-body.ts";

const WRITES_MAX = 25;
const ITEM_BYTES_MAX = 400 * 1024;
const SEGMENTS_MAX = 1_000_000;
/** The bytes of which a page is charged a multiple. */
const READ_UNIT_BYTES = 4096;

/** A fault of a scan: it is throttled, or returns fewer items than it could, possibly none. */
export type ScanFault = "throttled" | { readonly itemsMax: number } | undefined;
/** A fault of a write: it is throttled, or leaves the last `unprocessed` writes unprocessed. */
export type WriteFault = "throttled" | { readonly unprocessed: number } | undefined;

export interface MemoryTablesOptions {
  /** The size at which a page ends; DynamoDB's is 1 MB. */
  readonly pageBytes?: number;
  /** A source of numbers in [0, 1) by which the order of members and the white space of bodies vary. */
  readonly layout?: () => number;
  /** A factor on the sizes from which capacity units are computed. Default 1. */
  readonly weight?: number;
  /** Called with the capacity units that each call consumed. */
  readonly consumed?: (table: TableAddress, kind: "read" | "write", units: number) => void;
  /**
   * How stale an eventually consistent scan may be: it returns any version of an item that was current within the last
   * `msMax` by `now`. So it may return a deleted item and miss a new one. If absent, such a scan reads the latest versions,
   * as a consistent one always does.
   */
  readonly staleness?: {
    readonly now: () => number;
    readonly msMax: number;
    /** In [0, 1). */
    readonly random: () => number;
  };
  readonly faults?: {
    readonly scan?: (page: ScanPage) => ScanFault;
    readonly write?: (table: TableAddress, writes: readonly Write[]) => WriteFault;
  };
}

export interface TableSpec {
  readonly keys: KeyAttributes;
  /** Default `ACTIVE`. */
  readonly status?: string;
  readonly provisioned?: { readonly readUnits: number; readonly writeUnits: number };
  readonly settings?: Readonly<Record<string, unknown>>;
  /** A write consumes as many units for each index as for the table. Default 0. */
  readonly indexCount?: number;
  /** Default: the size of the stored items; on AWS it may be six hours old. */
  readonly sizeBytes?: number;
}

/** Tables, and what operators and applications do with them. */
export interface MemoryTables extends TableData {
  create(table: TableAddress, spec: TableSpec): void;
  drop(table: TableAddress): void;
  /** Whether there is a table of this name, in any status. */
  has(table: TableAddress): boolean;
  /** The id of the table that has this name. */
  idOf(table: TableAddress): string;
  /** Puts items as an application would: JSON texts, or bytes. */
  put(table: TableAddress, ...items: readonly (string | Uint8Array)[]): void;
  /** Deletes the item with this key, as an application would. */
  remove(table: TableAddress, key: DynamoKey): void;
  /** The item with this key, if there is one. */
  find(table: TableAddress, key: DynamoKey): Uint8Array | undefined;
  /** Every item as the written bytes, in the order of a scan. */
  items(table: TableAddress): Uint8Array[];
  /** The same as texts. */
  texts(table: TableAddress): string[];
}

/** The state of a key: an item, or none after a delete. */
interface KeyState {
  /** In the latest item's notation: `1` and `1.0` are the same key. */
  key: ItemKey;
  item?: Uint8Array;
  /** Earlier versions that an eventually consistent read may return, oldest first. */
  earlier?: readonly Earlier[];
}

/** A version that is no longer current. */
interface Earlier {
  readonly item?: Uint8Array;
  /** When it was replaced or deleted. */
  readonly untilMs: number;
}

interface Table {
  readonly address: TableAddress;
  /** Different for each creation of a table. */
  readonly id: string;
  readonly spec: TableSpec;
  /** In the order of a scan. */
  readonly keyStates: KeyState[];
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Tables in memory. They are deterministic: clock and random numbers come from `options`. */
export function memoryTables(options: MemoryTablesOptions = {}): MemoryTables {
  const pageBytes = options.pageBytes ?? 1024 * 1024;
  const weight = options.weight ?? 1;
  const consumed = options.consumed ?? (() => {});
  const tables = new Map<string, Table>();
  let created = 0;

  const { staleness } = options;

  /** Keeps the current version as an earlier one. Must be called before each change of a key. */
  function remember(state: KeyState): void {
    if (staleness === undefined) return;
    const nowMs = staleness.now();
    const before = (state.earlier ?? []).filter(({ untilMs }) => untilMs > nowMs - staleness.msMax);
    state.earlier = [...before, { ...(state.item !== undefined && { item: state.item }), untilMs: nowMs }];
  }

  /** Stores a copy, since callers may change their buffers. */
  function store(table: Table, key: ItemKey, item: Uint8Array): void {
    let state = keyStateAt(table, key);
    if (state === undefined) {
      state = { key };
      table.keyStates.splice(firstAfter(table.keyStates, key), 0, state);
    }
    remember(state);
    // A copy: `slice` of a Buffer would share its memory.
    Object.assign(state, { key, item: new Uint8Array(item) });
  }

  function clear(table: Table, key: ItemKey): void {
    const state = keyStateAt(table, key);
    if (state?.item === undefined) return;
    remember(state);
    delete state.item;
  }

  /** The version of a key that a scan returns. */
  function itemRead(state: KeyState, consistent: boolean): Uint8Array | undefined {
    if (consistent || staleness === undefined || state.earlier === undefined) return state.item;
    const fromMs = staleness.now() - staleness.msMax;
    const versions = [state, ...state.earlier.filter(({ untilMs }) => untilMs > fromMs)];
    return versions[Math.floor(staleness.random() * versions.length)]!.item;
  }

  const find = (operation: string, address: TableAddress): Table => {
    const table = tables.get(nameOf(address));
    if (table === undefined) throw noSuchTable(operation, address);
    return table;
  };
  const itemsOf = (address: TableAddress) =>
    find("items", address)
      .keyStates.map(({ item }) => item)
      .filter((item) => item !== undefined);
  const usable = (operation: string, address: TableAddress): Table => {
    const table = find(operation, address);
    const status = table.spec.status ?? "ACTIVE";
    // DynamoDB reports a table that is being created or deleted as missing.
    if (status !== "ACTIVE" && status !== "UPDATING") throw noSuchTable(operation, address);
    return table;
  };

  /** Reads a page for a scan or a count. */
  function pageOf(page: ScanPage) {
    const table = usable("Scan", page.table);
    const resource = tableResource(page.table);
    if (!isSegment(page))
      throw invalid("Scan", resource, `no segment ${page.segment} of ${page.totalSegments}`);
    if (page.limit !== undefined && !(page.limit >= 1))
      throw invalid("Scan", resource, `Limit must be at least 1, got ${page.limit}`);
    const after = page.after === undefined ? undefined : startKey(table, page, page.after);
    const fault = options.faults?.scan?.(page);
    if (fault === "throttled") throw throttled("Scan", resource);
    const limit = Math.min(
      page.limit ?? Number.POSITIVE_INFINITY,
      fault?.itemsMax ?? Number.POSITIVE_INFINITY,
    );
    const read = readPage(table, page, after, { limit, pageBytes, itemRead });
    const bytes = read.items.reduce((sum, item) => sum + item.length, 0) * weight;
    const units = Math.ceil(Math.max(bytes, 1) / READ_UNIT_BYTES) * (page.consistent ? 1 : 0.5);
    consumed(page.table, "read", units);
    return { ...read, units, bytes };
  }

  /** Checks the writes of a call together: one invalid item refuses all of them. `taken`: how many of them are made. */
  function batchOf<W extends Write>(operation: string, address: TableAddress, writes: readonly W[]) {
    const table = usable(operation, address);
    const resource = tableResource(address);
    if (writes.length < 1 || writes.length > WRITES_MAX)
      throw invalid(operation, resource, `1 to ${WRITES_MAX} writes a call, got ${writes.length}`);
    const keyed = writes.map((write) => ({ write, key: checkedKey(operation, table, write) }));
    if (new Set(keyed.map(({ key }) => key.values.join("/"))).size < writes.length)
      throw invalid(operation, resource, "Provided list of item keys contains duplicates");
    const fault = options.faults?.write?.(address, writes);
    if (fault === "throttled") throw throttled(operation, resource);
    // If nothing could be written, DynamoDB would throw instead.
    return { table, keyed, taken: Math.max(1, writes.length - (fault?.unprocessed ?? 0)) };
  }

  return {
    create(address, spec) {
      const id = `${bareTableName(address.name)}-created-${++created}`;
      tables.set(nameOf(address), { address, id, spec, keyStates: [] });
    },
    drop(address) {
      tables.delete(nameOf(address));
    },
    idOf: (address) => find("DescribeTable", address).id,
    has: (address) => tables.has(nameOf(address)),
    put(address, ...items) {
      const table = find("put", address);
      const keyed = items.map((item) => {
        const bytes = typeof item === "string" ? encoder.encode(item) : item;
        return { bytes, key: readKey(bytes, table.spec.keys) };
      });
      // In the order of the keys, so that an empty table is filled at its end: an insertion moves all items after it.
      for (const { key, bytes } of keyed.sort((a, b) => compareKeys(a.key, b.key))) store(table, key, bytes);
    },
    remove(address, key) {
      const table = find("remove", address);
      clear(table, keyOf(key, table.spec.keys));
    },
    find(address, key) {
      const table = usable("BatchGetItem", address);
      return itemAt(table, keyOf(key, table.spec.keys))?.slice();
    },
    items: (address) => itemsOf(address).map((item) => item.slice()),
    texts: (address) => itemsOf(address).map((item) => decoder.decode(item)),

    async describe(address) {
      return description(find("DescribeTable", address), weight);
    },

    async settings(address) {
      const { spec } = find("DescribeTable", address);
      return spec.settings ?? { Table: tableDefinition(address.name, spec) };
    },

    async identify(address) {
      return find("DescribeTable", address).id;
    },

    async scan(page) {
      const { units, bytes, ...read } = pageOf(page);
      const body = scanBody({ ...read, units, tableName: bareTableName(page.table.name) }, options.layout);
      return padded(body, Math.min(bytes, READ_UNIT_BYTES));
    },

    async count(page) {
      const { items, lastEvaluatedKey, units } = pageOf(page);
      return {
        items: items.length,
        ...(lastEvaluatedKey !== undefined && { after: lastEvaluatedKey }),
        units,
      };
    },

    async write(address, writes) {
      const { table, keyed, taken } = batchOf("BatchWriteItem", address, writes);
      let units = 0;
      for (const { write, key } of keyed.slice(0, taken)) {
        units += writeUnits(table, key, bytesOf(write), weight);
        if ("put" in write) store(table, key, write.put);
        else clear(table, key);
      }
      consumed(address, "write", units);
      return { unprocessed: writes.slice(taken), units };
    },

    async insert(address, items, keys) {
      const operation = "BatchExecuteStatement";
      const { spec } = usable(operation, address);
      if (keys.join() !== spec.keys.map(({ name }) => name).join())
        throw invalid(operation, tableResource(address), `the table's keys are not ${keys.join()}`);
      const puts = items.map((put) => ({ put }));
      const { table, keyed, taken } = batchOf(operation, address, puts);
      let units = 0;
      const outcomes = keyed.map(({ write, key }, i): InsertOutcome => {
        if (i >= taken) return "unprocessed";
        const existing = itemAt(table, key);
        // A put that is refused writes to no index.
        const unitsOf = existing === undefined ? writeUnits : tableUnits;
        units += unitsOf(table, key, write.put, weight);
        if (existing !== undefined) return isSameItem(existing, write.put) ? "same" : "exists";
        store(table, key, write.put);
        return "stored";
      });
      consumed(address, "write", units);
      return { outcomes, units };
    },
  };
}

function isSameItem(a: Uint8Array, b: Uint8Array): boolean {
  return valuesOf(decoder.decode(a)) === valuesOf(decoder.decode(b));
}

/** Region and name: an ARN names the same table. */
function nameOf(address: TableAddress): string {
  return `${address.region}/${bareTableName(address.name)}`;
}

function description({ address, id, spec, keyStates }: Table, weight: number): TableDescription {
  const name = bareTableName(address.name);
  const arn = `arn:aws:dynamodb:${address.region}:000000000000:table/${name}`;
  return {
    arn,
    id,
    status: spec.status ?? "ACTIVE",
    keys: spec.keys.map((key) => key.name) as unknown as KeyNames,
    keyTypes: Object.fromEntries(spec.keys.map((key) => [key.name, key.type])),
    sizeBytes:
      spec.sizeBytes ??
      Math.round(keyStates.reduce((sum, { item }) => sum + (item?.length ?? 0), 0) * weight),
    indexCount: spec.indexCount ?? 0,
    itemCount: keyStates.filter(({ item }) => item !== undefined).length,
    ...(spec.provisioned !== undefined && { provisioned: spec.provisioned }),
  };
}

/** The parts of DescribeTable's answer from which a table can be created again. */
export function tableDefinition(name: string, { keys, provisioned }: TableSpec) {
  return {
    TableName: bareTableName(name),
    ...keyDefinition(keys),
    ...(provisioned !== undefined && {
      ProvisionedThroughput: {
        ReadCapacityUnits: provisioned.readUnits,
        WriteCapacityUnits: provisioned.writeUnits,
      },
    }),
  };
}

function isSegment({ segment, totalSegments }: ScanPage): boolean {
  return (
    Number.isInteger(totalSegments) &&
    totalSegments >= 1 &&
    totalSegments <= SEGMENTS_MAX &&
    Number.isInteger(segment) &&
    segment >= 0 &&
    segment < totalSegments
  );
}

/** An exclusive start key is valid whether or not its item exists, but only in its own segment. */
function startKey(table: Table, page: ScanPage, after: DynamoKey): ItemKey {
  const refused = (reason: string): FerryError =>
    invalid("Scan", tableResource(page.table), `The provided starting key is invalid: ${reason}`);
  if (Object.keys(after).length !== table.spec.keys.length) throw refused("it does not match the schema");
  let key: ItemKey;
  try {
    key = keyOf(after, table.spec.keys);
  } catch (error) {
    throw refused((error as Error).message);
  }
  if (segmentOf(key, page.totalSegments) !== page.segment)
    throw refused(`it is in segment ${segmentOf(key, page.totalSegments)}, not in ${page.segment}`);
  return key;
}

/**
 * Reads one page. If it ends by `limit` or bytes, it has the last key that it passed, although nothing may follow. A page
 * without items passed only deleted ones, or its limit is 0.
 */
function readPage(
  table: Table,
  page: ScanPage,
  after: ItemKey | undefined,
  {
    limit,
    pageBytes,
    itemRead,
  }: {
    limit: number;
    pageBytes: number;
    itemRead: (state: KeyState, consistent: boolean) => Uint8Array | undefined;
  },
): { items: Uint8Array[]; lastEvaluatedKey?: DynamoKey } {
  const items: Uint8Array[] = [];
  let bytes = 0;
  let last = after;
  for (
    let i = after === undefined ? 0 : firstAfter(table.keyStates, after);
    i < table.keyStates.length;
    i++
  ) {
    const state = table.keyStates[i]!;
    const { key } = state;
    const segment = segmentOf(key, page.totalSegments);
    if (segment > page.segment) break;
    if (segment < page.segment) continue;
    const item = itemRead(state, page.consistent);
    // At a segment's start there may be no key to return: then the page has one item despite the limit.
    if (item !== undefined && items.length >= limit && last !== undefined)
      return { items, lastEvaluatedKey: last.json };
    last = key;
    if (item === undefined) continue;
    items.push(item);
    bytes += item.length;
    if (items.length >= limit || bytes >= pageBytes) return { items, lastEvaluatedKey: key.json };
  }
  return { items };
}

function checkedKey(operation: string, table: Table, write: Write): ItemKey {
  const bytes = bytesOf(write);
  try {
    if (bytes.length > ITEM_BYTES_MAX)
      throw new RangeError("Item size has exceeded the maximum allowed size");
    const key = readKey(bytes, table.spec.keys);
    if ("remove" in write && memberCount(bytes) !== key.values.length)
      throw new RangeError("The provided key element does not match the schema");
    return key;
  } catch (error) {
    throw invalid(operation, tableResource(table.address), (error as Error).message);
  }
}

function memberCount(json: Uint8Array): number {
  return Object.keys(JSON.parse(decoder.decode(json)) as object).length;
}

function bytesOf(write: Write): Uint8Array {
  return "put" in write ? write.put : write.remove;
}

/**
 * The body with white space up to this size. The JSON of items is never smaller than what DynamoDB counts, and a weight must not change
 * that. Only the size of a page that consumes the smallest amount matters.
 */
function padded(body: Uint8Array, bytesMin: number): Uint8Array {
  if (body.length >= bytesMin) return body;
  const longer = new Uint8Array(bytesMin).fill(0x20);
  longer.set(body);
  return longer;
}

/** What a write consumes of the table and of its indexes. */
function writeUnits(table: Table, key: ItemKey, bytes: Uint8Array, weight: number): number {
  return tableUnits(table, key, bytes, weight) * (1 + (table.spec.indexCount ?? 0));
}

/** One unit per KiB of the larger of the items before and after the write. */
function tableUnits(table: Table, key: ItemKey, bytes: Uint8Array, weight: number): number {
  return Math.ceil((Math.max(bytes.length, itemAt(table, key)?.length ?? 0) * weight) / 1024);
}

function itemAt(table: Table, key: ItemKey): Uint8Array | undefined {
  return keyStateAt(table, key)?.item;
}

function keyStateAt(table: Table, key: ItemKey): KeyState | undefined {
  const before = table.keyStates[firstAfter(table.keyStates, key) - 1];
  return before !== undefined && compareKeys(before.key, key) === 0 ? before : undefined;
}

/** The index of the first key state after `key`. */
function firstAfter(keyStates: readonly KeyState[], key: ItemKey): number {
  let low = 0;
  let high = keyStates.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareKeys(keyStates[middle]!.key, key) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
