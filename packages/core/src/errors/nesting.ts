/**
 * Limits the nesting of a caller's value. JSON.parse reads any depth, but recursive code that reads the value afterwards,
 * such as JSON.stringify, would exhaust the stack.
 */

/** The levels of objects and arrays that are kept. A valid request or control needs no more than two. */
const LEVELS_MAX = 32;
/** Replaces the levels below. */
const CUT = "(nested too deeply)";

/** The same value, or a copy without the levels below the 32nd. Never throws. */
export function cutNesting(value: unknown): unknown {
  return isTooDeep(value) ? cut(value, LEVELS_MAX) : value;
}

function isTooDeep(value: unknown): boolean {
  const open: { value: unknown; level: number }[] = [{ value, level: 0 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (typeof next.value !== "object" || next.value === null) continue;
    if (next.level === LEVELS_MAX) return true;
    for (const inner of Object.values(next.value)) open.push({ value: inner, level: next.level + 1 });
  }
  return false;
}

function cut(value: unknown, levels: number): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (levels === 0) return CUT;
  if (Array.isArray(value)) return value.map((inner) => cut(inner, levels - 1));
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, cut(inner, levels - 1)]));
}
