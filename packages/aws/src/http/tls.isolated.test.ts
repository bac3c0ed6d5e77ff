import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import * as tls from "node:tls";
import { createServer, type Server, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openConnections, type StreamedResponse } from "./connections.ts";

/** Of 127.0.0.1, signed by itself. */
const pem = readFileSync(new URL("../../../local/src/bench/loopback.pem", import.meta.url), "utf8");
const HEAD = "POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\n";
const BODY = new TextEncoder().encode("{}");
const LONG = "x".repeat(1_000_000);

describe("connections over TLS", () => {
  let server: Server;
  let port: number;
  const sessions: { reused: boolean; protocol: string | false | null; name: string | false | null }[] = [];
  beforeAll(async () => {
    server = createServer({ key: pem, cert: pem, ALPNProtocols: ["h2", "http/1.1"] }, (socket: TLSSocket) => {
      sessions.push({
        reused: socket.isSessionReused(),
        protocol: socket.alpnProtocol,
        name: (socket as TLSSocket & { servername: string | false }).servername,
      });
      socket.on("error", () => {});
      socket.on("data", (request) => {
        const [, bytes] = /^GET \/(\d+)/.exec(request.toString("latin1")) ?? [];
        if (bytes === undefined)
          socket.write(
            `HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: ${LONG.length}\r\n\r\n${LONG}`,
          );
        else
          socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${bytes}\r\n\r\n${LONG.slice(0, Number(bytes))}`);
      });
    });
    server.on("tlsClientError", () => {});
    await once(server.listen(0, "127.0.0.1"), "listening");
    port = (server.address() as AddressInfo).port;
  });
  afterAll(() => server.close());

  const open = (host: string) =>
    openConnections(
      { isTls: true, host, port },
      { connectionTimeoutMs: 60_000, socketTimeoutMs: 60_000, maxSockets: 8 },
    );

  it("refuses a certificate of an unknown authority", async () => {
    await expect(open("127.0.0.1").send(HEAD, BODY)).rejects.toMatchObject({
      code: "DEPTH_ZERO_SELF_SIGNED_CERT",
    });
    expect(sessions).toHaveLength(0);
  });

  describe("given a trusted authority", () => {
    beforeAll(() => tls.setDefaultCACertificates([pem]));

    it("refuses the certificate of another name", async () => {
      await expect(open("localhost").send(HEAD, BODY)).rejects.toMatchObject({
        code: "ERR_TLS_CERT_ALTNAME_INVALID",
      });
    });

    it("a connection that stopped reading shortly before the end of a body has further calls", async () => {
      sessions.length = 0;
      const connections = open("127.0.0.1");
      // It stops at 512 KiB. What was decrypted together with the byte at which it stops still arrives.
      for (let more = 1; more < 60_000; more += 5000) {
        const bytes = 512 * 1024 + more;
        const { body } = (await connections.open(`GET /${bytes} HTTP/1.1\r\n\r\n`)) as StreamedResponse;
        while (!body.isFull()) await new Promise(setImmediate);
        let received = 0;
        for await (const chunk of body.chunks()) received += chunk.length;
        expect(received).toBe(bytes);
      }
      expect(sessions).toHaveLength(1);
      connections.destroy();
    });

    it("sends and receives, and later connections continue the session", async () => {
      sessions.length = 0;
      const connections = open("127.0.0.1");
      for (let i = 0; i < 3; i++) {
        const { statusCode, body } = await connections.send(HEAD, BODY);
        expect(statusCode).toBe(200);
        expect(Buffer.from(body).toString()).toBe(LONG);
      }
      const response = await connections.open(`${HEAD}{}`);
      const chunks: Buffer[] = [];
      for await (const chunk of (response as StreamedResponse).body.chunks()) {
        chunks.push(Buffer.from(chunk));
        // What was decrypted already arrives while nothing reads it.
        await new Promise(setImmediate);
      }
      expect(Buffer.concat(chunks).toString()).toBe(LONG);
      expect(sessions).toEqual([
        { reused: false, protocol: "http/1.1", name: false },
        { reused: true, protocol: "http/1.1", name: false },
        { reused: true, protocol: "http/1.1", name: false },
        { reused: true, protocol: "http/1.1", name: false },
      ]);
    });
  });
});
