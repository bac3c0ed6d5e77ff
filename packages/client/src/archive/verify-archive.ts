/**
 * Verifies an archive: every file's checksum, number of lines and size against the manifest, and every line.
 */

import type { Block } from "@ferry/core/archive/blocks";
import { lineSpans, readLine } from "@ferry/core/archive/data-file";
import type { ManifestFile } from "@ferry/core/archive/file-list";
import { readBlocks, readingLine, verifyDataFile } from "@ferry/core/archive/stored-file";
import type { ErrorCode } from "@ferry/core/errors/error-codes";
import { isPermanent } from "@ferry/core/errors/errors";
import { openLineCheck } from "@ferry/core/restore/line-check";
import { explained } from "../client-error.ts";
import { inParallel, type OpenArchive, recorded } from "./open-archive.ts";

export interface VerifiedArchive {
  readonly url: string;
  readonly files: number;
  readonly items: number;
  /** Uncompressed bytes. */
  readonly bytes: number;
  /** What is wrong, at most one problem a file. Empty: the archive is as it was written. */
  readonly problems: readonly {
    readonly object: string;
    readonly code: ErrorCode;
    readonly message: string;
  }[];
}

/** Receives the block of a file after it was read; the file is not verified yet. */
export type OnBlock = (file: ManifestFile, block: Block) => void;

const FILES_AT_ONCE = 8;

/** Reads all files of an archive and checks them. ClientErrors: only for calls that fail; a damaged file is a problem. */
export async function verifyArchive(
  archive: OpenArchive,
  { onItems = () => {}, onBlock }: { onItems?: (items: number) => void; onBlock?: OnBlock } = {},
): Promise<VerifiedArchive> {
  const { manifest, files, bucket, url } = archive;
  const problems: VerifiedArchive["problems"][number][] = [];
  let items = 0;
  let bytes = 0;
  await inParallel(files, FILES_AT_ONCE, async (file) => {
    const check = lineCheck(archive, file);
    try {
      await verifyDataFile(
        bucket,
        recorded(file),
        archive.ports,
        async () => true,
        async (block) => {
          await check(block);
          onBlock?.(file, block);
          items += block.lines;
          bytes += block.bytes.length;
          onItems(items);
        },
      );
    } catch (error) {
      if (!isPermanent(error)) throw explained(error, { operation: "read", resource: url });
      const { code, message, resource: object } = error;
      problems.push({ object, code, message });
    }
  });
  if (problems.length === 0 && manifest.bytes !== undefined && bytes !== manifest.bytes)
    problems.push({
      object: url,
      code: "totals-differ",
      message: `The data files hold ${bytes} bytes, but the summary lists ${manifest.bytes}.`,
    });
  problems.sort((a, b) => (a.object < b.object ? -1 : 1));
  return { url, files: files.length, items, bytes, problems };
}

/** Checks each line; with known keys also that each has them, and that no two lines of a file have the same. */
function lineCheck(archive: OpenArchive, file: ManifestFile): (block: Block) => Promise<void> {
  const { manifest, bucket, ports } = archive;
  const key = file.dataFileS3Key;
  if (manifest.keys !== undefined)
    return openLineCheck({
      bucket,
      key,
      items: file.itemCount,
      kind: manifest.lines,
      keys: manifest.keys,
      reread: () => readBlocks(bucket, recorded(file), ports),
    });
  return async ({ bytes, firstLine }) => {
    for (const [at, span] of lineSpans(bytes).entries())
      readingLine(bucket, key, firstLine + at + 1, () => readLine(bytes, span, manifest.lines));
  };
}
