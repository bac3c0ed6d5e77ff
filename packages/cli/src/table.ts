/**
 * Columns of text for people.
 */
import { stripVTControlCharacters } from "node:util";
import Table from "cli-table3";

const BORDERS =
  "top top-mid top-left top-right bottom bottom-mid bottom-left bottom-right left left-mid mid mid-mid right right-mid";
const BORDERLESS = {
  ...Object.fromEntries(BORDERS.split(" ").map((name) => [name, ""])),
  middle: "  ",
};

/** What becomes of a table that is wider than the terminal. */
export interface Narrow {
  /** The terminal's width, characters; undefined: any width fits. */
  readonly width: number | undefined;
  /** The columns that are then on lines of their own, below the others of their row. */
  readonly below: readonly string[];
}

/** A table without borders; numbers' columns are aligned to the right. */
export function columns(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  rightAligned: readonly string[] = [],
  narrow?: Narrow,
): string {
  const lines = tableLines(head, rows, rightAligned);
  if (narrow?.width === undefined || lines.every((line) => lengthOf(line) <= narrow.width!))
    return lines.join("\n");
  const isBelow = head.map((name) => narrow.below.includes(name));
  const beside = (row: readonly string[]) => row.filter((_, i) => !isBelow[i]);
  const below = (row: readonly string[]) =>
    row.filter((text, i) => isBelow[i] && text !== "").map((text) => `  ${text}`);
  const short = tableLines(beside(head), rows.map(beside), rightAligned);
  return [head, ...rows].flatMap((row, i) => [short[i]!, ...below(row)]).join("\n");
}

/** A line for each text, with its name in front. A text that is undefined has none. */
export function details(rows: readonly (readonly [name: string, text: string | undefined])[]): string {
  return columns(
    [],
    rows.flatMap(([name, text]) => (text === undefined ? [] : [[name, text]])),
  );
}

function tableLines(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  rightAligned: readonly string[],
): string[] {
  const table = new Table({
    head: [...head],
    chars: BORDERLESS,
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0 },
    colAligns: head.map((name) => (rightAligned.includes(name) ? "right" : "left")),
  });
  table.push(...rows.map((row) => [...row]));
  return table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd());
}

/** Without colours. */
function lengthOf(line: string): number {
  return stripVTControlCharacters(line).length;
}
