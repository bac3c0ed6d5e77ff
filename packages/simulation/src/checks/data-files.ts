/**
 * Reads data files without the engine's reader.
 */
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import type { MemoryArchiveStore } from "@ferry/memory/archive-store";
import { bucket } from "@ferry/memory/testing/tasks";

export interface DataFile {
  readonly key: string;
  readonly lines: readonly string[];
  readonly body: Uint8Array;
  readonly etag: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The data files of an archive of Ferry's, in the order of their keys. */
export async function dataFilesOf(prefix: string, archive: MemoryArchiveStore): Promise<DataFile[]> {
  const keys = archive.keys(bucket).filter((key) => key.startsWith(`${prefix}/0x`));
  return Promise.all(
    keys.map(async (key) => {
      const { body, head } = (await archive.get(bucket, key))!;
      return { key, lines: linesOf(body), body, etag: head.etag, metadata: head.metadata };
    }),
  );
}

/** The bytes of its lines, with their line feeds. */
export function bytesOf({ lines }: DataFile): number {
  return lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0);
}

/** The number of a segment or a file, as its key has it. */
export function hex(value: number, width: number): string {
  return value.toString(16).padStart(width, "0");
}

/** The item of a line. */
export function itemOfLine(line: string): string {
  return line.slice('{"Item":'.length, -1);
}

/** The lines of a data file: gzip, zstd or plain. */
function linesOf(body: Uint8Array): string[] {
  const text = textOf(body);
  return text === "" ? [] : text.replace(/\n$/, "").split("\n");
}

/** The text of a data file. */
export function textOf(body: Uint8Array): string {
  const start = Buffer.from(body.subarray(0, 4)).toString("hex");
  if (start.startsWith("1f8b")) return gunzipSync(body).toString("utf8");
  if (start === "28b52ffd") return zstdDecompressSync(body).toString("utf8");
  return Buffer.from(body).toString("utf8");
}

/** The last line of a data file; empty if it has none. */
export function lastLineOf(body: Uint8Array): string {
  return linesOf(body).at(-1) ?? "";
}
