/**
 * A data file: gzip of lines `{"Item":{…}}`, the lines of DynamoDB's own exports. Format: docs/archive-format.md.
 */
import type { DynamoKey, KeyNames } from "../events.ts";
import { eachMember, members, type Span, skipSpace, skipValue } from "./cutter.ts";

const HEAD = new TextEncoder().encode('{"Item":');
const OPEN = 0x7b;
const CLOSE = 0x7d;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const decoder = new TextDecoder();

/** What a line adds to its item: `{"Item":`, `}` and the line feed. */
export const LINE_OVERHEAD_BYTES = HEAD.length + 2;

/** The lines of the items that lie at `spans` in `body`: one copy, no parsing. */
export function toLines(body: Uint8Array, spans: readonly Span[]): Uint8Array {
  let size = 0;
  for (const span of spans) size += span.end - span.start + LINE_OVERHEAD_BYTES;
  const lines = new Uint8Array(size);
  const broken = body.includes(LINE_FEED) || body.includes(CARRIAGE_RETURN);
  let at = 0;
  for (const span of spans) {
    lines.set(HEAD, at);
    at += HEAD.length;
    lines.set(body.subarray(span.start, span.end), at);
    const end = at + span.end - span.start;
    if (broken) unbreak(lines.subarray(at, end));
    lines[end] = CLOSE;
    lines[end + 1] = LINE_FEED;
    at = end + 2;
  }
  return lines;
}

/** Calls `visit` with where each line lies, without its line feed. Empty lines are none; a last line without a feed is one. */
export function eachLine(file: Uint8Array, visit: (start: number, end: number) => void): void {
  for (let start = 0; start < file.length; ) {
    // One by one: a search for each would make a file of empty lines a hundred times slower.
    if (file[start] === LINE_FEED) {
      start++;
      continue;
    }
    const feed = file.indexOf(LINE_FEED, start);
    const end = feed === -1 ? file.length : feed;
    visit(start, end);
    start = end + 1;
  }
}

/** The spans of a file's lines, without their line feeds. A last line without one counts. */
export function lineSpans(file: Uint8Array): Span[] {
  const spans: Span[] = [];
  eachLine(file, (start, end) => spans.push({ start, end }));
  return spans;
}

/** What a data file's lines hold: whole items, or changes (DynamoDB's incremental exports). */
export type LineKind = "items" | "changes";

/** What one line asks of the table. The bytes are those of the line. `keys`: a change names the item's key beside it. */
export type Line =
  | { readonly put: Uint8Array; readonly keys?: Uint8Array }
  /** A change that ended in a delete: the item's key. */
  | { readonly remove: Uint8Array; readonly keys: Uint8Array };

/** The members that a line of each kind may have. */
const MEMBERS: Readonly<Record<LineKind, readonly string[]>> = {
  items: ["Item"],
  changes: ["Metadata", "Keys", "OldImage", "NewImage"],
};

/**
 * Reads a line: `Item` of a full export or of our own, `Keys` and perhaps `NewImage` of an incremental export.
 * Throws a SyntaxError on any other, so that nothing of a line is passed over.
 */
export function readLine(file: Uint8Array, span: Span, kind: LineKind): Line {
  const line = file.subarray(span.start, span.end);
  const found = new Map<string, Uint8Array>();
  const end = eachMember(line, 0, (name, start) => {
    if (!MEMBERS[kind].includes(name)) throw new SyntaxError(unexpected(name, kind));
    if (found.has(name)) throw new SyntaxError(`a line has ${name} twice`);
    if (line[start] !== OPEN) throw new SyntaxError(`a line's ${name} is no object`);
    const valueEnd = skipValue(line, start);
    found.set(name, line.subarray(start, valueEnd));
    return valueEnd;
  });
  if (skipSpace(line, end) < line.length) throw new SyntaxError("a line goes on behind its object");
  if (kind === "items") return { put: required(found, "Item") };
  const keys = required(found, "Keys");
  const image = found.get("NewImage");
  return image === undefined ? { remove: keys, keys } : { put: image, keys };
}

function required(found: ReadonlyMap<string, Uint8Array>, name: string): Uint8Array {
  const value = found.get(name);
  if (value === undefined) throw new SyntaxError(`a line has no ${name}`);
  return value;
}

function unexpected(name: string, kind: LineKind): string {
  const other = kind === "items" ? "changes" : "items";
  if (!MEMBERS[other].includes(name)) return `a line has the unknown member ${JSON.stringify(name)}`;
  return kind === "items"
    ? `a line has ${name}, as changes of an incremental export have it, in an archive of whole items`
    : `a line has ${name}, as whole items have it, in an incremental export`;
}

/** The key of an item, from its bytes: only the key attributes are parsed, once a file. */
export function keyOf(item: Uint8Array, names: KeyNames): DynamoKey {
  const attributes = new Map(members(item).map((member) => [member.name, member]));
  return Object.fromEntries(
    names.map((name) => {
      const span = attributes.get(name);
      if (span === undefined) throw new SyntaxError(`an item has no key attribute ${name}`);
      return [name, JSON.parse(decoder.decode(item.subarray(span.start, span.end)))];
    }),
  );
}

/** JSON strings hold no raw line breaks, so any in an item is white space: a space serves as well, on one line. */
function unbreak(item: Uint8Array): void {
  for (let i = 0; i < item.length; i++) {
    if (item[i] === LINE_FEED || item[i] === CARRIAGE_RETURN) item[i] = SPACE;
  }
}
