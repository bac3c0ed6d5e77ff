/**
 * The items of an archive, streamed.
 */
import { keyedPart, lineSpans, readLine } from "@ferry/core/archive/data-file";
import { readBlocks, readingLine } from "@ferry/core/archive/stored-file";
import { explaining } from "../client-error.ts";
import { type OpenArchive, recorded } from "./open-archive.ts";

/** Whether an item, or a change's `Keys`, is wanted, from its bytes, which may continue after the object. */
type IsWanted = (item: Uint8Array) => boolean;

/** Yields each wanted item's DynamoDB JSON, as stored. In an incremental export: each whole line. */
export async function* archiveItems(
  archive: OpenArchive,
  isWanted?: IsWanted,
): AsyncGenerator<Uint8Array, void, void> {
  for (const file of archive.files) yield* fileItems(archive, recorded(file), isWanted);
}

async function* fileItems(archive: OpenArchive, file: ReturnType<typeof recorded>, isWanted?: IsWanted) {
  const kind = archive.manifest.lines;
  const blocks = readBlocks(archive.bucket, file, archive.ports)[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await explaining({ operation: "read", resource: file.key }, () => blocks.next());
      if (next.done) return;
      const { bytes, firstLine } = next.value;
      for (const [at, span] of lineSpans(bytes).entries()) {
        const text = readingLine(archive.bucket, file.key, firstLine + at + 1, () => {
          if (isWanted !== undefined && !isWanted(keyedPart(bytes, span, kind))) return undefined;
          if (kind === "changes") return bytes.subarray(span.start, span.end);
          const line = readLine(bytes, span, kind);
          return "put" in line ? line.put : undefined;
        });
        if (text !== undefined) yield text;
      }
    }
  } finally {
    await blocks.return();
  }
}
