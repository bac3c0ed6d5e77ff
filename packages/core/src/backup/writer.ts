/**
 * Fills a segment's data files and puts them, each once. Delivery is at least once, so any number of slices may work
 * on one segment: the put decides, and whoever loses it adopts the winner's file.
 */
import { bucketOf, kmsOf } from "../archive/bucket.ts";
import { addTo, adopt, metadataOf, type Position, readChain } from "../archive/chain.ts";
import type { Span } from "../archive/cutter.ts";
import { keyOf, LINE_OVERHEAD_BYTES, toLines } from "../archive/data-file.ts";
import { dataFileKey } from "../archive/keys.ts";
import type { Page } from "../archive/page.ts";
import type { CancellationCheck } from "../cancellation.ts";
import type { BackupPlan, SegmentWork } from "../events.ts";
import type { Compressor, Ports } from "../ports.ts";
import { invocationLeftMs } from "../slice-budget.ts";

/**
 * What became of a page's items.
 * - `taken`: all of them are stored or in the open file.
 * - `adopted`: another worker's file is stored where one of theirs was due.
 * - `expired`: a file of theirs is stored, and the slice's time is up.
 * - `cancelled`: a put was left undone, because the segment is not needed any more.
 *
 * Unless they are taken, the rest of the page is void: read on from `position`.
 */
export type Taken = "taken" | "adopted" | "expired" | "cancelled";

export interface Writer {
  /** Takes a page's items, putting each file that is full and, on the scan's last page, the segment's last file. */
  take(page: Page): Promise<Taken>;
  /** Puts the open file, if it holds items. */
  flush(): Promise<Taken>;
  /** Behind the last file that is stored. */
  position(): Position;
  /** Gives up the open file. */
  discard(): void;
}

/** A data file that is being filled. */
interface OpenFile {
  readonly compressor: Compressor;
  items: number;
  bytes: number;
  /** The last item's bytes: its key is where the next file starts. */
  lastItem?: Uint8Array;
  /** The compression under way, beside the next page's receive. */
  writing: Promise<void>;
}

export function openWriter(
  work: SegmentWork,
  plan: BackupPlan,
  from: Position,
  {
    untilMs,
    watch,
    moved,
  }: { untilMs: number; watch: CancellationCheck; moved: (position: Position) => void },
  ports: Ports,
): Writer {
  let position = from;
  let open: OpenFile | undefined;
  // The file before the first of this slice was put before it began, if there is one.
  let notBeforeMs = from.batch === 0 ? 0 : ports.time.now() + ports.settings.batchSpacingMs;

  /** Puts the open file. */
  async function close(end: boolean): Promise<Exclude<Taken, "expired">> {
    // A worker that waited beyond its invocation would never say what it did.
    const waitUntilMs = Math.min(notBeforeMs, ports.time.now() + invocationLeftMs(ports));
    if (!(await watch.waitUntil(waitUntilMs)) || !(await watch.stillNeeded())) return "cancelled";
    const file = open ?? openFile(plan, ports);
    open = undefined;
    await file.writing;
    const body = await file.compressor.finish();
    const bucket = bucketOf(plan.request);
    const about = {
      metadata: metadataOf({
        requestId: work.task["request-id"],
        segments: plan["total-segments"],
        items: file.items,
        bytes: file.bytes,
        md5: ports.codec.md5(body),
        end,
      }),
      contentType: "application/gzip",
      ...kmsOf(plan.request),
    };
    const key = dataFileKey(plan.request["bucket-prefix"], work.segment, position.batch);
    const put = await ports.archive.putNew(bucket, key, body, about);
    notBeforeMs = ports.time.now() + ports.settings.batchSpacingMs;
    if (put === "stored") position = positionAfter(position, file, end, plan);
    else position = await adoptWinner(key);
    moved(position);
    return put === "stored" ? "taken" : "adopted";
  }

  async function adoptWinner(key: string): Promise<Position> {
    const files = await readChain(plan, work.segment, position.batch, ports);
    if (files.length === 0) throw new Error(`${key} was taken when it was put and is not listed`);
    return adopt(position, files, plan, ports);
  }

  return {
    async take(page) {
      const last = page.lastEvaluatedKey === undefined;
      const { items } = page;
      for (let next = 0; next < items.length; ) {
        open ??= openFile(plan, ports);
        const upTo = fill(items, next, plan["batch-bytes"] - open.bytes);
        await append(open, page, items.slice(next, upTo));
        next = upTo;
        const end = last && next === items.length;
        if (end || open.bytes >= plan["batch-bytes"]) {
          const closed = await close(end);
          if (closed !== "taken") return closed;
          if (!end && ports.time.now() >= untilMs) return "expired";
        }
      }
      // The scan ended on nothing: an empty segment, or a page that was cut with nothing behind it.
      if (last && !position.ended) return close(true);
      return "taken";
    },
    async flush() {
      // An empty file without `end` is never put.
      return open === undefined ? "taken" : close(false);
    },
    position: () => position,
    discard() {
      open?.compressor.discard();
    },
  };
}

function openFile(plan: BackupPlan, ports: Ports): OpenFile {
  return {
    compressor: ports.codec.compress(plan["compression-level"]),
    items: 0,
    bytes: 0,
    writing: Promise.resolve(),
  };
}

/** How far the items from `next` on fit: up to and with the one that reaches `roomBytes`. */
function fill(items: readonly Span[], next: number, roomBytes: number): number {
  let room = roomBytes;
  let upTo = next;
  do {
    const span = items[upTo++]!;
    room -= span.end - span.start + LINE_OVERHEAD_BYTES;
  } while (room > 0 && upTo < items.length);
  return upTo;
}

async function append(file: OpenFile, page: Page, items: readonly Span[]): Promise<void> {
  const lines = toLines(page.body, items);
  const last = items.at(-1)!;
  file.items += items.length;
  file.bytes += lines.length;
  file.lastItem = page.body.subarray(last.start, last.end);
  await file.writing;
  file.writing = file.compressor.write(lines);
  // Awaited before the next write and before the put; until then it must not count as unhandled.
  file.writing.catch(() => {});
}

function positionAfter(position: Position, file: OpenFile, end: boolean, plan: BackupPlan): Position {
  const after = file.lastItem === undefined ? position.after : keyOf(file.lastItem, plan.table.keys);
  return {
    batch: position.batch + 1,
    ...(after !== undefined && { after }),
    counts: addTo(position.counts, file),
    ended: end,
  };
}
