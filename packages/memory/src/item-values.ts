/**
 * Compares items by value.
 */
import { sortable } from "./order.ts";

/** A text that is equal for items of equal values, whatever the order of members and sets and the form of numbers. */
export function valuesOf(item: string): string {
  return JSON.stringify(normalMap(JSON.parse(item) as Record<string, unknown>));
}

function normalMap(map: Record<string, unknown>): [string, unknown][] {
  return Object.keys(map)
    .sort()
    .map((name) => [name, normal(map[name] as Record<string, unknown>)]);
}

function normal(value: Record<string, unknown>): unknown {
  const [[type, inner] = ["", undefined]] = Object.entries(value);
  if (type === "N") return [type, sortable("N", inner)];
  if (type === "NS") return [type, (inner as string[]).map((number) => sortable("N", number)).sort()];
  if (type === "SS" || type === "BS") return [type, (inner as string[]).toSorted()];
  if (type === "M") return [type, normalMap(inner as Record<string, unknown>)];
  if (type === "L") return [type, (inner as Record<string, unknown>[]).map(normal)];
  return [type, inner];
}
