/**
 * Reads HTTP/1.1 responses from the bytes of a connection, of which any number may arrive at once. A body whose length is
 * known is received where it stays, without a copy. Source: RFC 9112.
 */
import type { BodySink } from "./body-stream.ts";

export interface Head {
  readonly statusCode: number;
  /** By lower-case names. The values of a name that came more than once are joined by commas. */
  readonly headers: Record<string, string>;
  /** How long the server keeps the connection for another call, ms; 0 if it does not. */
  readonly keepAliveMs: number;
}

export interface Response extends Head {
  readonly body: Uint8Array;
}

/** Is called with the head of a successful response, whose body has a known length. Returns where its bytes belong. */
export type OpenBody = (head: Head) => BodySink;

/** The server did not name the length of a body that should be read while it is received. */
export class BodyOfUnknownLength extends Error {}

export interface ResponseReader {
  /**
   * Begins with the next response. With `openBody`, the body of a successful one does not become a part of it, and one without a length throws a
   * BodyOfUnknownLength.
   */
  begin(openBody?: OpenBody): void;
  /** Where the next bytes belong. It changes with each call of `received`. */
  space(): Uint8Array;
  /**
   * Reads `count` bytes that were stored at the start of `space()`. Returns the response if they complete it; the next bytes
   * belong to another one. Throws if the bytes are not a response: then the connection cannot be used any more.
   */
  received(count: number): Response | undefined;
  /** The response that the end of the connection completes, if there is one. */
  ended(): Response | undefined;
}

/** The most bytes of a head, and of the lines between chunks. As in node:http. */
const HEAD_BYTES_MAX = 16 * 1024;
/** A server that announces a limit may close the connection that much earlier, by its own clock. */
const KEEP_ALIVE_MARGIN_MS = 1000;

const HEAD_END = "\r\n\r\n";
const LINE_END = "\r\n";
const CARRIAGE_RETURN = 0x0d;
const LINE_FEED = 0x0a;
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: |$)/;
const NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
/** Names as they came, and as they are returned. Servers send the same ones again and again. */
const knownNames = new Map<string, string>();
const KNOWN_NAMES_MAX = 256;
/** Control characters, apart from a tab. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not occur.
const CONTROL = /[\0-\x08\x0a-\x1f\x7f]/;
const LENGTH = /^\d{1,15}$/;
const CHUNK_SIZE = /^([0-9a-f]{1,12})[ \t]*(?:;|$)/i;

/** What the next bytes are. `stream`: a body in a sink. `until end`: a body that ends with the connection. */
type Part = "head" | "body" | "stream" | "until end" | "chunk size" | "chunk" | "chunk end" | "trailer";

/** Opens a reader for the responses of one connection. */
export function openResponseReader(): ResponseReader {
  /** Bytes that are not a body of known length. The first `held` are not read yet. */
  const scratch = Buffer.allocUnsafeSlow(HEAD_BYTES_MAX);
  let held = 0;
  let part: Part = "head";
  let head: Head | undefined;
  let body = Buffer.alloc(0);
  /** How much of `body` was received. */
  let bodyBytes = 0;
  let openBody: OpenBody | undefined;
  let sink: BodySink | undefined;
  /** The bytes that are still to come of the body in `sink`. */
  let sinkBytes = 0;
  /** The bodies of chunks, or what was received until the end of the connection. */
  let pieces: Buffer[] = [];
  /** The bytes of the chunk that are still to come. */
  let chunkBytes = 0;

  function complete(whole: Uint8Array): Response {
    const response = { ...head!, body: whole };
    part = "head";
    head = undefined;
    body = Buffer.alloc(0);
    sink = undefined;
    pieces = [];
    return response;
  }

  /**
   * Reads the part that starts at `at` in the scratch. Returns where the next one starts, the response if it is complete, or
   * undefined if the part is incomplete.
   */
  function step(at: number): number | Response | undefined {
    switch (part) {
      case "head": {
        const end = scratch.subarray(0, held).indexOf(HEAD_END, at, "latin1");
        if (end === -1) return undefined;
        return begin(parseHead(scratch.toString("latin1", at, end)), end + HEAD_END.length);
      }
      case "chunk size": {
        const line = lineAt(at);
        if (line === undefined) return undefined;
        const size = CHUNK_SIZE.exec(line);
        if (size === null) throw malformed(`a chunk starts with ${JSON.stringify(line.slice(0, 40))}`);
        chunkBytes = Number.parseInt(size[1]!, 16);
        part = chunkBytes === 0 ? "trailer" : "chunk";
        return at + line.length + LINE_END.length;
      }
      case "chunk": {
        const end = Math.min(at + chunkBytes, held);
        pieces.push(Buffer.from(scratch.subarray(at, end)));
        chunkBytes -= end - at;
        if (chunkBytes === 0) part = "chunk end";
        return end > at ? end : undefined;
      }
      case "chunk end":
        if (held < at + LINE_END.length) return undefined;
        if (scratch[at] !== CARRIAGE_RETURN || scratch[at + 1] !== LINE_FEED)
          throw malformed("a chunk is longer than its size");
        part = "chunk size";
        return at + LINE_END.length;
      case "trailer": {
        // The fields after the last chunk are not used.
        const line = lineAt(at);
        if (line === undefined) return undefined;
        const next = at + line.length + LINE_END.length;
        if (line !== "") return next;
        requireNothingAfter(next);
        return complete(Buffer.concat(pieces));
      }
      case "until end":
        if (held > at) pieces.push(Buffer.from(scratch.subarray(at, held)));
        return held > at ? held : undefined;
      case "body":
      case "stream":
        // Their bytes are not received in the scratch.
        return undefined;
    }
  }

  /** Begins with the body of a response, which may be in the scratch from `at` on. */
  function begin(parsed: Head, at: number): number | Response {
    const { statusCode, headers } = parsed;
    if (statusCode === 101) throw malformed("the server changes to another protocol");
    // 100 and 103 announce another response.
    if (statusCode < 200) return at;
    head = parsed;
    const { "transfer-encoding": encoding, "content-length": length } = headers;
    const opens = statusCode < 300 && statusCode !== 204 ? openBody : undefined;
    if (opens !== undefined && (encoding !== undefined || length === undefined))
      throw new BodyOfUnknownLength();
    if (encoding !== undefined) {
      if (encoding.toLowerCase() !== "chunked" || length !== undefined)
        throw malformed(`its body has the encoding ${encoding} and the length ${length}`);
      part = "chunk size";
      return at;
    }
    if (statusCode === 204 || statusCode === 304) return requireNothingAfter(at) ?? complete(body);
    if (length === undefined) {
      head = { ...parsed, keepAliveMs: 0 };
      part = "until end";
      return at;
    }
    if (!LENGTH.test(length)) throw malformed(`its body has the length ${length}`);
    if (opens !== undefined) {
      sink = opens(parsed);
      sinkBytes = Number(length);
      part = "stream";
      const first = scratch.subarray(at, held);
      sink.space().set(first);
      return receivedInSink(first.length) ?? held;
    }
    body = Buffer.allocUnsafeSlow(Number(length));
    bodyBytes = Math.min(body.length, held - at);
    body.set(scratch.subarray(at, at + bodyBytes));
    requireNothingAfter(at + bodyBytes, bodyBytes === body.length);
    if (bodyBytes === body.length) return complete(body);
    part = "body";
    return held;
  }

  function receivedInSink(count: number): Response | undefined {
    if (count > sinkBytes) throw malformed(`${count - sinkBytes} bytes follow it`);
    sinkBytes -= count;
    sink!.received(count);
    return sinkBytes === 0 ? complete(body) : undefined;
  }

  /** Only one call is in progress on a connection, so bytes after its response belong to nothing. */
  function requireNothingAfter(at: number, isEnd = true): undefined {
    if (isEnd && held > at) throw malformed(`${held - at} bytes follow it`);
  }

  function lineAt(at: number): string | undefined {
    const end = scratch.subarray(0, held).indexOf(LINE_END, at, "latin1");
    return end === -1 ? undefined : scratch.toString("latin1", at, end);
  }

  return {
    begin(open) {
      openBody = open;
    },
    space() {
      if (part === "body") return body.subarray(bodyBytes);
      return part === "stream" ? sink!.space() : scratch.subarray(held);
    },
    received(count) {
      if (part === "stream") return receivedInSink(count);
      if (part === "body") {
        bodyBytes += count;
        return bodyBytes === body.length ? complete(body) : undefined;
      }
      held += count;
      let at = 0;
      for (let next = step(at); next !== undefined; next = step(at)) {
        if (typeof next === "object") {
          held = 0;
          return next;
        }
        at = next;
      }
      scratch.copyWithin(0, at, held);
      held -= at;
      if (held === HEAD_BYTES_MAX) throw malformed(`its head is longer than ${HEAD_BYTES_MAX} bytes`);
      return undefined;
    },
    ended: () => (part === "until end" ? complete(Buffer.concat(pieces)) : undefined),
  };
}

/** Parses a status line and header fields, without the empty line at their end. Two lengths are joined, and so none. */
function parseHead(text: string): Head {
  const lines = text.split(LINE_END);
  const status = STATUS_LINE.exec(lines[0]!);
  if (status === null) throw malformed(`it starts with ${JSON.stringify(lines[0]!.slice(0, 40))}`);
  const headers: Record<string, string> = {};
  for (let i = 1; i < lines.length; i++) {
    const line = lines[i]!;
    const colon = line.indexOf(":");
    const name = colon === -1 ? undefined : nameOf(line.slice(0, colon));
    if (name === undefined || CONTROL.test(line))
      throw malformed(`it has the header ${JSON.stringify(line.slice(0, 40))}`);
    const value = withoutSpace(line, colon + 1);
    const before = headers[name];
    headers[name] = before === undefined ? value : `${before}, ${value}`;
  }
  return { statusCode: Number(status[2]), headers, keepAliveMs: keepAliveMsOf(status[1] === "1", headers) };
}

/** The name in lower case; undefined if it is not valid. */
function nameOf(text: string): string | undefined {
  const known = knownNames.get(text);
  if (known !== undefined) return known;
  const name = text.toLowerCase();
  if (!NAME.test(name)) return undefined;
  if (knownNames.size < KNOWN_NAMES_MAX) knownNames.set(text, name);
  return name;
}

/** The text from `start` on without spaces and tabs at its ends. `trim` would remove other characters too. */
function withoutSpace(text: string, start: number): string {
  const isSpace = (at: number) => text[at] === " " || text[at] === "\t";
  let from = start;
  let to = text.length;
  while (from < to && isSpace(from)) from++;
  while (to > from && isSpace(to - 1)) to--;
  return text.slice(from, to);
}

function keepAliveMsOf(isHttp11: boolean, headers: Readonly<Record<string, string>>): number {
  const { connection, "keep-alive": keepAlive } = headers;
  if (!isHttp11 || (connection !== undefined && /(^|,)\s*close\s*(,|$)/i.test(connection))) return 0;
  const seconds = keepAlive === undefined ? null : /\btimeout=(\d+)/.exec(keepAlive);
  return seconds === null
    ? Number.POSITIVE_INFINITY
    : Math.max(0, Number(seconds[1]) * 1000 - KEEP_ALIVE_MARGIN_MS);
}

function malformed(reason: string): Error {
  return Object.assign(new Error(`The response is not HTTP/1.1 as it is read here: ${reason}`), {
    code: "HPE_INVALID",
  });
}
