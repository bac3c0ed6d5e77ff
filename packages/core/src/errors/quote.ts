import { cutNesting } from "./nesting.ts";
import { truncate } from "./truncate.ts";

const LENGTH_MAX = 120;

/** A received value as text for an error message, at most 120 characters. Never throws. */
export function quoted(input: unknown): string {
  const text = input === undefined ? "nothing" : (JSON.stringify(cutNesting(input)) ?? String(input));
  return truncate(text, LENGTH_MAX);
}
