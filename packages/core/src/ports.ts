/**
 * What the engine asks of the world. Each port has two hosts at least: AWS (packages/aws) and memory
 * (packages/memory); one contract suite holds both. Every call may be repeated unless its sentence says otherwise.
 */
import type { Counts, DynamoKey, FerryEvent, KeyNames, SegmentWork } from "./events.ts";
import type { SegmentRecord, TaskRow } from "./projection/status.ts";
import type { Settings } from "./settings.ts";
import type { RowKey, TaskRef } from "./task.ts";

/** A table, wherever it is. */
export interface TableAddress {
  readonly region: string;
  /** A name, or an ARN for another account's table. */
  readonly name: string;
}

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
  /** Global and local secondary ones. */
  readonly indexCount: number;
  /** Provisioned capacity, units per second; absent on an on-demand table. */
  readonly provisioned?: { readonly readUnits: number; readonly writeUnits: number };
  /** Everything that table.json keeps, in the words of the DynamoDB API. */
  readonly settings: Readonly<Record<string, unknown>>;
}

export interface ScanPage {
  readonly table: TableAddress;
  readonly segment: number;
  readonly totalSegments: number;
  /** The key of the last item already read; absent at the segment's start. */
  readonly after?: DynamoKey;
  readonly consistent: boolean;
  /** The most items to return; absent for a full page (1 MB). */
  readonly limit?: number;
}

/** How many items one page has. */
export interface ItemCount {
  readonly items: number;
  /** The key to go on after; absent when the segment was counted to its end. */
  readonly after?: DynamoKey;
  /** Capacity units consumed; 0 where the table does not tell. */
  readonly units: number;
}

/** One write of a restore, its bytes as the archive has them. */
export type Write = { readonly put: Uint8Array } | { readonly remove: Uint8Array };

export interface WriteResult {
  /** What the table did not take for want of capacity, to be sent again. */
  readonly unprocessed: readonly Write[];
  /** Capacity units consumed; 0 where the table does not tell. */
  readonly units: number;
}

/**
 * What became of an item. `same`: the item itself was there, put by an earlier call or by someone else. `exists`: another
 * item with its key was there. `unprocessed`: not known; the item must be sent again.
 */
export type InsertOutcome = "stored" | "same" | "exists" | "unprocessed";

export interface InsertResult {
  readonly outcomes: readonly InsertOutcome[];
  /** Write units consumed, those of refused puts too; estimated by sizes where the table does not tell. */
  readonly units: number;
}

/** The items of tables: the hot path, bytes in and out, never parsed. */
export interface TableData {
  /** The table's keys, size and settings. Permanent error when there is no such table or no access. */
  describe(table: TableAddress): Promise<TableDescription>;
  /**
   * The id of the table that has this name now: a table that is deleted and created again has another one. Absent where
   * the engine has no ids. Permanent error when there is no such table or no access.
   */
  identify(table: TableAddress): Promise<string | undefined>;
  /** The raw body of one Scan response: `{"Items":[…],"LastEvaluatedKey"?:{…},"ConsumedCapacity":{…},…}`. */
  scan(page: ScanPage): Promise<Uint8Array>;
  /** How many items a page of a scan has. It consumes what the page would. */
  count(page: ScanPage): Promise<ItemCount>;
  /** Writes up to 25 items or removals with distinct keys; what was not taken is returned, never dropped. */
  write(table: TableAddress, writes: readonly Write[]): Promise<WriteResult>;
  /**
   * Puts up to 25 items with distinct keys, each unless an item with its key exists. Permanent error where two items have one
   * key, and where an item does not fit the table: others of the call may have been put.
   */
  insert(table: TableAddress, items: readonly Uint8Array[], keys: KeyNames): Promise<InsertResult>;
}

/** A bucket and what to say with each call on it. */
export interface BucketAddress {
  readonly region: string;
  readonly name: string;
  /** The account that must own it. */
  readonly owner?: string;
}

/** User metadata: lower-case names, ASCII values, 2 KB at most. */
export type ObjectMetadata = Readonly<Record<string, string>>;

export interface ObjectHead {
  readonly metadata: ObjectMetadata;
  readonly etag: string;
  readonly sizeBytes: number;
}

/** An object being read. */
export interface OpenObject {
  /** `sizeBytes` is of the whole object. */
  readonly head: ObjectHead;
  /**
   * The object's bytes in order, in chunks of any size. Iterated once; an iteration that stops early frees the
   * connection. A connection that breaks is a transient error, in the middle of the bytes.
   */
  readonly chunks: AsyncIterable<Uint8Array>;
}

/**
 * What `get` holds in memory at most. The largest object that is read whole is a manifest: at 200 bytes for each data
 * file, that of more than a million files.
 */
export const GET_BYTES_MAX = 256 * 1024 * 1024;

/** Objects in a bucket: written once, never changed, never deleted. */
export interface ArchiveStore {
  /** Stores a new object, or tells that the key is taken; never overwrites, whoever else is writing. */
  putNew(
    bucket: BucketAddress,
    key: string,
    body: Uint8Array,
    about: { metadata: ObjectMetadata; contentType: string; kmsKeyId?: string },
  ): Promise<"stored" | "exists">;
  /** The object's metadata, or nothing when there is no such object. */
  head(bucket: BucketAddress, key: string): Promise<ObjectHead | undefined>;
  /**
   * The object's bytes and metadata, or nothing when there is no such object. A permanent error `object-too-large`, and no
   * byte read, when it has more than GET_BYTES_MAX: `open` streams.
   */
  get(bucket: BucketAddress, key: string): Promise<{ body: Uint8Array; head: ObjectHead } | undefined>;
  /**
   * Opens the object for reading, from byte `fromByte` on (0 by default); nothing when there is no such object. With
   * `ifMatch`, an object with another ETag is a permanent error, `object-changed`. Callers iterate the chunks.
   */
  open(
    bucket: BucketAddress,
    key: string,
    about?: { ifMatch?: string; fromByte?: number },
  ): Promise<OpenObject | undefined>;
  /** Every key that starts with `prefix` and sorts after `after`, in order, at most `limit` of them. */
  list(bucket: BucketAddress, prefix: string, about?: { after?: string; limit?: number }): Promise<string[]>;
}

/** Compression and digests. Any codec's files are read by every other. */
export interface Codec {
  /** Opens a gzip file at a level of 1 to 9. */
  compress(level: number): Compressor;
  /**
   * The bytes of a gzip file as they are asked for, in chunks of at most 1 MiB; whatever the file, little more than a
   * chunk is held. A permanent error `corrupt-file` when the file is corrupt, cut short or has bytes behind its end;
   * what was yielded before may be wrong. Errors of `file` are thrown as they are.
   */
  decompress(file: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
  /** The MD5 of some bytes, base64: what DynamoDB's manifests carry. */
  md5(bytes: Uint8Array): string;
  /** The MD5 of bytes that come in parts. */
  openMd5(): Md5;
}

/** An MD5 being computed. */
export interface Md5 {
  update(bytes: Uint8Array): void;
  /** The MD5 of all bytes so far, base64. Called once, last. */
  digest(): string;
}

/** A gzip file being written. Bytes handed over must not be changed afterwards. */
export interface Compressor {
  /** Takes bytes; resolves when it can take more. */
  write(bytes: Uint8Array): Promise<void>;
  /** The whole compressed file. Called once. */
  finish(): Promise<Uint8Array>;
  /** Gives up the file and frees what it holds. */
  discard(): void;
}

/** The bus. */
export interface Bus {
  /** Puts every event, or throws: refused entries are put again, in any number of calls. */
  put(events: readonly FerryEvent[]): Promise<void>;
}

/** A task's row, as the projector last wrote it. */
export interface StatusReader {
  /** The row, read consistently, or nothing when no fact was projected yet. */
  read(row: RowKey): Promise<TaskRow | undefined>;
}

/** The status tables, to the projector alone. */
export interface StatusStore extends StatusReader {
  /** Writes the row if it still has the revision that was read (absent: no row); tells whether it did. */
  write(row: TaskRow, readRevision: number | undefined): Promise<boolean>;
  /** Writes a segment's record if its rank is higher than what is there. */
  raise(record: SegmentRecord): Promise<void>;
}

/**
 * What bounds the sum of a task's workers, however many they are: one line of time, in which each books its turns.
 */
export interface RateLimiter {
  /**
   * Books `durationMs` of the task's line, behind all that is booked and not before `nowMs`, and returns when it begins,
   * ms since 1970. Nothing, and nothing is booked, where that would be after `latestMs`. A repeat books once more:
   * capacity is wasted then, never exceeded.
   */
  reserve(task: TaskRef, turn: Reservation): Promise<number | undefined>;
  /** Gives back the last `durationMs` of a turn that ends at `endMs`, if nothing is booked behind it; else they are lost. */
  release(task: TaskRef, turn: { readonly endMs: number; readonly durationMs: number }): Promise<void>;
}

/** A turn that is asked for. Times are whole ms, since 1970. */
export interface Reservation {
  readonly durationMs: number;
  readonly nowMs: number;
  readonly latestMs: number;
}

/** Names a slice, and says until when anybody works on it. */
export type Slice = Pick<SegmentWork, "task" | "plan" | "segment" | "attempt" | "handoffs" | "deadline-ms">;

/**
 * What became of a claim: the slice is this message's; another message has it, or a later slice of the segment, and goes
 * on; or the segment is complete, in whatever attempt, with these counts.
 */
export type Claim =
  | { readonly outcome: "claimed" }
  | { readonly outcome: "taken" }
  | { readonly outcome: "completed"; readonly counts: Counts };

/**
 * Which message works on a segment, of several that ask for it, and how the segment ended. The segments of two plans that
 * divide a task differently are different ones.
 */
export interface SliceClaims {
  /** Claims the slice (its attempt and handoffs) for a message, by the message's id. A message that comes again still has it. */
  claim(slice: Slice, message: string): Promise<Claim>;
  /** Records that the slice's segment is complete. The first counts stand. */
  complete(slice: Slice, counts: Counts): Promise<void>;
  /** Gives up the slice if its claim stands: then any message may have any slice of its attempt. */
  release(slice: Slice): Promise<void>;
}

/** A restore that may write to a table. */
export interface LeaseHolder {
  readonly task: TaskRef;
  readonly attempt: number;
  /** Whether no other restore may write beside it. */
  readonly exclusive: boolean;
  /** When the attempt's workers stop, ms since 1970. */
  readonly "deadline-ms": number;
  /** How often it was taken: by each delivery of the request, and by each retry. */
  readonly takes: number;
}

/** The time range of the last export that was restored into a table. */
export interface AppliedWindow {
  /** ISO 8601; absent of a full export or a backup. */
  readonly from?: string;
  /** ISO 8601: the items are as they were at this time. */
  readonly to: string;
  /** The restore's task id. */
  readonly task: string;
  /** The id of the table, where it has one: a table that is created again knows of no window. */
  readonly "table-id"?: string;
  /** Whether that restore succeeded. */
  readonly complete: boolean;
}

/** What restores know of a table that they write to. */
export interface TableLease {
  readonly holders: readonly LeaseHolder[];
  readonly window?: AppliedWindow;
}

/** Which restores may write to a table, by the table's ARN. Kept without expiry. */
export interface TableLeases {
  /** What is known of the table, read consistently, or nothing. */
  read(tableArn: string): Promise<TableLease | undefined>;
  /**
   * Writes `next` if what is there still equals what was read (absent: nothing was there); tells whether it did. A repeat
   * may say false of a write that was made.
   */
  replace(tableArn: string, read: TableLease | undefined, next: TableLease): Promise<boolean>;
}

/** The request that a request-id named first. */
export interface RegisteredRequest {
  /** `Identity.digest` of it. */
  readonly digest: string;
  /** ms since 1970: `Identity.requestTimeMs` of it. */
  readonly timeMs: number;
}

/**
 * What makes tasks different from each other, and the attempts of a task: notes of who came first. A note is kept for
 * `REGISTRATION_DAYS` at least, longer than any message can be delivered again.
 */
export interface TaskRegistry {
  /** Registers a request under its request-id, unless one is registered; gives the one that is registered then. */
  registerRequest(requestId: string, asked: RegisteredRequest): Promise<RegisteredRequest>;
  /** The request that is registered under a request-id, if any. */
  findRequest(requestId: string): Promise<RegisteredRequest | undefined>;
  /** Claims a row for an owner; false where another owner has it. An owner that claims again still has it. */
  claimRow(row: RowKey, owner: string): Promise<boolean>;
  /** Whether a row was claimed. */
  isClaimed(row: RowKey): Promise<boolean>;
  /** Raises the highest attempt that was handed out of a task to this one; gives the highest, which may be higher. */
  raiseAttempt(task: TaskRef, attempt: number): Promise<number>;
  /** Records the attempt that a retry begins, by its event's id, unless one is recorded; gives the one that is. */
  recordRetry(task: TaskRef, eventId: string, attempt: number): Promise<number>;
}

/** SQS keeps a message for 14 days, and what is redriven starts anew. */
export const REGISTRATION_DAYS = 45;

/** Time, as the host of this invocation sees it. */
export interface Time {
  /** ms since 1970. */
  now(): number;
  /** What is left of this invocation, ms. */
  remainingMs(): number;
  sleep(ms: number): Promise<void>;
}

/** All that a worker's step may use. */
export interface Ports {
  readonly tables: TableData;
  readonly archive: ArchiveStore;
  readonly codec: Codec;
  readonly status: StatusReader;
  /** For progress while a slice runs; what a step concludes it returns. */
  readonly bus: Bus;
  readonly limiter: RateLimiter;
  readonly claims: SliceClaims;
  readonly leases: TableLeases;
  readonly registry: TaskRegistry;
  readonly time: Time;
  /** In [0, 1): jitter only; nothing that is stored depends on it. */
  readonly random: () => number;
  readonly settings: Settings;
}
