/**
 * A shallow JSON tokenizer: finds the byte ranges of values without parsing them. With it, items are copied unchanged from a
 * Scan's response into the archive, and from the archive into the body of a write: keys in any order, with any white space
 * and any string content.
 *
 * It finds only boundaries; it does not validate numbers, literals or escapes. JSON's structural characters are ASCII, and
 * all other UTF-8 bytes are above 0x7f, so the text can be read byte by byte.
 */

/** The byte range of a value; `end` is exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A member of an object: its name and the byte range of its value. */
export interface Member extends Span {
  readonly name: string;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Within so few bytes, a loop finds the end of a string faster than `indexOf`. */
const NEAR_BYTES = 32;

const decoder = new TextDecoder();

/** The members of the JSON object at `start`, in order. Throws a SyntaxError if there is no object. */
export function members(bytes: Uint8Array, start = 0): Member[] {
  const found: Member[] = [];
  eachMember(bytes, start, (name, at) => {
    const end = skipValue(bytes, at);
    found.push({ name, start: at, end });
    return end;
  });
  return found;
}

/** The name of a member, prepared for `findMember`. */
export interface MemberName {
  readonly name: string;
  /** Its JSON without unnecessary escapes. */
  readonly json: Uint8Array;
}

/** Prepares a name for `findMember`. */
export function memberName(name: string): MemberName {
  return { name, json: new TextEncoder().encode(JSON.stringify(name)) };
}

/**
 * The first member with this name in the JSON object at the start; undefined if it has none. Reads no further than that
 * member, and decodes no other names unless they contain escapes. Throws a SyntaxError if there is no object.
 */
export function findMember(bytes: Uint8Array, name: MemberName): Span | undefined {
  let i = skipSpace(bytes, 0);
  expect(bytes, i, OPEN_OBJECT);
  i = skipSpace(bytes, i + 1);
  if (bytes[i] === CLOSE_OBJECT) return undefined;
  for (;;) {
    expect(bytes, i, QUOTE);
    const nameEnd = skipString(bytes, i);
    const isFound = isNamed(bytes, i, nameEnd, name);
    const colon = skipSpace(bytes, nameEnd);
    expect(bytes, colon, COLON);
    const start = skipSpace(bytes, colon + 1);
    const end = skipValue(bytes, start);
    if (isFound) return { start, end };
    i = skipSpace(bytes, end);
    if (bytes[i] === CLOSE_OBJECT) return undefined;
    expect(bytes, i, COMMA);
    i = skipSpace(bytes, i + 1);
  }
}

/** Whether the JSON string between two indices is the name. A text with escapes may be another spelling of it. */
function isNamed(bytes: Uint8Array, start: number, end: number, { name, json }: MemberName): boolean {
  let isEqual = end - start === json.length;
  for (let i = start; i < end; i++) {
    if (bytes[i] === BACKSLASH) return JSON.parse(decoder.decode(bytes.subarray(start, end))) === name;
    if (isEqual && bytes[i] !== json[i - start]) isEqual = false;
  }
  return isEqual;
}

/** The elements of the JSON array at `start`, in order. Throws a SyntaxError if there is no array. */
export function elements(bytes: Uint8Array, start: number): Span[] {
  const found: Span[] = [];
  eachElement(bytes, start, (from, end) => found.push({ start: from, end }));
  return found;
}

/**
 * Calls `visit` with the name of each member and the start of its value; `visit` returns the end of the value.
 * Returns the end of the object.
 */
export function eachMember(
  bytes: Uint8Array,
  start: number,
  visit: (name: string, valueStart: number) => number,
): number {
  let i = skipSpace(bytes, start);
  expect(bytes, i, OPEN_OBJECT);
  i = skipSpace(bytes, i + 1);
  if (bytes[i] === CLOSE_OBJECT) return i + 1;
  for (;;) {
    expect(bytes, i, QUOTE);
    const nameEnd = skipString(bytes, i);
    // A name may contain escapes.
    const name = JSON.parse(decoder.decode(bytes.subarray(i, nameEnd))) as string;
    i = skipSpace(bytes, nameEnd);
    expect(bytes, i, COLON);
    i = skipSpace(bytes, visit(name, skipSpace(bytes, i + 1)));
    if (bytes[i] === CLOSE_OBJECT) return i + 1;
    expect(bytes, i, COMMA);
    i = skipSpace(bytes, i + 1);
  }
}

/** Calls `visit` with the start and the end of each element of the array at `start`; returns the end of the array. */
export function eachElement(
  bytes: Uint8Array,
  start: number,
  visit: (start: number, end: number) => void,
): number {
  let i = skipSpace(bytes, start);
  expect(bytes, i, OPEN_ARRAY);
  i = skipSpace(bytes, i + 1);
  if (bytes[i] === CLOSE_ARRAY) return i + 1;
  for (;;) {
    const end = skipValue(bytes, i);
    visit(i, end);
    i = skipSpace(bytes, end);
    if (bytes[i] === CLOSE_ARRAY) return i + 1;
    expect(bytes, i, COMMA);
    i = skipSpace(bytes, i + 1);
  }
}

/** The end of the value that starts at `start`. */
export function skipValue(bytes: Uint8Array, start: number): number {
  const first = bytes[start];
  if (first === QUOTE) return skipString(bytes, start);
  if (first === OPEN_OBJECT || first === OPEN_ARRAY) return skipNested(bytes, start);
  let i = start;
  for (; i < bytes.length; i++) {
    const byte = bytes[i]!;
    if (byte === COMMA || byte === CLOSE_OBJECT || byte === CLOSE_ARRAY || byte <= 0x20) break;
  }
  if (i === start) throw malformed(bytes, start);
  return i;
}

/** The index of the first byte at or after `start` that is not white space. */
export function skipSpace(bytes: Uint8Array, start: number): number {
  let i = start;
  // JSON's white space: space, tab, line feed, carriage return.
  while (bytes[i] === 0x20 || bytes[i] === 0x0a || bytes[i] === 0x0d || bytes[i] === 0x09) i++;
  return i;
}

/** Skips an object or array. Only brackets inside strings must be ignored. */
function skipNested(bytes: Uint8Array, start: number): number {
  const { length } = bytes;
  let depth = 0;
  for (let i = start; i < length; i++) {
    const byte = bytes[i]!;
    if (byte === QUOTE) i = skipString(bytes, i) - 1;
    else if (byte >= OPEN_ARRAY) {
      // Square and curly brackets differ in this bit alone, and so do no other bytes from a bracket.
      const bracket = byte | (OPEN_OBJECT - OPEN_ARRAY);
      if (bracket === OPEN_OBJECT) depth++;
      else if (bracket === CLOSE_OBJECT && --depth === 0) return i + 1;
    }
  }
  throw malformed(bytes, length);
}

/** Skips a string: its first bytes one by one and, if it is long, to its next quotes. */
function skipString(bytes: Uint8Array, start: number): number {
  for (let from = start + 1; ; ) {
    const near = from + NEAR_BYTES;
    let i = from;
    for (; i < near; i++) {
      const byte = bytes[i];
      if (byte === QUOTE) return i + 1;
      if (byte === BACKSLASH) i++;
    }
    const quote = bytes.indexOf(QUOTE, i);
    if (quote === -1) throw malformed(bytes, bytes.length);
    // `i` is not inside an escape, so the backslashes from there on show whether the quote is.
    let escapes = quote;
    while (escapes > i && bytes[escapes - 1] === BACKSLASH) escapes--;
    if ((quote - escapes) % 2 === 0) return quote + 1;
    from = quote + 1;
  }
}

function expect(bytes: Uint8Array, at: number, byte: number): void {
  if (bytes[at] !== byte) throw malformed(bytes, at);
}

function malformed(bytes: Uint8Array, at: number): SyntaxError {
  const what = at < bytes.length ? `byte 0x${bytes[at]!.toString(16)}` : "the end";
  return new SyntaxError(`JSON text has ${what} at ${at}, which is not valid there`);
}
