import { once } from "node:events";
import { Agent, request } from "node:http";
import { type AddressInfo, createServer, type Server } from "node:net";
import { buffer } from "node:stream/consumers";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BodyOfUnknownLength, openResponseReader, type Response } from "./response-reader.ts";

/** Feeds a reader with these parts; returns the response that completes them, or that the end of the connection does. */
function read(parts: readonly Uint8Array[], reader = openResponseReader()): Response | undefined {
  for (const [i, part] of parts.entries()) {
    for (let at = 0; at < part.length; ) {
      const space = reader.space();
      const count = Math.min(space.length, part.length - at);
      space.set(part.subarray(at, at + count));
      at += count;
      const response = reader.received(count);
      if (response === undefined) continue;
      expect([i, at], "nothing may follow").toEqual([parts.length - 1, part.length]);
      return response;
    }
  }
  return reader.ended();
}

const bytes = (text: string) => Buffer.from(text, "latin1");
const seen = (response: Response | undefined) =>
  response && { ...response, body: Buffer.from(response.body).toString("latin1") };

/** Cuts bytes at these places. */
function cut(whole: Buffer, places: readonly number[]): Buffer[] {
  const sorted = [...new Set(places.map((place) => place % whole.length))].sort((a, b) => a - b);
  return [0, ...sorted].map((start, i) => whole.subarray(start, sorted[i] ?? whole.length));
}

describe("a reader of responses", () => {
  const examples: Readonly<Record<string, [raw: string, expected: object]>> = {
    "a body of known length": [
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A:  a b \t\r\n\r\nhello",
      {
        statusCode: 200,
        headers: { "content-length": "5", "x-a": "a b" },
        body: "hello",
        keepAliveMs: Number.POSITIVE_INFINITY,
      },
    ],
    "an empty body": ["HTTP/1.1 500 \r\ncontent-length: 0\r\n\r\n", { statusCode: 500, body: "" }],
    "no reason phrase": ["HTTP/1.1 404\r\ncontent-length: 1\r\n\r\nx", { statusCode: 404, body: "x" }],
    "chunks with extensions and trailers": [
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3;a=b\r\nabc\r\nA \r\n0123456789\r\n0\r\nx-t: 1\r\n\r\n",
      { body: "abc0123456789" },
    ],
    "no chunks": ["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", { body: "" }],
    "a body until the end": ["HTTP/1.1 200 OK\r\n\r\nhello", { body: "hello", keepAliveMs: 0 }],
    "no body by its status": ["HTTP/1.1 204 No Content\r\nx-a: 1\r\n\r\n", { statusCode: 204, body: "" }],
    "announcements before it": [
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}",
      { statusCode: 200, headers: { "content-length": "2" }, body: "{}" },
    ],
    "a name that comes twice": [
      "HTTP/1.1 200 OK\r\nx-a: 1\r\nX-A: 2\r\ncontent-length: 0\r\n\r\n",
      { headers: { "x-a": "1, 2", "content-length": "0" } },
    ],
    "a connection that closes": [
      "HTTP/1.1 200 OK\r\nconnection: x, Close\r\ncontent-length: 0\r\n\r\n",
      { keepAliveMs: 0 },
    ],
    "HTTP/1.0": ["HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n", { keepAliveMs: 0 }],
    "a limit of the connection": [
      "HTTP/1.1 200 OK\r\nconnection: keep-alive\r\nkeep-alive: timeout=65, max=100\r\ncontent-length: 0\r\n\r\n",
      { keepAliveMs: 64_000 },
    ],
    "a connection that is kept": [
      "HTTP/1.1 200 OK\r\nconnection: keep-alive\r\ncontent-length: 0\r\n\r\n",
      { keepAliveMs: Number.POSITIVE_INFINITY },
    ],
    "a long chunk": [
      `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n12\r\n${"a".repeat(0x12)}\r\n0\r\n\r\n`,
      { body: "a".repeat(0x12) },
    ],
  };

  it.each(Object.entries(examples))("reads %s, cut anywhere", (_, [raw, expected]) => {
    const whole = bytes(raw);
    for (let at = 0; at < whole.length; at++)
      expect(seen(read([whole.subarray(0, at), whole.subarray(at)]))).toMatchObject(expected);
    expect(seen(read(Array.from(whole, (byte) => Uint8Array.of(byte))))).toMatchObject(expected);
  });

  it("reads one response after the other", () => {
    const reader = openResponseReader();
    for (const body of ["first", "", "third"]) {
      const raw = bytes(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
      expect(seen(read([raw], reader))).toMatchObject({ body });
      const chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n";
      expect(seen(read([bytes(chunked)], reader))).toMatchObject({ body: "ab" });
    }
  });

  it("receives a long body without a copy", () => {
    const reader = openResponseReader();
    reader.space().set(bytes("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\nab"));
    reader.received("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\nab".length);
    const rest = reader.space();
    expect(rest).toHaveLength(999_998);
    rest.fill(0x63);
    const { body } = reader.received(999_998)!;
    expect(body.buffer).toBe(rest.buffer);
    expect(Buffer.from(body.subarray(0, 4)).toString()).toBe("abcc");
  });

  describe("given a sink for the body", () => {
    /** Reads with a sink that has this much space at a time, and returns what came into it. */
    function readInSink(parts: readonly Uint8Array[], spaceBytes = 20_000) {
      const reader = openResponseReader();
      const received: Buffer[] = [];
      const heads: unknown[] = [];
      let space = Buffer.alloc(spaceBytes);
      reader.begin(({ statusCode }) => {
        heads.push(statusCode);
        return {
          space: () => space,
          received(count) {
            received.push(space.subarray(0, count));
            space = Buffer.alloc(spaceBytes);
          },
        };
      });
      const response = read(parts, reader);
      return { response, heads, text: Buffer.concat(received).toString("latin1") };
    }

    it.each([200, 206])("the bytes of a success with status %i go there, cut anywhere", (status) => {
      const whole = bytes(`HTTP/1.1 ${status} OK\r\ncontent-length: 5\r\n\r\nhello`);
      for (let at = 0; at < whole.length; at++) {
        const { response, heads, text } = readInSink([whole.subarray(0, at), whole.subarray(at)]);
        expect(seen(response)).toMatchObject({ statusCode: status, body: "" });
        expect(heads).toEqual([status]);
        expect(text).toBe("hello");
      }
    });

    it("an empty body completes the response", () => {
      const { response, heads, text } = readInSink([bytes("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")]);
      expect([response?.statusCode, heads, text]).toEqual([200, [200], ""]);
    });

    it.each([
      ["an error", "HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\nno", "no"],
      [
        "an error in chunks",
        "HTTP/1.1 503 X\r\ntransfer-encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n",
        "no",
      ],
      ["a response without a body", "HTTP/1.1 204 No Content\r\n\r\n", ""],
    ])("%s is read whole", (_, raw, body) => {
      const { response, heads } = readInSink([bytes(raw)]);
      expect(seen(response)).toMatchObject({ body });
      expect(heads).toEqual([]);
    });

    it.each([
      ["in chunks", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"],
      ["until the end", "HTTP/1.1 200 OK\r\n\r\n"],
    ])("a success %s throws BodyOfUnknownLength", (_, raw) => {
      expect(() => readInSink([bytes(raw)])).toThrow(BodyOfUnknownLength);
    });

    it.each([
      ["at once", ["HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nxy"]],
      ["later", ["HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nx", "yz"]],
    ])("a byte too many is an error, if it comes %s", (_, parts) => {
      expect(() => readInSink(parts.map(bytes))).toThrow("1 bytes follow it");
    });

    it("the next response is read as it begins", () => {
      const reader = openResponseReader();
      const ok = bytes("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
      reader.begin(() => ({ space: () => new Uint8Array(10), received() {} }));
      expect(seen(read([ok], reader))).toMatchObject({ body: "" });
      reader.begin();
      expect(seen(read([ok], reader))).toMatchObject({ body: "{}" });
    });
  });

  it.each<[string, string, string | RegExp]>([
    ["another protocol", "SSH-2.0-OpenSSH\r\n\r\n", "it starts with"],
    ["HTTP/2", "HTTP/2 200\r\n\r\n", "it starts with"],
    ["an invalid status", "HTTP/1.1 600 X\r\n\r\n", "it starts with"],
    [
      "a change of the protocol",
      "HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\n\r\n",
      "changes to another protocol",
    ],
    ["a header without a name", "HTTP/1.1 200 OK\r\n: a\r\n\r\n", "it has the header"],
    ["a header without a colon", "HTTP/1.1 200 OK\r\nabc\r\n\r\n", 'it has the header "abc"'],
    ["a folded header", "HTTP/1.1 200 OK\r\nx-a: 1\r\n 2: 3\r\n\r\n", "it has the header"],
    ["a space before a colon", "HTTP/1.1 200 OK\r\nx-a : 1\r\n\r\n", "it has the header"],
    ["a control character", "HTTP/1.1 200 OK\r\nx-a: \x001\r\n\r\n", "it has the header"],
    ["a line feed alone", "HTTP/1.1 200 OK\r\nx-a: 1\nx-b: 1\r\n\r\n", "it has the header"],
    [
      "a length with a unit",
      "HTTP/1.1 200 OK\r\ncontent-length: 1 B\r\n\r\nx",
      "its body has the length 1 B",
    ],
    ["text before the protocol", "x HTTP/1.1 200 OK\r\n\r\n", "it starts with"],
    [
      "a chunk whose size has a sign",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n+1\r\nx\r\n",
      'a chunk starts with "+1"',
    ],
    ["an invalid length", "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n", "its body has the length -1"],
    [
      "two lengths",
      "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\nx",
      "its body has the length 1, 1",
    ],
    [
      "a length that no buffer has",
      "HTTP/1.1 200 OK\r\ncontent-length: 999999999999999\r\n\r\n",
      /memory|range|length/i,
    ],
    [
      "a length beside chunks",
      "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
      "its body has the encoding chunked and the length 1",
    ],
    [
      "another encoding",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n",
      "its body has the encoding gzip, chunked",
    ],
    [
      "a chunk without a size",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nx\r\n",
      "a chunk starts with",
    ],
    [
      "a chunk that is too long",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nxyz0\r\n\r\n",
      "a chunk is longer than its size",
    ],
    ["a byte after a body", "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nxy", "1 bytes follow it"],
    ["a byte after a response without a body", "HTTP/1.1 204 No Content\r\n\r\nx", "1 bytes follow it"],
    [
      "a byte after chunks",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nx",
      "1 bytes follow it",
    ],
    ["a second response", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".repeat(2), "38 bytes follow it"],
    [
      "a head that is too long",
      `HTTP/1.1 200 OK\r\nx-a: ${"x".repeat(16 * 1024)}\r\n\r\n`,
      "its head is longer than 16384 bytes",
    ],
    [
      "a line of chunks that is too long",
      `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;${"x".repeat(17_000)}\r\n`,
      "its head is longer than 16384 bytes",
    ],
  ])("refuses %s", (_, raw, reason) => {
    expect(() => read([bytes(raw)])).toThrow(reason);
  });

  it("an error for what is not HTTP/1.1 has node:http's code and the start of what came", () => {
    expect(() => read([bytes(`${"x".repeat(1000)}\r\n\r\n`)])).toThrow(
      expect.objectContaining({
        code: "HPE_INVALID",
        message: `The response is not HTTP/1.1 as it is read here: it starts with "${"x".repeat(40)}"`,
      }),
    );
  });

  it.each([
    ["in its head", "HTTP/1.1 200 OK\r\ncontent-le"],
    ["in its body", "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nxy"],
    ["in a chunk", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nab"],
    ["between chunks", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n"],
    ["in its trailer", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n"],
    ["before it", ""],
  ])("a connection that ends %s completes no response", (_, raw) => {
    expect(read([bytes(raw)])).toBeUndefined();
  });

  describe("given responses of any kind", () => {
    let server: Server;
    let raw = Buffer.alloc(0);
    const agent = new Agent({ keepAlive: false });
    beforeAll(async () => {
      server = createServer((socket) => {
        socket.on("error", () => {});
        socket.once("data", () => socket.end(raw));
      });
      await once(server.listen(0, "127.0.0.1"), "listening");
    });
    afterAll(() => server.close());

    async function byNode(): Promise<object> {
      const { port } = server.address() as AddressInfo;
      const call = request({ host: "127.0.0.1", port, agent }).end();
      const [message] = await once(call, "response");
      return {
        statusCode: message.statusCode,
        headers: { ...message.headers },
        body: (await buffer(message)).toString("latin1"),
      };
    }

    const name = fc.stringMatching(/^x-[a-zA-Z0-9-]{1,8}$/);
    const value = fc.stringMatching(/^[!-~]([ -~\x80-\xff]{0,20}[!-~])?$/);
    const body = fc.string({ unit: "binary-ascii", maxLength: 3000 });
    const framing = fc.oneof(
      fc.constant("length"),
      fc.constant("until end"),
      fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1, maxLength: 5 }),
    );
    const response = fc.record({
      status: fc.constantFrom(200, 201, 400, 403, 500, 503),
      announced: fc.boolean(),
      fields: fc.uniqueArray(fc.tuple(name, value), {
        maxLength: 8,
        selector: ([one]) => one.toLowerCase(),
      }),
      body,
      framing,
    });

    function rawOf({
      status,
      announced,
      fields,
      body,
      framing,
    }: typeof response extends fc.Arbitrary<infer T> ? T : never) {
      const lines = fields.map(([field, text]) => `${field}: ${text}\r\n`).join("");
      const first = `${announced ? "HTTP/1.1 100 Continue\r\n\r\n" : ""}HTTP/1.1 ${status} Some thing\r\n${lines}`;
      if (framing === "length") return bytes(`${first}Content-Length: ${body.length}\r\n\r\n${body}`);
      if (typeof framing === "string") return bytes(`${first}\r\n${body}`);
      let chunks = "";
      let rest = body;
      for (let i = 0; rest !== ""; i++) {
        const size = framing[i % framing.length]!;
        const chunk = rest.slice(0, size);
        rest = rest.slice(size);
        chunks += `${chunk.length.toString(16)}\r\n${chunk}\r\n`;
      }
      return bytes(`${first}Transfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`);
    }

    it("reads what node:http reads, however they are cut", async () => {
      await fc.assert(
        fc.asyncProperty(response, fc.array(fc.nat(), { maxLength: 12 }), async (one, places) => {
          raw = rawOf(one);
          const { keepAliveMs: _, ...found } = seen(read(cut(raw, places)))!;
          expect(found).toEqual(await byNode());
        }),
        { numRuns: 50 },
      );
    });
  });
});
