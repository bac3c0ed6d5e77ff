/**
 * A way to do a backup or a restore, and what the ways have in common.
 */
import {
  constants,
  createGunzip,
  createGzip,
  createZstdCompress,
  createZstdDecompress,
  type ZlibOptions,
  type ZstdOptions,
} from "node:zlib";
import type { Ready } from "../canned-aws.ts";
import type { Case, Fixture } from "../fixture.ts";

export interface Setup {
  readonly case: Case;
  readonly endpoint: string;
  readonly ready: Ready;
}

/**
 * For each action: prepares a slice of a segment, and returns the function that does it once and is measured. It may return how long its
 * scans took, s.
 */
export type Way = Readonly<
  Record<Case["action"], (setup: Setup, segment: number) => () => Promise<number | undefined>>
>;

/** As in packages/core/src/restore. */
export const CALLS_IN_FLIGHT = 8;
const WRITES_PER_CALL = 25;
const CALL_BYTES_MAX = 4 * 1024 * 1024;

/** The items of each call of a restore, divided as Ferry divides them. */
export function* callsOf({ pageAt }: Fixture, pages: number): Generator<string[]> {
  let call: string[] = [];
  let bytes = 0;
  for (let number = 0; number < pages; number++)
    for (const item of pageAt(number).items) {
      if (call.length === WRITES_PER_CALL || (call.length > 0 && bytes + item.length > CALL_BYTES_MAX)) {
        yield call;
        call = [];
        bytes = 0;
      }
      call.push(item);
      bytes += item.length;
    }
  if (call.length > 0) yield call;
}

/** Node's stream that compresses as a case says. `options` are zlib's. */
export function openCompressor(
  { format, level }: Case["compression"],
  options: ZlibOptions & ZstdOptions = {},
) {
  return format === "gzip"
    ? createGzip({ ...options, level })
    : createZstdCompress({ ...options, params: { [constants.ZSTD_c_compressionLevel]: level } });
}

/** Node's stream that decompresses the files of a case. */
export function openDecompressor({ format }: Case["compression"], options: ZlibOptions & ZstdOptions = {}) {
  return format === "gzip" ? createGunzip(options) : createZstdDecompress(options);
}
