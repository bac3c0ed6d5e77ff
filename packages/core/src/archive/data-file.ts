/**
 * A data file: gzip or zstd of lines `{"Item":{…}}`, as in DynamoDB's own exports. Format: docs/archive-format.md.
 */

import type { KeyNames } from "../events/events.ts";
import type { DynamoKey } from "../table/dynamo-key.ts";
import { eachMember, members, type Span, skipSpace, skipValue } from "./cutter.ts";

const HEAD = new TextEncoder().encode('{"Item":');
const OPEN = 0x7b;
const CLOSE = 0x7d;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const decoder = new TextDecoder();

/** The size of a line without its item: `{"Item":`, `}` and the line feed. */
export const LINE_OVERHEAD_BYTES = HEAD.length + 2;

/**
 * Makes lines of the items in `body`, of which `bounds` has the start and the end in turn. Copies once, does not parse. Returns a view of
 * the buffer that `bufferOf` returns for a size, or a new one.
 */
export function toLines(
  body: Uint8Array,
  bounds: Uint32Array,
  bufferOf: (size: number) => Uint8Array = (size) => new Uint8Array(size),
): Uint8Array {
  let size = (bounds.length / 2) * LINE_OVERHEAD_BYTES;
  for (let i = 0; i < bounds.length; i += 2) size += bounds[i + 1]! - bounds[i]!;
  const lines = bufferOf(size).subarray(0, size);
  const hasLineBreaks = body.includes(LINE_FEED) || body.includes(CARRIAGE_RETURN);
  let at = 0;
  for (let i = 0; i < bounds.length; i += 2) {
    const [start, stop] = [bounds[i]!, bounds[i + 1]!];
    lines.set(HEAD, at);
    at += HEAD.length;
    lines.set(body.subarray(start, stop), at);
    const end = at + stop - start;
    if (hasLineBreaks) replaceLineBreaks(lines.subarray(at, end));
    lines[end] = CLOSE;
    lines[end + 1] = LINE_FEED;
    at = end + 2;
  }
  return lines;
}

/**
 * The next line at or after `start`, without its line feed; undefined at the end. Skips empty lines. `knownEnd`: its end, if that was
 * found before.
 */
export function nextLine(file: Uint8Array, start: number, knownEnd?: number): Span | undefined {
  let from = start;
  // Compared byte by byte: calling indexOf for each would make a file of empty lines a hundred times slower.
  while (file[from] === LINE_FEED) from++;
  if (from >= file.length) return undefined;
  if (knownEnd !== undefined) return { start: from, end: knownEnd };
  const feed = file.indexOf(LINE_FEED, from);
  return { start: from, end: feed === -1 ? file.length : feed };
}

/** Calls `visit` with the range of each line, without its line feed. Skips empty lines. The last line may lack a line feed. */
export function eachLine(file: Uint8Array, visit: (start: number, end: number) => void): void {
  for (let line = nextLine(file, 0); line !== undefined; line = nextLine(file, line.end))
    visit(line.start, line.end);
}

/** The spans of a file's lines, as `eachLine` visits them. */
export function lineSpans(file: Uint8Array): Span[] {
  const spans: Span[] = [];
  eachLine(file, (start, end) => spans.push({ start, end }));
  return spans;
}

/** The content of a data file's lines: whole items, or changes (DynamoDB's incremental exports). */
export type LineKind = "items" | "changes";

/** The write that one line describes. The bytes are views of the line. `keys`: the separate key of a change. */
export type Line =
  | { readonly put: Uint8Array; readonly keys?: Uint8Array }
  /** A deletion: the item's key. */
  | { readonly remove: Uint8Array; readonly keys: Uint8Array };

/** The members that are valid in a line of each kind. */
const MEMBERS: Readonly<Record<LineKind, readonly string[]>> = {
  items: ["Item"],
  changes: ["Metadata", "Keys", "OldImage", "NewImage"],
};

/**
 * Reads a line: `Item` of a full export or of Ferry's archive, `Keys` and optionally `NewImage` of an incremental export.
 * Throws a SyntaxError for any unknown member, so that no data is ignored.
 */
export function readLine(file: Uint8Array, span: Span, kind: LineKind): Line {
  // One view: making a view of a view takes longer than finding the item's end.
  if (kind === "items" && isPlain(file, span))
    return { put: file.subarray(span.start + HEAD.length, span.end - 1) };
  const line = file.subarray(span.start, span.end);
  const found = new Map<string, Uint8Array>();
  const end = eachMember(line, 0, (name, start) => {
    if (!MEMBERS[kind].includes(name)) throw new SyntaxError(unexpected(name, kind));
    if (found.has(name)) throw new SyntaxError(`a line has ${name} twice`);
    if (line[start] !== OPEN) throw new SyntaxError(`a line's ${name} is not an object`);
    const valueEnd = skipValue(line, start);
    found.set(name, line.subarray(start, valueEnd));
    return valueEnd;
  });
  if (skipSpace(line, end) < line.length) throw new SyntaxError("a line has more text after its object");
  if (kind === "items") return { put: required(found, "Item") };
  const keys = required(found, "Keys");
  const image = found.get("NewImage");
  return image === undefined ? { remove: keys, keys } : { put: image, keys };
}

/**
 * The bytes that start with the object that has a line's key: its item, or the `Keys` of a change. They may continue after it. The rest of a
 * line as Ferry and DynamoDB write it is not read. Throws as `readLine` does.
 */
export function keyedPart(file: Uint8Array, span: Span, kind: LineKind): Uint8Array {
  const line = file.subarray(span.start, span.end);
  if (kind === "items" && hasPlainHead(line)) return line.subarray(HEAD.length);
  const read = readLine(file, span, kind);
  return read.keys ?? ("put" in read ? read.put : read.remove);
}

function hasPlainHead(line: Uint8Array): boolean {
  for (let i = 0; i < HEAD.length; i++) if (line[i] !== HEAD[i]) return false;
  return line[HEAD.length] === OPEN;
}

/** Whether a line is `{"Item":{…}}` without white space, as Ferry and DynamoDB write it. Its item then ends before its last byte. */
function isPlain(file: Uint8Array, { start, end }: Span): boolean {
  for (let i = 0; i < HEAD.length; i++) if (file[start + i] !== HEAD[i]) return false;
  const item = start + HEAD.length;
  // A brace as the last byte is required first: the end of an incomplete item would be searched in later lines.
  return file[item] === OPEN && file[end - 1] === CLOSE && skipValue(file, item) === end - 1;
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
    ? `a line has ${name}, which belongs to incremental exports, in an archive of whole items`
    : `a line has ${name}, which belongs to whole items, in an incremental export`;
}

/** The key of an item, from its bytes. Parses only the key attributes. */
export function itemKeyOf(item: Uint8Array, names: KeyNames): DynamoKey {
  const attributes = new Map(members(item).map((member) => [member.name, member]));
  return Object.fromEntries(
    names.map((name) => {
      const span = attributes.get(name);
      if (span === undefined) throw new SyntaxError(`an item has no key attribute ${name}`);
      return [name, JSON.parse(decoder.decode(item.subarray(span.start, span.end)))];
    }),
  );
}

/** Replaces line breaks with spaces, to keep an item on one line. JSON strings contain no raw line breaks, so they are white space. */
function replaceLineBreaks(item: Uint8Array): void {
  for (let i = 0; i < item.length; i++) {
    if (item[i] === LINE_FEED || item[i] === CARRIAGE_RETURN) item[i] = SPACE;
  }
}
