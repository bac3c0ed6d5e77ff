/**
 * One text for each JSON value, whatever the order of its names: what digests are made of.
 */
import { cutNesting } from "./nesting.ts";

/** The value as JSON without white space, names sorted by UTF-16 code units, at most 32 levels. Never throws. */
export function canonicalJson(value: unknown): string {
  return written(cutNesting(value));
}

function written(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(written).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${members.map(([name, inner]) => `${JSON.stringify(name)}:${written(inner)}`).join(",")}}`;
  }
  if (typeof value === "string") return JSON.stringify(value);
  // 1e999 is read as Infinity, which JSON cannot write.
  return String(value);
}
