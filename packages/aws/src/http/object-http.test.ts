import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Readable } from "node:stream";
import {
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { afterEach, describe, expect, it } from "vitest";
import { credentials } from "../testing/stub-server.ts";
import { objectHttpHandler } from "./object-http.ts";

const address = { Bucket: "archive", Key: "a b/0x0000.json.gz" };
const OBJECT = Buffer.alloc(
  3_000_000,
  Uint8Array.from({ length: 253 }, (_, i) => i),
);

describe("the request handler for data files", () => {
  const close: (() => void)[] = [];
  afterEach(() => {
    for (const one of close.splice(0)) one();
  });

  /** A client of a server, and what the SDK's handler was called for. */
  async function start(listener: RequestListener) {
    const left: string[] = [];
    const accepted: Socket[] = [];
    // It does not close idle connections by itself.
    const server = createServer({ keepAliveTimeout: 0 }, listener);
    server.on("connection", (socket) => accepted.push(socket));
    await once(server.listen(0, "127.0.0.1"), "listening");
    const other = new NodeHttpHandler();
    const client = new S3Client({
      endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      region: "eu-west-1",
      credentials,
      requestHandler: objectHttpHandler(
        { connectionTimeoutMs: 60_000, socketTimeoutMs: 60_000, maxSockets: 8 },
        {
          handle(request, options) {
            left.push(request.method);
            return other.handle(request, options);
          },
          destroy: () => other.destroy(),
        },
      ),
    });
    close.push(() => {
      client.destroy();
      server.close();
      server.closeAllConnections();
    });
    return { client, left, accepted };
  }

  async function read(client: S3Client, buffers = new Set<unknown>()): Promise<Buffer> {
    const { Body } = await client.send(new GetObjectCommand(address));
    const chunks: Buffer[] = [];
    for await (const chunk of Body as AsyncIterable<Uint8Array>) {
      buffers.add(chunk.buffer);
      chunks.push(Buffer.from(chunk));
    }
    return Buffer.concat(chunks);
  }

  it("reads objects on its own connection, which it keeps", async () => {
    const urls: string[] = [];
    const { client, left, accepted } = await start((request, response) => {
      urls.push(request.url!);
      response.writeHead(200, { "content-length": OBJECT.length }).end(OBJECT);
    });
    const buffers = new Set();
    for (let i = 0; i < 10; i++) expect((await read(client, buffers)).equals(OBJECT)).toBe(true);
    expect(left).toEqual([]);
    expect(accepted).toHaveLength(1);
    // 30 MB were read, without a copy.
    expect(buffers.size).toBeLessThanOrEqual(16);
    expect(urls[0]).toBe("/archive/a%20b/0x0000.json.gz?x-id=GetObject");
  });

  it("a body can be read whole, too", async () => {
    const { client } = await start((_, response) =>
      response.writeHead(200, { "content-length": OBJECT.length }).end(OBJECT),
    );
    const { Body } = await client.send(new GetObjectCommand(address));
    expect(Buffer.from(await Body!.transformToByteArray()).equals(OBJECT)).toBe(true);
  });

  it("a body that is destroyed before it is read closes its connection", async () => {
    const { client, accepted } = await start((_, response) => {
      response.writeHead(200, { "content-length": OBJECT.length }).write(OBJECT.subarray(0, 1000));
    });
    const { Body } = await client.send(new GetObjectCommand(address));
    (Body as unknown as Readable).destroy();
    await Promise.all([once(accepted[0]!, "close"), once(Body as unknown as Readable, "close")]);
  });

  it("a destroyed client has no connections", async () => {
    const { client, accepted } = await start((_, response) =>
      response.writeHead(200, { "content-length": 2 }).end("{}"),
    );
    await read(client);
    await client.send(new HeadObjectCommand(address));
    client.destroy();
    await expect.poll(() => accepted.map(({ closed }) => closed)).toEqual([true, true]);
  });

  it("given a reader that is slow, the server has to wait", async () => {
    let sent = 0;
    const large = 64 * 1024 * 1024;
    const { client } = await start((_, response) => {
      response.writeHead(200, { "content-length": large });
      const part = Buffer.alloc(1024 * 1024);
      const more = () => {
        sent += part.length;
        if (sent <= large && !response.destroyed) response.write(part, more);
      };
      more();
    });
    const { Body } = await client.send(new GetObjectCommand(address));
    let read = 0;
    for await (const chunk of Body as AsyncIterable<Uint8Array>) {
      // What the kernel's buffers hold was sent, too, but not more.
      if (read === 0)
        for (let before = -1; before !== sent; await new Promise((resolve) => setTimeout(resolve, 50)))
          before = sent;
      expect(sent - read).toBeLessThan(large / 2);
      read += chunk.length;
    }
    expect(read).toBe(large);
  });

  it("leaves other calls to the SDK's handler", async () => {
    const { client, left } = await start((request, response) => {
      request.resume().on("end", () => response.writeHead(200, { etag: '"e"', "content-length": 0 }).end());
    });
    await client.send(new PutObjectCommand({ ...address, Body: "x" }));
    await client.send(new HeadObjectCommand(address));
    await client.send(new ListObjectsV2Command(address));
    expect(left).toEqual(["PUT", "HEAD", "GET"]);
  });

  it.each([
    ["in chunks", {}],
    ["until its connection ends", { connection: "close", "transfer-encoding": "identity" }],
  ])("leaves an object to the SDK's handler that is sent %s", async (_, headers) => {
    let calls = 0;
    const { client, left } = await start((_, response) => {
      calls++;
      response.writeHead(200, headers).end(OBJECT);
    });
    expect((await read(client)).equals(OBJECT)).toBe(true);
    expect(left).toEqual(["GET"]);
    expect(calls).toBe(2);
  });

  it("the SDK reads errors, which may be in chunks, and repeats calls that can be", async () => {
    let calls = 0;
    const { client, left } = await start((request, response) => {
      const answers: [number, string][] = [
        [503, "SlowDown"],
        [0, "reset"],
        [404, "NoSuchKey"],
      ];
      const [status, Code] = answers[calls++]!;
      if (status === 0) request.socket.destroy();
      else
        response
          .writeHead(status, { "content-type": "application/xml" })
          .end(`<Error><Code>${Code}</Code></Error>`);
    });
    await expect(read(client)).rejects.toMatchObject({ name: "NoSuchKey", $metadata: { attempts: 3 } });
    expect(left).toEqual([]);
  });

  it("a connection that breaks within the body ends the iteration with an error", async () => {
    const { client } = await start((_, response) => {
      response.writeHead(200, { "content-length": OBJECT.length });
      response.write(OBJECT.subarray(0, 100_000), () => response.destroy());
    });
    await expect(read(client)).rejects.toMatchObject({ code: "ECONNRESET" });
    const { Body } = await client.send(new GetObjectCommand(address));
    await expect(Body!.transformToByteArray()).rejects.toMatchObject({ code: "ECONNRESET" });
  });
});
