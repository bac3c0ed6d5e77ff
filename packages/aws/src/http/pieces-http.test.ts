import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { expect, it, onTestFinished } from "vitest";
import { credentials } from "../testing/stub-server.ts";
import { PIECE_BYTES_MAX, piecesHttpHandler } from "./pieces-http.ts";

const OBJECT = Buffer.from(Uint8Array.from({ length: 2 * PIECE_BYTES_MAX + 1 }, (_, i) => i % 253));

/** A client of a server, and the bodies of the requests that the SDK's handler got. */
async function start(listener: RequestListener) {
  const given: unknown[] = [];
  const server = createServer(listener);
  await once(server.listen(0, "127.0.0.1"), "listening");
  const other = new NodeHttpHandler();
  const client = new S3Client({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: "eu-west-1",
    credentials,
    requestHandler: piecesHttpHandler({
      handle(request, options) {
        given.push(request.body);
        return other.handle(request, options);
      },
      destroy: () => other.destroy(),
    }),
  });
  onTestFinished(() => {
    client.destroy();
    server.close();
    server.closeAllConnections();
  });
  return { client, server, given };
}

/** Puts a body twice, because the first try fails. Returns the bodies that were received whole, and those of the handler's requests. */
async function put(body: Buffer, failure: "500" | "broken connection" = "500") {
  const received: Buffer[] = [];
  let tries = 0;
  const { client, given } = await start(async (request, response) => {
    if (++tries === 1 && failure === "broken connection") {
      request.once("data", () => request.socket.destroy());
      return;
    }
    received.push(await buffer(request));
    response.writeHead(tries === 1 ? 500 : 200).end();
  });
  await client.send(new PutObjectCommand({ Bucket: "archive", Key: "a", Body: body }));
  return { received, given };
}

it("sends a large body in pieces, whole and unchanged, again if the SDK repeats the call", async () => {
  const { received, given } = await put(OBJECT);
  expect(received.map((body) => Buffer.compare(body, OBJECT))).toEqual([0, 0]);
  expect(given).toEqual([expect.any(Readable), expect.any(Readable)]);
});

it("sends it whole after a connection that broke in the middle of it", async () => {
  const { received, given } = await put(OBJECT, "broken connection");
  expect(received.map((body) => Buffer.compare(body, OBJECT))).toEqual([0]);
  expect(given).toHaveLength(2);
});

it.each(["before the body is asked for", "while the body is sent"])(
  "a refusal that comes %s is the answer",
  async (when) => {
    const unhandled: unknown[] = [];
    const record = (error: unknown) => unhandled.push(error);
    process.on("unhandledRejection", record);
    const { client, server } = await start((request, response) => {
      // The rest of the body is not read.
      request.once("data", () => {
        request.pause();
        response.writeHead(412).end();
      });
    });
    let asked = 0;
    if (when === "before the body is asked for")
      server.on("checkContinue", (_request, response) => {
        asked++;
        response.writeHead(412, { connection: "close" }).end();
      });
    // More than the sockets' buffers take.
    const put = client.send(
      new PutObjectCommand({ Bucket: "archive", Key: "a", Body: Buffer.alloc(32 * 1024 * 1024) }),
    );
    await expect(put).rejects.toMatchObject({ $metadata: { httpStatusCode: 412 } });
    expect(asked).toBe(when === "before the body is asked for" ? 1 : 0);
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", record);
    expect(unhandled).toEqual([]);
  },
);

it("writes one piece at a time, and copies none", async () => {
  const pieces: Uint8Array[] = [];
  const handler = piecesHttpHandler({
    async handle({ body }) {
      for await (const piece of body as Readable) pieces.push(piece as Uint8Array);
      throw new Error("read");
    },
    destroy() {},
  });
  const request = { body: OBJECT, clone: () => ({ ...request }) } as never as Parameters<
    typeof handler.handle
  >[0];
  await expect(handler.handle(request)).rejects.toThrow("read");
  expect(pieces.map(({ length }) => length)).toEqual([PIECE_BYTES_MAX, PIECE_BYTES_MAX, 1]);
  expect(pieces.every((piece) => piece.buffer === OBJECT.buffer)).toBe(true);
  expect(request.body).toBe(OBJECT);
});

it("sends a body of one piece as it is", async () => {
  const small = OBJECT.subarray(0, PIECE_BYTES_MAX);
  const { received, given } = await put(small);
  expect(received.map((body) => Buffer.compare(body, small))).toEqual([0, 0]);
  expect(given.every((body) => body instanceof Uint8Array)).toBe(true);
});
