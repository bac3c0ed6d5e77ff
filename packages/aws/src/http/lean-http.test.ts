import { once } from "node:events";
import { createServer, type Server, Socket } from "node:net";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { HttpRequest } from "@smithy/types";
import { afterEach, describe, expect, it, vi } from "vitest";
import { startStub } from "../testing/stub-server.ts";
import { leanHttpHandler } from "./lean-http.ts";

type Request = Parameters<ReturnType<typeof leanHttpHandler>["handle"]>[0];

const CONNECTION_TIMEOUT_MS = 5000;
/** The first byte of a TLS connection. */
const TLS_HANDSHAKE = 0x16;
const open = (socketTimeoutMs = 60_000) =>
  leanHttpHandler({ connectionTimeoutMs: CONNECTION_TIMEOUT_MS, socketTimeoutMs, maxSockets: 8 });

function requestTo(endpoint: string, fields: Partial<Request> = {}): Request {
  const { hostname, port, host } = new URL(endpoint);
  return {
    protocol: "http:",
    hostname,
    port: Number(port),
    method: "POST",
    path: "/",
    query: {},
    headers: { host, "content-length": "2" },
    body: new TextEncoder().encode("{}"),
    ...fields,
  };
}

describe("the lean request handler", () => {
  it("sends a request and returns status, headers and the whole body", async () => {
    const body = "x".repeat(300_000);
    const stub = await startStub(() => ({ status: 201, headers: { "x-Amz-Crc32": "7" }, body }));
    const { response } = await open().handle(
      requestTo(stub.endpoint, { path: "/a", query: { b: "c d", e: null } }),
    );
    expect(response.statusCode).toBe(201);
    expect(response.headers).toMatchObject({ "x-amz-crc32": "7" });
    expect(Buffer.from(response.body).toString()).toBe(body);
    expect(stub.requests[0]).toMatchObject({ method: "POST", url: "/a?b=c%20d&e=", body: Buffer.from("{}") });
    await open().handle(requestTo(stub.endpoint, { path: "/a" }));
    expect(stub.requests[1]!.url).toBe("/a");
    await stub.close();
  });

  it.each([
    ["bytes", new Uint8Array([123, 125]), "{}"],
    ["text", '{"é":1}', '{"é":1}'],
    ["no body", undefined, ""],
  ])("sends %s with the length in bytes", async (_, body, received) => {
    const stub = await startStub(() => ({ body: "{}" }));
    await open().handle(requestTo(stub.endpoint, { body }));
    expect(stub.requests[0]!.body.toString()).toBe(received);
    expect(stub.requests[0]!.headers["content-length"]).toBe(String(Buffer.byteLength(received)));
    await stub.close();
  });

  it("sends each request to its own server", async () => {
    const stubs = await Promise.all(["a", "b"].map((body) => startStub(() => ({ body }))));
    const handler = open();
    for (const [n, { endpoint }] of [...stubs, ...stubs].entries()) {
      const { response } = await handler.handle(requestTo(endpoint));
      expect(Buffer.from(response.body).toString()).toBe(["a", "b"][n % 2]);
    }
    handler.destroy?.();
    await Promise.all(stubs.map((stub) => stub.close()));
  });

  it.each([
    ["http:", 80],
    ["https:", 443],
  ])("without a port, %s is port %i", async (protocol, port) => {
    const connected = Promise.withResolvers<unknown>();
    const connect = vi.spyOn(Socket.prototype, "connect").mockImplementation(function (
      this: Socket,
      ...[first]: unknown[]
    ) {
      // node:net passes the arguments of its own connect as a list.
      connected.resolve((Array.isArray(first) ? first[0] : first) as unknown);
      return this;
    });
    const handler = open();
    const request = requestTo("http://127.0.0.1:9", { protocol });
    delete request.port;
    const refused = expect(handler.handle(request)).rejects.toThrow("socket hang up");
    expect(await connected.promise).toMatchObject({ port, host: "127.0.0.1" });
    handler.destroy?.();
    await refused;
    connect.mockRestore();
  });

  it.each([
    ["name", { "a\nb": "c" }],
    ["value", { a: "b\r\nc: d" }],
    ["value", { a: "\u0100" }],
  ])("refuses a header whose %s has a character that is not allowed", async (_, headers) => {
    const request = requestTo("http://127.0.0.1:9", { headers });
    await expect(open().handle(request)).rejects.toThrow("has a character that is not allowed");
  });

  it("refuses a body that is a stream", async () => {
    const request = requestTo("http://127.0.0.1:9", { body: new ReadableStream() });
    await expect(open().handle(request)).rejects.toThrow("has a body of bytes or text");
  });

  it("speaks TLS to an https endpoint", async () => {
    const received: Buffer[] = [];
    const server = createServer((socket) => {
      socket.on("data", (bytes) => {
        received.push(bytes);
        socket.destroy();
      });
    });
    const { endpoint } = await listenRaw(server);
    await expect(open().handle(requestTo(endpoint, { protocol: "https:" }))).rejects.toThrow();
    expect(received[0]![0]).toBe(TLS_HANDSHAKE);
  });

  it("names the protocol that the SDK's middleware asks for", () => {
    expect(open().metadata).toEqual({ handlerProtocol: "http/1.1" });
  });

  describe("given a connection timeout", () => {
    afterEach(() => {
      vi.useRealTimers();
      vi.restoreAllMocks();
    });

    it("a connection that is not made in that time is a TimeoutError", async () => {
      const connecting = Promise.withResolvers<void>();
      vi.spyOn(Socket.prototype, "connect").mockImplementation(function (this: Socket) {
        connecting.resolve();
        return Object.assign(this, { connecting: true });
      });
      vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
      const answer = open().handle(requestTo("http://127.0.0.1:9"));
      const refused = expect(answer).rejects.toMatchObject({
        name: "TimeoutError",
        message: `no connection within ${CONNECTION_TIMEOUT_MS} ms`,
      });
      await connecting.promise;
      // The request gets its socket in a later turn of the event loop.
      await new Promise(setImmediate);
      vi.advanceTimersByTime(CONNECTION_TIMEOUT_MS);
      await refused;
    });

    it("an answer may take longer, on a new and on a kept connection", async () => {
      vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
      const server = createServer((socket) => {
        socket.on("data", () => {
          vi.advanceTimersByTime(2 * CONNECTION_TIMEOUT_MS);
          socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
        });
      });
      const { endpoint, sockets } = await listenRaw(server);
      const handler = open();
      for (let call = 0; call < 2; call++) {
        const { response } = await handler.handle(requestTo(endpoint));
        expect(response.statusCode).toBe(200);
      }
      expect(sockets).toHaveLength(1);
      expect(vi.getTimerCount()).toBe(0);
      handler.destroy?.();
    });
  });

  it("when it is destroyed, its connections end", async () => {
    const server = createServer((socket) => {
      socket.on("data", () => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"));
    });
    const { endpoint, sockets } = await listenRaw(server);
    const handler = open();
    await handler.handle(requestTo(endpoint));
    const closed = once(sockets[0]!, "close");
    handler.destroy?.();
    await closed;
  });

  it("keeps connections", async () => {
    const server = createServer((socket) => {
      socket.on("data", () => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"));
    });
    const { endpoint, sockets } = await listenRaw(server);
    const handler = open();
    for (let i = 0; i < 3; i++) await handler.handle(requestTo(endpoint));
    expect(sockets).toHaveLength(1);
    handler.destroy?.();
  });

  it("connects to IPv6 addresses", async () => {
    const stub = await startStub(() => ({ body: "{}" }), { host: "::1" });
    const { response } = await open().handle(requestTo(stub.endpoint));
    expect(response.statusCode).toBe(200);
    await stub.close();
  });

  it.each(["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])(
    "ignores the proxy in %s, as the SDK's handler does",
    async (variable) => {
      const proxy = await startStub(() => ({ status: 502, body: "" }));
      const stub = await startStub(() => ({ body: "{}" }));
      vi.stubEnv(variable, proxy.endpoint);
      const client = new DynamoDBClient({ region: "us-east-1" });
      for (const handler of [open(), client.config.requestHandler]) {
        const { response } = await handler.handle(requestTo(stub.endpoint) as HttpRequest);
        expect(response.statusCode).toBe(200);
      }
      expect(proxy.requests).toEqual([]);
      client.destroy();
      await Promise.all([proxy.close(), stub.close()]);
    },
  );

  it("a server that does not answer is a TimeoutError", async () => {
    const { endpoint } = await listenRaw(createServer(() => {}));
    await expect(open(50).handle(requestTo(endpoint))).rejects.toMatchObject({ name: "TimeoutError" });
  });

  it("a server that stops in the middle of a body is a TimeoutError", async () => {
    const server = createServer((socket) => {
      socket.on("data", () => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}"));
    });
    const { endpoint } = await listenRaw(server);
    await expect(open(50).handle(requestTo(endpoint))).rejects.toMatchObject({ name: "TimeoutError" });
  });

  it.each([
    ["before its answer", ""],
    ["in the middle of a head", "HTTP/1.1 200 OK\r\ncontent-le"],
    ["in the middle of a body", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}"],
  ])("a connection that ends %s is an error", async (_, sent) => {
    const server = createServer((socket) => {
      socket.on("data", () => socket.end(sent));
    });
    const { endpoint } = await listenRaw(server);
    await expect(open().handle(requestTo(endpoint))).rejects.toThrow();
  });

  it("a connection that is reset is an error", async () => {
    const { endpoint } = await listenRaw(createServer((socket) => socket.resetAndDestroy()));
    await expect(open().handle(requestTo(endpoint))).rejects.toThrow(/ECONNRESET|socket hang up/);
  });

  const servers: Server[] = [];
  const accepted: Socket[] = [];
  afterEach(() => {
    for (const socket of accepted.splice(0)) socket.destroy();
    for (const server of servers.splice(0)) server.close();
  });

  async function listenRaw(server: Server): Promise<{ endpoint: string; sockets: Socket[] }> {
    const sockets: Socket[] = [];
    server.on("connection", (socket) => {
      sockets.push(socket);
      accepted.push(socket);
      socket.on("error", () => {});
    });
    servers.push(server);
    await once(server.listen(0, "127.0.0.1"), "listening");
    const address = server.address() as { port: number };
    return { endpoint: `http://127.0.0.1:${address.port}`, sockets };
  }
});
