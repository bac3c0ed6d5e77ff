import { describe, expect, it } from "vitest";
import { type BodyStream, openBodyStream } from "./body-stream.ts";

const KIB = 1024;

function open() {
  const flow = { resumed: 0, stopped: 0 };
  const body = openBodyStream({
    resume: () => void flow.resumed++,
    stop: () => void flow.stopped++,
  });
  return { body, flow };
}

/** Stores bytes as a socket would: so many at a time, and no more than there is space. */
function receive(body: BodyStream, bytes: Uint8Array, atATime = bytes.length): void {
  for (let at = 0; at < bytes.length; ) {
    const part = bytes.subarray(at, Math.min(at + atATime, at + body.space().length));
    body.space().set(part);
    body.received(part.length);
    at += part.length;
  }
}

const numbers = Buffer.alloc(
  3_000_001,
  Uint8Array.from({ length: 251 }, (_, i) => i),
);

function numbered(length: number): Buffer {
  return numbers.subarray(0, length);
}

/** Copies of all chunks. A chunk is overwritten with zeros before the next one is requested, since its memory may be used then. */
async function collect(body: BodyStream): Promise<Buffer[]> {
  const chunks: Buffer[] = [];
  for await (const chunk of body.chunks()) {
    chunks.push(Buffer.from(chunk));
    chunk.fill(0);
  }
  return chunks;
}

/** Lets everything run that waits for nothing else. */
const settled = () => new Promise(setImmediate);

describe("a body that is read while it is received", () => {
  it.each([1 * KIB, 16 * KIB, 100 * KIB, 1024 * KIB])(
    "has all bytes in order, received %i at a time",
    async (atATime) => {
      const { body, flow } = open();
      const bytes = numbered(3_000_001);
      const read = collect(body);
      for (let at = 0; at < bytes.length; at += 500_000) {
        receive(body, bytes.subarray(at, at + 500_000), atATime);
        await settled();
      }
      body.end();
      expect(Buffer.concat(await read).equals(bytes)).toBe(true);
      expect(flow.stopped).toBe(0);
    },
  );

  it("joins small parts, and the last chunk may be small", async () => {
    const { body } = open();
    const read = collect(body);
    for (let i = 0; i < 100; i++) {
      receive(body, numbered(1000));
      await settled();
    }
    body.end();
    expect((await read).map(({ length }) => length)).toEqual([66_000, 34_000]);
  });

  it("an empty body has no chunk", async () => {
    const { body } = open();
    body.end();
    expect(await collect(body)).toEqual([]);
  });

  it("is full when 512 KiB wait for the reader, and resumes when fewer do", async () => {
    const { body, flow } = open();
    receive(body, numbered(512 * KIB - 1));
    expect(body.isFull()).toBe(false);
    receive(body, numbered(1));
    expect(body.isFull()).toBe(true);
    // Over TLS, bytes that were decrypted already come although the socket is paused.
    receive(body, numbered(300 * KIB));
    const chunks = body.chunks();
    let bytes = 0;
    while (flow.resumed === 0) bytes += (await chunks.next()).value!.length;
    // After the first of the two chunks, more than 512 KiB waited. The second buffer's last byte was not used.
    expect(bytes).toBe(512 * KIB - 1);
    expect(body.isFull()).toBe(false);
    body.end();
    for await (const chunk of chunks) bytes += chunk.length;
    expect(bytes).toBe(812 * KIB);
  });

  it("always has space for a TLS record", () => {
    const { body } = open();
    for (let i = 0; i < 1000; i++) {
      receive(body, numbered(1000));
      expect(body.space().length).toBeGreaterThanOrEqual(16 * KIB);
    }
  });

  it("given a failure, throws it after the bytes that were received", async () => {
    const { body, flow } = open();
    const chunks = body.chunks();
    const first = chunks.next();
    receive(body, numbered(70_000));
    expect((await first).value).toHaveLength(70_000);
    const second = chunks.next();
    receive(body, numbered(10));
    await settled();
    body.fail(new Error("broken"));
    body.end();
    expect((await second).value).toHaveLength(10);
    await expect(chunks.next()).rejects.toThrow("broken");
    expect(flow.stopped).toBe(0);
  });

  it("a reader that stops early closes the connection, once", async () => {
    const { body, flow } = open();
    receive(body, numbered(70_000));
    for await (const chunk of body.chunks()) if (chunk.length > 0) break;
    expect(flow.stopped).toBe(1);
  });

  it("a body that is never read can be stopped, but not after its end", () => {
    const { body, flow } = open();
    body.stop();
    expect(flow.stopped).toBe(1);
    const { body: ended, flow: other } = open();
    ended.end();
    ended.stop();
    expect(other.stopped).toBe(0);
  });

  it("uses the buffers of bodies that were read again", async () => {
    const buffers = new Set<ArrayBufferLike>();
    for (let i = 0; i < 20; i++) {
      const { body } = open();
      const read = collect(body);
      for (let part = 0; part < 10; part++) {
        buffers.add(body.space().buffer);
        receive(body, numbered(100 * KIB));
        await settled();
      }
      body.end();
      await read;
    }
    // 20 MB were read.
    expect(buffers.size).toBeLessThanOrEqual(16);
  });

  it("keeps 16 buffers at most that no body uses", async () => {
    const firstBuffers = () =>
      Array.from({ length: 30 }, () => open().body).map((body) => ({ body, buffer: body.space().buffer }));
    const many = firstBuffers();
    for (const { body } of many) {
      body.end();
      await collect(body);
    }
    const before = new Set(many.map(({ buffer }) => buffer));
    expect(firstBuffers().filter(({ buffer }) => before.has(buffer))).toHaveLength(16);
  });
});
