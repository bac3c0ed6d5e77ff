/**
 * Fills a segment's data files and puts each of them once. Messages are delivered at least once, so several workers may work
 * on one segment: the conditional put decides between them, and the loser adopts the winner's file.
 */
import { bucketOf, kmsOf } from "../archive/bucket.ts";
import { addTo, adopt, metadataOf, type Position, readChain } from "../archive/chain.ts";
import { compressionOf, compressions } from "../archive/compression.ts";
import { itemKeyOf, LINE_OVERHEAD_BYTES, toLines } from "../archive/data-file.ts";
import { dataFileKey } from "../archive/keys.ts";
import type { Page } from "../archive/page.ts";
import type { CancellationCheck } from "../control/cancellation.ts";
import type { BackupPlan, SegmentWork } from "../events/events.ts";
import type { Compressor, Ports } from "../ports.ts";
import { invocationLeftMs } from "../segment/slice-budget.ts";

/**
 * The outcome for a page's items.
 * - `taken`: all of them are stored or in the open file.
 * - `adopted`: another worker put the next file first.
 * - `expired`: a file was stored, and the slice's time is up.
 * - `cancelled`: a file was not put, because the segment is no longer needed.
 *
 * Unless it is `taken`, discard the rest of the page and continue reading from `position`.
 */
export type Taken = "taken" | "adopted" | "expired" | "cancelled";

export interface Writer {
  /**
   * Adds a page's items; begins to put each full file and, on the scan's last page, puts the segment's last file. One put may be
   * in progress; its outcome, or its error, is that of a later call.
   */
  take(page: Page): Promise<Taken>;
  /** Waits for the put in progress, and puts the open file, if it holds items. */
  flush(): Promise<Taken>;
  /** The position after the last stored file. */
  position(): Position;
  /** Discards the open file, and waits for the put in progress. */
  discard(): Promise<void>;
}

/** A data file that is being filled. */
interface OpenFile {
  readonly compressor: Compressor;
  items: number;
  bytes: number;
  /** The compressed size of all lines but those of the last write, about: the compressor holds some bytes back. */
  compressedBytes: number;
  /** The last item's bytes. The next file starts after its key. */
  lastItem?: Uint8Array;
  /** The compression in progress, concurrent with receiving the next page. */
  writing: Promise<void>;
}

export function openWriter(
  work: SegmentWork,
  plan: BackupPlan,
  from: Position,
  {
    untilMs,
    check,
    onPosition,
  }: { untilMs: number; check: CancellationCheck; onPosition: (position: Position) => void },
  ports: Ports,
): Writer {
  const compression = compressionOf(plan);
  const buffers = openLineBuffers();
  const { maximumCompressedFileBytes } = ports.settings;
  let position = from;
  let open: OpenFile | undefined;
  // If there is an earlier file, the previous slice may have put it just now.
  let notBeforeMs = from.batch === 0 ? 0 : ports.time.now() + ports.settings.batchSpacingMs;

  /**
   * The put in progress, if its outcome is not known yet. The next file is filled meanwhile, but its put begins only after this
   * one has ended: so the chain has no gaps.
   */
  let putting: Promise<"taken" | "adopted"> | undefined;
  let putHasEnded = false;

  /** Waits for the put in progress. If another worker's file was adopted, the open file does not continue it: discards it. */
  async function settle(): Promise<"taken" | "adopted"> {
    const ended = putting;
    putting = undefined;
    const outcome = (await ended) ?? "taken";
    if (outcome === "adopted") {
      open?.compressor.discard();
      open = undefined;
    }
    return outcome;
  }

  /** Begins to put the open file, once the previous put has ended; waits for the put of the segment's last file. */
  async function close(end: boolean): Promise<Exclude<Taken, "expired">> {
    if ((await settle()) === "adopted") return "adopted";
    // Do not wait past the end of the invocation: the slice must still hand off.
    const waitUntilMs = Math.min(notBeforeMs, ports.time.now() + invocationLeftMs(ports));
    if (!(await check.waitUntil(waitUntilMs)) || !(await check.stillNeeded())) return "cancelled";
    const file = open ?? openFile(plan, ports);
    open = undefined;
    putHasEnded = false;
    putting = put(file, end).finally(() => {
      putHasEnded = true;
    });
    // Awaited by `settle`; this only avoids an unhandled rejection until then.
    putting.catch(() => {});
    return end ? settle() : "taken";
  }

  function isFull({ bytes, compressedBytes }: OpenFile): boolean {
    return bytes >= plan["batch-bytes"] || compressedBytes >= maximumCompressedFileBytes;
  }

  async function put(file: OpenFile, end: boolean): Promise<"taken" | "adopted"> {
    await file.writing;
    const body = await file.compressor.finish();
    const bucket = bucketOf(plan.request);
    const options = {
      metadata: metadataOf({
        requestId: work.task["request-id"],
        segments: plan["total-segments"],
        items: file.items,
        bytes: file.bytes,
        md5: ports.codec.md5(body),
        end,
      }),
      contentType: compressions[compression].contentType,
      ...kmsOf(plan.request),
    };
    const key = dataFileKey(plan.request["bucket-prefix"], work.segment, position.batch, compression);
    const result = await ports.archive.putNew(bucket, key, body, options);
    notBeforeMs = ports.time.now() + ports.settings.batchSpacingMs;
    if (result === "stored") position = positionAfter(position, file, end, plan);
    else position = await adoptWinner(key);
    onPosition(position);
    return result === "stored" ? "taken" : "adopted";
  }

  async function adoptWinner(key: string): Promise<Position> {
    const files = await readChain(plan, work.segment, position.batch, ports);
    if (files.length === 0) throw new Error(`${key} was taken when it was put and is not listed`);
    return adopt(position, files, plan, ports);
  }

  return {
    async take(page) {
      if (putHasEnded && (await settle()) === "adopted") return "adopted";
      const last = page.lastEvaluatedKey === undefined;
      const { bounds } = page;
      for (let next = 0; next < bounds.length; ) {
        open ??= openFile(plan, ports);
        const upTo = fill(bounds, next, plan["batch-bytes"] - open.bytes);
        await append(open, page, bounds.subarray(next, upTo), buffers);
        next = upTo;
        const end = last && next === bounds.length;
        if (end || isFull(open)) {
          const closed = await close(end);
          if (closed !== "taken") return closed;
          if (!end && ports.time.now() >= untilMs)
            return (await settle()) === "taken" ? "expired" : "adopted";
        }
      }
      release(page);
      // The last page is empty: the segment is empty, or ended exactly at the previous page.
      if (last && !position.ended) return close(true);
      return "taken";
    },
    async flush() {
      // A file without items is put only with an end mark.
      const closed = open === undefined ? "taken" : await close(false);
      return closed === "taken" ? settle() : closed;
    },
    position: () => position,
    async discard() {
      open?.compressor.discard();
      await putting?.catch(() => {});
    },
  };
}

/**
 * Frees a page's memory, of which nothing is used any more. The garbage collector would do it later, and mark the whole heap each time
 * that a few pages have come.
 */
function release({ body, bounds }: Page): void {
  const { buffer } = body;
  if (buffer instanceof ArrayBuffer && buffer.byteLength === body.length) buffer.transfer(0);
  bounds.buffer.transfer(0);
}

function openFile(plan: BackupPlan, ports: Ports): OpenFile {
  return {
    compressor: ports.codec.compress(compressionOf(plan), plan["compression-level"]),
    items: 0,
    bytes: 0,
    compressedBytes: 0,
    writing: Promise.resolve(),
  };
}

/** Takes items from index `next` of `bounds` on, until they reach `roomBytes`. Returns the index after the last one. */
function fill(bounds: Uint32Array, next: number, roomBytes: number): number {
  let room = roomBytes;
  let upTo = next;
  do {
    room -= bounds[upTo + 1]! - bounds[upTo]! + LINE_OVERHEAD_BYTES;
    upTo += 2;
  } while (room > 0 && upTo < bounds.length);
  return upTo;
}

async function append(
  file: OpenFile,
  { body }: Page,
  bounds: Uint32Array,
  buffers: LineBuffers,
): Promise<void> {
  const buffer = await buffers.next();
  const lines = toLines(body, bounds, buffer.ofSize);
  file.items += bounds.length / 2;
  file.bytes += lines.length;
  // A copy: the page is released.
  file.lastItem = new Uint8Array(body.subarray(bounds.at(-2), bounds.at(-1)));
  await file.writing;
  file.compressedBytes = file.compressor.compressedBytes();
  file.writing = file.compressor.write(lines);
  buffer.usedBy(file.writing);
}

/**
 * Two buffers for lines in turn: one is filled while the other one is compressed. New buffers for each page would make the garbage
 * collector run five times as often.
 */
interface LineBuffers {
  /** The next buffer, once its last use has ended. */
  next(): Promise<LineBuffer>;
}

interface LineBuffer {
  ofSize(size: number): Uint8Array;
  /** Marks the buffer as in use until `write` has settled. */
  usedBy(write: Promise<void>): void;
}

function openLineBuffers(): LineBuffers {
  const [first, second] = [openLineBuffer(), openLineBuffer()];
  let [current, other] = [second, first];
  return {
    async next() {
      [current, other] = [other, current];
      await current.unused();
      return current;
    },
  };
}

function openLineBuffer(): LineBuffer & { unused(): Promise<void> } {
  let bytes = new Uint8Array(0);
  let use = Promise.resolve();
  return {
    ofSize(size) {
      if (bytes.length < size) bytes = new Uint8Array(size);
      return bytes;
    },
    usedBy(write) {
      // The writer awaits `write` itself, before the next write and before the put; until then a failure must not be an unhandled rejection.
      use = write.catch(() => {});
    },
    unused: () => use,
  };
}

function positionAfter(position: Position, file: OpenFile, end: boolean, plan: BackupPlan): Position {
  const after = file.lastItem === undefined ? position.after : itemKeyOf(file.lastItem, plan.table.keys);
  return {
    batch: position.batch + 1,
    ...(after !== undefined && { after }),
    counts: addTo(position.counts, file),
    ended: end,
  };
}
