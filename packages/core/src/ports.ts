/**
 * The engine's interfaces to the outside. Each port has at least two hosts: AWS (packages/aws) and memory
 * (packages/memory); one contract suite runs on both. Every call may be repeated unless its comment says otherwise.
 */

import type { Compression } from "./archive/compression.ts";
import type { ErrorReport } from "./errors/errors.ts";
import type { Counts, FerryEvent, KeyNames, NearRow, SegmentWork } from "./events/events.ts";
import type { SegmentRecord, TaskRow, TaskState } from "./projection/status.ts";
import type { BucketAddress, TableAddress } from "./request/addresses.ts";
import type { RowKey, TaskRef } from "./request/task.ts";
import type { TableLease } from "./restore/lease-schema.ts";
import type { Window } from "./restore/windows.ts";
import type { Settings } from "./settings/settings.ts";
import type { DynamoKey } from "./table/dynamo-key.ts";

export interface TableDescription {
  readonly arn: string;
  readonly id?: string;
  /** `ACTIVE` when it can be read and written. */
  readonly status: string;
  readonly keys: KeyNames;
  /** The types of the key attributes, by name: S, N or B. */
  readonly keyTypes: Readonly<Record<string, string>>;
  /** Both up to six hours old on AWS. */
  readonly sizeBytes: number;
  readonly itemCount: number;
  /** Global and local secondary indexes. */
  readonly indexCount: number;
  /** Provisioned capacity, units per second; absent on an on-demand table. */
  readonly provisioned?: { readonly readUnits: number; readonly writeUnits: number };
}

/** A table's settings as in table.json: plain JSON with the DynamoDB API's field names. */
export type TableSettings = Readonly<Record<string, unknown>>;

export interface ScanPage {
  readonly table: TableAddress;
  readonly segment: number;
  readonly totalSegments: number;
  /** The key of the last item that was read; absent at the segment's start. */
  readonly after?: DynamoKey;
  readonly consistent: boolean;
  /** The most items to return; absent for a full page (1 MB). */
  readonly limit?: number;
}

/** The number of items on one page. */
export interface ItemCount {
  readonly items: number;
  /** The key after which the next page starts; absent at the segment's end. */
  readonly after?: DynamoKey;
  /** Capacity units consumed; 0 if the table does not report them. */
  readonly units: number;
}

/** One write of a restore, with the bytes of the archive. */
export type Write = { readonly put: Uint8Array } | { readonly remove: Uint8Array };

export interface WriteResult {
  /** Writes that the table did not accept because its capacity was used up. They must be sent again. */
  readonly unprocessed: readonly Write[];
  /** Capacity units consumed; 0 if the table does not report them. */
  readonly units: number;
}

/**
 * The result of one insert. `same`: the table already held this very item, from an earlier call or another writer.
 * `exists`: the table held another item with this key. `unprocessed`: unknown; the item must be sent again.
 */
export type InsertOutcome = "stored" | "same" | "exists" | "unprocessed";

export interface InsertResult {
  readonly outcomes: readonly InsertOutcome[];
  /** Write units consumed, including those of refused puts; estimated from sizes if the table does not report them. */
  readonly units: number;
}

/** The items of tables. It is the hot path: bytes go in and out and are never parsed. */
export interface TableData {
  /** The table's keys and size. Permanent error if the table does not exist or access is denied. */
  describe(table: TableAddress): Promise<TableDescription>;
  /**
   * The table's settings, for table.json. Settings that an engine does not have, or that another account's table does not
   * disclose, are listed as not read. Permanent error if the table does not exist or access is denied.
   */
  settings(table: TableAddress): Promise<TableSettings>;
  /**
   * The id of the table that has this name now. A table that is deleted and created again gets a new id. Absent if the
   * database engine has no ids. Permanent error if the table does not exist or access is denied.
   */
  identify(table: TableAddress): Promise<string | undefined>;
  /**
   * The raw body of one Scan response: `{"Items":[…],"LastEvaluatedKey"?:{…},"ConsumedCapacity":{…},…}`. If it is all of its
   * buffer, the caller may free it: nothing else uses it.
   */
  scan(page: ScanPage): Promise<Uint8Array>;
  /** Counts the items of one scan page. It consumes as many units as reading the page. */
  count(page: ScanPage): Promise<ItemCount>;
  /** Writes up to 25 puts or removals with distinct keys. Writes that were not accepted are returned, never dropped. */
  write(table: TableAddress, writes: readonly Write[]): Promise<WriteResult>;
  /**
   * Puts up to 25 items with distinct keys; an item is skipped if the table holds an item with its key. Permanent error if
   * two items have the same key or an item does not fit the table; other items of the call may have been put.
   */
  insert(table: TableAddress, items: readonly Uint8Array[], keys: KeyNames): Promise<InsertResult>;
}

/** The definition of a table to create: the fields of DynamoDB's CreateTable, except its name and tags. Plain JSON. */
export type TableDefinition = Readonly<Record<string, unknown>>;

/**
 * A setting that a table gets after its data. `tags` replace nothing: tags with other keys stay. `policy`: the JSON text of a
 * resource-based policy. `days`: how far back a point-in-time recovery reaches; absent for DynamoDB's default.
 */
export type LateSetting =
  | { readonly name: "stream"; readonly viewType: string }
  | { readonly name: "time-to-live"; readonly attribute: string }
  | { readonly name: "point-in-time-recovery"; readonly days?: number }
  | { readonly name: "deletion-protection" }
  | { readonly name: "tags"; readonly tags: Readonly<Record<string, string>> }
  | { readonly name: "resource-policy"; readonly policy: string };

/** Creates tables and gives them settings. Only restores with `create-table` use it. */
export interface TableAdmin {
  /**
   * Creates the table with `owner` as its owner, in one step, and returns its description; it is usable when its status is
   * ACTIVE. Returns undefined if a table with this name exists. Permanent error if the definition is refused or access is
   * denied.
   */
  create(
    table: TableAddress,
    definition: TableDefinition,
    owner: string,
  ): Promise<TableDescription | undefined>;
  /**
   * The owner of the table with this ARN, or undefined. Of a table that was created a few seconds ago it may be undefined
   * although it has one.
   */
  owner(table: TableAddress, arn: string): Promise<string | undefined>;
  /**
   * Gives the table with this ARN a setting; a setting that it has already is not changed. `tags` also removes the owner.
   * `pending`: the table is being changed, and the call must be repeated later. Permanent error if the setting is refused.
   */
  apply(table: TableAddress, arn: string, setting: LateSetting): Promise<"applied" | "pending">;
}

/** User metadata: lower-case names, ASCII values, 2 KB at most. */
export type ObjectMetadata = Readonly<Record<string, string>>;

export interface ObjectHead {
  readonly metadata: ObjectMetadata;
  readonly etag: string;
  readonly sizeBytes: number;
}

/** The bytes of a new object that are not in memory. */
export interface StreamedBody {
  readonly sizeBytes: number;
  /** All bytes in order, in chunks of any size. Called again if the put is repeated. Its errors are thrown unchanged. */
  chunks(): AsyncIterable<Uint8Array>;
}

/** An object in a listing. */
export interface ListedObject {
  readonly key: string;
  /** The same as in `ObjectHead`. */
  readonly etag: string;
}

/** An object being read. */
export interface OpenObject {
  /** `sizeBytes` is the size of the whole object. */
  readonly head: ObjectHead;
  /**
   * The object's bytes in order, in chunks of any size. It can be iterated once; stopping early frees the connection.
   * A broken connection throws a transient error from the iteration. A chunk is valid until the next one is requested: then its
   * memory may hold other bytes.
   */
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** The most bytes that `get` holds in memory. Lists of data files, which may be larger, are streamed. */
export const GET_BYTES_MAX = 256 * 1024 * 1024;

/** Objects in a bucket. They are written once and never changed or deleted. */
export interface ArchiveStore {
  /**
   * Stores a new object, or returns `exists` if the key is in use. It never overwrites, also under concurrent puts. A streamed body
   * that has another size than it names is an error, and stores nothing.
   */
  putNew(
    bucket: BucketAddress,
    key: string,
    body: Uint8Array | StreamedBody,
    options: { metadata: ObjectMetadata; contentType: string; kmsKeyId?: string },
  ): Promise<"stored" | "exists">;
  /** The object's metadata, or undefined if there is no such object. */
  head(bucket: BucketAddress, key: string): Promise<ObjectHead | undefined>;
  /**
   * The object's bytes and metadata, or undefined if there is no such object. Permanent error `object-too-large`, before
   * any byte is read, if the object has more than GET_BYTES_MAX bytes; use `open` for such objects.
   */
  get(bucket: BucketAddress, key: string): Promise<{ body: Uint8Array; head: ObjectHead } | undefined>;
  /**
   * Opens the object for reading from byte `fromByte` (default 0); undefined if there is no such object. With `ifMatch`,
   * another ETag is a permanent error, `object-changed`. The caller must iterate the chunks.
   */
  open(
    bucket: BucketAddress,
    key: string,
    options?: { ifMatch?: string; fromByte?: number },
  ): Promise<OpenObject | undefined>;
  /** The objects whose keys start with `prefix` and sort after `after`, in the order of their keys, at most `limit`. */
  list(
    bucket: BucketAddress,
    prefix: string,
    options?: { after?: string; limit?: number },
  ): Promise<ListedObject[]>;
}

/** Compression and digests. Each codec can read the files of every other codec. */
export interface Codec {
  /** Opens a file at a level of 1 to the compression's highest. */
  compress(compression: Compression, level: number): Compressor;
  /**
   * The decompressed bytes of a gzip or zstd file, or the bytes of a file of plain lines, which it recognises by its first
   * bytes. They are produced on demand in chunks of at most 1 MiB; memory use stays near one chunk, and the window of a zstd
   * file (128 MiB at most), for any file. Permanent error `corrupt-file` if the file is corrupt, truncated or has bytes after its
   * end, or is none of the three; the chunks yielded before may be wrong. Errors of `file` are thrown unchanged.
   *
   * A chunk, also of `file`, is valid until the next one is requested: then its memory may hold other bytes.
   */
  decompress(file: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
  /**
   * Memory for decompressed content, zeros, in a buffer of its own. In Node it is a Buffer, whose `indexOf` is up to thirty times as fast as
   * that of Uint8Array; a view that `subarray` makes of it is a Buffer, too, whose `slice` is not a copy.
   */
  allocate(bytes: number): Uint8Array;
  /** The MD5 of some bytes, base64, as in DynamoDB's manifests. */
  md5(bytes: Uint8Array): string;
  /** Starts an MD5 over bytes that arrive in parts. */
  openMd5(): Md5;
}

/** An MD5 being computed. */
export interface Md5 {
  update(bytes: Uint8Array): void;
  /** The MD5 of all bytes so far, base64. It is the last call, and is made once. */
  digest(): string;
}

/** A compressed file being written. The caller must not change bytes until their write has resolved. */
export interface Compressor {
  /** Compresses bytes; resolves when it can accept more. */
  write(bytes: Uint8Array): Promise<void>;
  /**
   * The size of the file so far: of what the writes that have resolved compressed to, except what the compressor still holds back, 256
   * KiB at most.
   */
  compressedBytes(): number;
  /** The whole compressed file. Called once. */
  finish(): Promise<Uint8Array>;
  /** Abandons the file and frees its memory. */
  discard(): void;
}

/** The EventBridge bus. */
export interface Bus {
  /** Puts every event, or throws. Refused entries are put again, in any number of calls. */
  put(events: readonly FerryEvent[]): Promise<void>;
}

/** A task's row, as the projector last wrote it. */
export interface StatusReader {
  /** The row, read consistently, or undefined if no fact was projected yet. */
  read(row: RowKey): Promise<TaskRow | undefined>;
}

/** Finds rows near one that an operator named wrongly, in the tables that this process may read. It may miss the latest writes. */
export interface RowSearch {
  /** The rows with this key: the `limit` newest up to this timestamp, and the `limit` oldest after it. */
  ofKey(key: string, timestamp: number, limit: number): Promise<readonly NearRow[]>;
  /** The newest rows in a state: at most `limit` of each table. */
  inState(state: TaskState, limit: number): Promise<readonly NearRow[]>;
}

/** The part of an error that is recorded. */
export type RecordedError = Pick<ErrorReport, "operation" | "resource" | "message" | "hint">;

/**
 * The last error of each event's message, which a row shows if the message is never processed. Errors are kept for
 * `REGISTRATION_DAYS`.
 */
export interface LastErrors {
  /** Records the error of a delivery, unless the event's error was read before. */
  record(eventId: string, error: RecordedError): Promise<void>;
  /** The last recorded error, or undefined. Each later call returns the same. */
  read(eventId: string): Promise<RecordedError | undefined>;
}

/** The status tables, with writes. Only the projector has it. */
export interface StatusStore extends StatusReader {
  /** Writes the row if it still has the revision that was read (undefined: no row). Returns whether it wrote. */
  write(row: TaskRow, readRevision: number | undefined): Promise<boolean>;
  /** Writes a segment's record if its rank is higher than that of the stored record. */
  raise(record: SegmentRecord): Promise<void>;
}

/**
 * Limits the total consumption of all workers of a task. Each task has one timeline, on which each worker reserves spans.
 */
export interface RateLimiter {
  /**
   * Reserves `durationMs` on the task's timeline, after all other reservations and not before `nowMs`. Returns its start,
   * ms since 1970. Returns undefined and reserves nothing if it would start after `latestMs`. A repeated call reserves
   * again: that wastes capacity but never exceeds the ceiling.
   */
  reserve(task: TaskRef, reservation: Reservation): Promise<number | undefined>;
  /**
   * Releases the last `durationMs` of a reservation that ends at `endMs`, if it is the last one on the timeline; else
   * that time is lost.
   */
  release(task: TaskRef, reservation: { readonly endMs: number; readonly durationMs: number }): Promise<void>;
}

/** A requested reservation. Times are whole ms since 1970. */
export interface Reservation {
  readonly durationMs: number;
  readonly nowMs: number;
  readonly latestMs: number;
}

/** Identifies a slice, with the deadline of its attempt. */
export type Slice = Pick<SegmentWork, "task" | "plan" | "segment" | "attempt" | "handoffs" | "deadline-ms">;

/**
 * The result of a claim. `claimed`: this message holds the slice. `taken`: another message holds it, or holds a later
 * slice of the segment, and continues. `completed`: the segment was completed in some attempt, with these counts.
 */
export type Claim =
  | { readonly outcome: "claimed" }
  | { readonly outcome: "taken" }
  | { readonly outcome: "completed"; readonly counts: Counts };

/** An invocation that may write items of a segment. */
export interface SegmentWriter {
  /** Unlike those of all other invocations. */
  readonly id: string;
  /** When the invocation has ended, ms since 1970: it makes no call after that. */
  readonly untilMs: number;
}

/**
 * Claims of slices, so that only one of several duplicate messages works on a segment, and the results of completed
 * segments. Plans that divide a task differently have different segments.
 */
export interface SliceClaims {
  /**
   * Claims the slice (its attempt and handoffs) for a message id. A redelivered message keeps its claim. A claim also
   * records its `writer`, in the same step; so no writer of a completed segment is recorded.
   */
  claim(slice: Slice, message: string, writer?: SegmentWriter): Promise<Claim>;
  /**
   * Removes the record of a writer, which makes no more calls. Returns until when others that are recorded for the segment
   * may write, ms since 1970; undefined if there are none.
   */
  leave(slice: Slice, writer: string): Promise<number | undefined>;
  /**
   * Records that the slice's segment is complete and has no writers any more. Returns whether this segment has to queue the
   * next window: all of its window are recorded, and no other one was chosen in this attempt or a later one.
   */
  arrive(slice: Slice, window: Window): Promise<boolean>;
  /** Records that the slice's segment is complete. Later calls do not change the counts. */
  complete(slice: Slice, counts: Counts): Promise<void>;
  /** Releases the slice's claim if it still applies: then any message may claim any slice of its attempt. */
  release(slice: Slice): Promise<void>;
}

/** The leases of tables, by the table's ARN. They do not expire. */
export interface TableLeases {
  /** The table's lease, read consistently, or undefined. */
  read(tableArn: string): Promise<TableLease | undefined>;
  /**
   * Writes `next` if the stored lease still equals the one that was read (undefined: none). Returns whether it wrote. A
   * repeated call may return false although the write was made.
   */
  replace(tableArn: string, read: TableLease | undefined, next: TableLease): Promise<boolean>;
}

/** The first request with a request-id. */
export interface RegisteredRequest {
  /** Its `Identity.digest`. */
  readonly digest: string;
  /** Its `Identity.requestTimeMs`, ms since 1970. */
  readonly timeMs: number;
}

/**
 * Registers request ids, rows and attempts. For each, the first registration applies. It is kept for at least
 * `REGISTRATION_DAYS`, which is longer than any message can be delivered again.
 */
export interface TaskRegistry {
  /** Registers a request under its request-id, unless one is registered. Returns the registered request. */
  registerRequest(requestId: string, request: RegisteredRequest): Promise<RegisteredRequest>;
  /** The request that is registered under a request-id, or undefined. */
  findRequest(requestId: string): Promise<RegisteredRequest | undefined>;
  /** Claims a row for an owner; false if another owner has it. An owner may claim its row again. */
  claimRow(row: RowKey, owner: string): Promise<boolean>;
  /** Whether any owner claimed the row. */
  isClaimed(row: RowKey): Promise<boolean>;
  /** Raises a task's highest attempt to at least `attempt`. Returns the highest, which may be higher. */
  raiseAttempt(task: TaskRef, attempt: number): Promise<number>;
  /**
   * Records the attempt of a cancel or a retry that names none, by its event's id, unless one is recorded. Returns the
   * recorded attempt.
   */
  recordControl(row: RowKey, eventId: string, attempt: number): Promise<number>;
}

/** SQS keeps a message for 14 days, and a redriven message for 14 more. */
export const REGISTRATION_DAYS = 45;

/** The clock of this invocation. */
export interface Time {
  /** ms since 1970. */
  now(): number;
  /** Time until this invocation is ended by its host, ms. */
  remainingMs(): number;
  sleep(ms: number): Promise<void>;
}

/** Everything that a worker's step may use. */
export interface Ports {
  readonly tables: TableData;
  readonly admin: TableAdmin;
  readonly archive: ArchiveStore;
  readonly codec: Codec;
  readonly status: StatusReader;
  readonly search: RowSearch;
  readonly lastErrors: LastErrors;
  /** For progress events while a slice runs. A step returns its concluding events instead. */
  readonly bus: Bus;
  readonly limiter: RateLimiter;
  readonly claims: SliceClaims;
  readonly leases: TableLeases;
  readonly registry: TaskRegistry;
  readonly time: Time;
  /** A number in [0, 1), for jitter and for the ids of segments' writers; nothing that lasts depends on it. */
  readonly random: () => number;
  readonly settings: Settings;
}
