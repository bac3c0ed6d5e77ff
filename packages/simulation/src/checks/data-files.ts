/**
 * Reads the lines of a data file without the engine's reader.
 */
import { gunzipSync } from "node:zlib";

/** The lines of a data file. */
export function linesOf(body: Uint8Array): string[] {
  const text = gunzipSync(body).toString("utf8");
  return text === "" ? [] : text.replace(/\n$/, "").split("\n");
}

/** The last line of a data file; empty if it has none. */
export function lastLineOf(body: Uint8Array): string {
  return linesOf(body).at(-1) ?? "";
}
