/**
 * Reads the lines of a data file without the engine's reader.
 */
import { gunzipSync, zstdDecompressSync } from "node:zlib";

/** The lines of a data file: gzip, zstd or plain. */
export function linesOf(body: Uint8Array): string[] {
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
