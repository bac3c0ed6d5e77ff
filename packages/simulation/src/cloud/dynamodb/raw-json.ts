/**
 * Parses JSON and keeps the source text of each value, so that a request's items reach the tables byte by byte.
 * Independent of the engine's cutter.
 */

/** A value: its source, its members if it is an object, its elements if it is an array. */
export interface RawJson {
  readonly source: string;
  readonly members: ReadonlyMap<string, RawJson>;
  readonly elements: readonly RawJson[];
}

/** Throws a SyntaxError if the text is not JSON. */
export function readRawJson(text: string): RawJson {
  JSON.parse(text);
  return readValue(text, skipSpace(text, 0)).value;
}

function readValue(text: string, start: number): { readonly value: RawJson; readonly end: number } {
  const members = new Map<string, RawJson>();
  const elements: RawJson[] = [];
  let end = start;
  if (text[start] === "{" || text[start] === "[") {
    const close = text[start] === "{" ? "}" : "]";
    end = skipSpace(text, start + 1);
    while (text[end] !== close) {
      if (close === "}") {
        const nameEnd = endOfString(text, end);
        const name = JSON.parse(text.slice(end, nameEnd)) as string;
        const member = readValue(text, skipSpace(text, skipSpace(text, nameEnd) + 1));
        members.set(name, member.value);
        end = member.end;
      } else {
        const element = readValue(text, end);
        elements.push(element.value);
        end = element.end;
      }
      end = skipSpace(text, end);
      if (text[end] === ",") end = skipSpace(text, end + 1);
    }
    end++;
  } else if (text[start] === '"') end = endOfString(text, start);
  else while (end < text.length && /[^\s,\]}]/.test(text[end]!)) end++;
  return { value: { source: text.slice(start, end), members, elements }, end };
}

function endOfString(text: string, start: number): number {
  let end = start + 1;
  while (text[end] !== '"') end += text[end] === "\\" ? 2 : 1;
  return end + 1;
}

function skipSpace(text: string, start: number): number {
  let at = start;
  while (" \t\r\n".includes(text[at] ?? "x")) at++;
  return at;
}
