/**
 * Canonical JSON: equal values have the same text, in any order of their names. Digests are computed from it.
 */
import { cutNesting } from "./errors/nesting.ts";

/** The value as JSON without white space, names sorted by UTF-16 code units, at most 32 levels. Never throws. */
export function canonicalJson(value: unknown): string {
  return encode(cutNesting(value));
}

function encode(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(encode).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${members.map(([name, inner]) => `${JSON.stringify(name)}:${encode(inner)}`).join(",")}}`;
  }
  if (typeof value === "string") return JSON.stringify(value);
  // JSON.parse reads 1e999 as Infinity, which JSON.stringify would write as null.
  return String(value);
}
