/**
 * The indexes of a backup's chains, as its last step reads them: each is compared with the stored files of its segment, and together
 * they are manifest-files.json.
 */

import { bucketOf } from "../archive/bucket.ts";
import { type ChainIndex, putIndex, readIndex, unquoted } from "../archive/chain-index.ts";
import { total } from "../archive/file-list.ts";
import { segmentPrefix } from "../archive/keys.ts";
import { about, permanent } from "../errors/errors.ts";
import type { BackupPlan } from "../events/events.ts";
import type { Ports, StreamedBody } from "../ports.ts";
import { objectResource } from "../request/addresses.ts";
import { invocationLeftMs } from "../segment/slice-budget.ts";

/** The number of indexes that are read concurrently. Each is in memory: about 250 bytes for each of the segment's files. */
const INDEXES_AT_ONCE = 4;

/** All indexes, checked. */
export interface Indexes {
  /** The number of data files. */
  readonly files: number;
  readonly items: number;
  /** Uncompressed bytes of all data files. */
  readonly bytes: number;
  /** The content of manifest-files.json. */
  readonly list: StreamedBody;
  /** Its MD5, base64. */
  readonly md5: string;
}

/**
 * Reads the indexes of all segments. Those from segment `checked` on are also compared with the files that are stored: the chain must
 * have exactly these, each with this ETag. A missing one is put: workers of earlier versions put none. Returns instead the number of
 * segments that are checked so far, if the invocation's time is up: then another invocation continues. Permanent errors:
 * `archive-incomplete`, `broken-chain`, `foreign-file`.
 */
export async function readIndexes(
  plan: BackupPlan,
  checked: number,
  ports: Ports,
): Promise<Indexes | number> {
  const segments = plan["total-segments"];
  const md5 = ports.codec.openMd5();
  const etags: string[] = [];
  let [files, items, bytes, sizeBytes] = [0, 0, 0, 0];
  for (let at = 0; at < segments; at += INDEXES_AT_ONCE) {
    // The first segments that are not checked yet are checked in any case, so each invocation makes progress.
    if (at > checked && invocationLeftMs(ports) === 0) return at;
    const group = segmentsFrom(at, segments);
    const read = await Promise.all(
      group.map(async (segment) => {
        const index = await openIndex(plan, segment, ports);
        if (segment >= checked) await requireStored(plan, segment, index, ports);
        return index;
      }),
    );
    for (const index of read) {
      md5.update(index.body);
      etags.push(index.head.etag);
      files += index.files.length;
      items += total(index.files);
      bytes += index.bytes;
      sizeBytes += index.body.length;
    }
  }
  if (checked < segments && invocationLeftMs(ports) === 0) return segments;
  const list = { sizeBytes, chunks: () => bodiesOf(plan, etags, ports) };
  return { files, items, bytes, list, md5: md5.digest() };
}

function segmentsFrom(at: number, segments: number): number[] {
  return Array.from({ length: Math.min(INDEXES_AT_ONCE, segments - at) }, (_, i) => at + i);
}

async function openIndex(plan: BackupPlan, segment: number, ports: Ports): Promise<ChainIndex> {
  const stored = await readIndex(plan, segment, ports);
  if (stored !== undefined) return stored;
  if (!(await putIndex(plan, segment, ports))) throw incomplete(plan, `segment ${segment} has no last file`);
  const put = await readIndex(plan, segment, ports);
  if (put === undefined) throw incomplete(plan, `the index of segment ${segment} was put and does not exist`);
  return put;
}

/** Compares an index with a listing of its segment. */
async function requireStored(
  plan: BackupPlan,
  segment: number,
  { files }: ChainIndex,
  { archive }: Ports,
): Promise<void> {
  const { request } = plan;
  const stored = await archive.list(bucketOf(request), segmentPrefix(request["bucket-prefix"], segment));
  const differing = Array.from({ length: Math.max(files.length, stored.length) }, (_, i) => i).find((i) => {
    const [listed, found] = [files[i], stored[i]];
    return listed?.dataFileS3Key !== found?.key || listed?.etag !== unquoted(found?.etag ?? "");
  });
  if (differing === undefined) return;
  const [listed, found] = [files[differing], stored[differing]];
  const name = listed?.dataFileS3Key ?? found?.key;
  throw incomplete(
    plan,
    `segment ${segment} has other files than its index lists; the first that differs is ${name}`,
  );
}

/** The bytes of all indexes, in the order of the segments. */
async function* bodiesOf(
  plan: BackupPlan,
  etags: readonly string[],
  ports: Ports,
): AsyncGenerator<Uint8Array, void, void> {
  for (let at = 0; at < etags.length; at += INDEXES_AT_ONCE) {
    const read = await Promise.all(
      segmentsFrom(at, etags.length).map((segment) => readIndex(plan, segment, ports)),
    );
    for (const [i, index] of read.entries()) {
      if (index === undefined || index.head.etag !== etags[at + i])
        throw incomplete(plan, `the index of segment ${at + i} changed while it was read`);
      yield index.body;
    }
  }
}

/** The error for an archive that is not as its segments reported it. */
export function incomplete(plan: BackupPlan, reason: string) {
  const resource = objectResource(bucketOf(plan.request), `${plan.request["bucket-prefix"]}/`);
  return permanent("archive-incomplete", {
    operation: "finish backup",
    resource,
    message: about(`archive ${resource}`, `is not as its segments wrote it: ${reason}`),
    hint: "Another program wrote or deleted objects under this prefix: back up again, to a prefix that nothing else uses.",
  });
}
