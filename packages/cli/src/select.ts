/**
 * Paths into an item, such as `address.lines[0]`, over DynamoDB JSON.
 */
import { ClientError } from "@ferry/client/client-error";

type Step = string | number;
type Value = Readonly<Record<string, unknown>>;

/** Reads a path: attribute names joined by dots, list positions in brackets. ClientError `usage`. */
export function parsePath(path: string): readonly Step[] {
  const steps: Step[] = [];
  const pattern = /(?:^|\.)([^.[\]]+)|\[(\d+)\]/y;
  while (pattern.lastIndex < path.length) {
    const at = pattern.lastIndex;
    const match = pattern.exec(path);
    if (match === null || (steps.length === 0 && match[1] === undefined))
      throw new ClientError("usage", "usage", {
        message: `--select ${path}: the part ${JSON.stringify(path.slice(at))} is not a name or [POSITION].`,
        hint: "For instance --select address.lines[0].",
      });
    steps.push(match[1] ?? Number(match[2]));
  }
  return steps;
}

/** The value at a path, as DynamoDB JSON with its type; undefined if the item has none there. */
export function selectValue(item: Uint8Array, path: readonly Step[]): string | undefined {
  let value: Value | undefined = { M: JSON.parse(new TextDecoder().decode(item)) };
  for (const step of path) {
    const inner: unknown = typeof step === "number" ? value["L"] : value["M"];
    if (inner === undefined) return undefined;
    value = Object.hasOwn(inner as object, step) ? (inner as Readonly<Record<Step, Value>>)[step] : undefined;
    if (value === undefined) return undefined;
  }
  return JSON.stringify(value);
}
