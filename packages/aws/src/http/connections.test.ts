import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type Connections, openConnections } from "./connections.ts";

const HEAD = "POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\n";
const BODY = new TextEncoder().encode("{}");
const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";

/** Waits until a connection is closed, be it by a reset. */
async function closed(socket: Socket): Promise<void> {
  if (!socket.closed) await new Promise((resolve) => socket.once("close", resolve));
}

async function writeByteByByte(socket: Socket, text: string): Promise<void> {
  socket.setNoDelay(true);
  for (const byte of Buffer.from(text)) {
    socket.write(Uint8Array.of(byte));
    await new Promise(setImmediate);
  }
}

describe("connections to a server", () => {
  const servers: Server[] = [];
  const opened: Connections[] = [];
  let accepted: Socket[] = [];
  afterEach(() => {
    for (const connections of opened.splice(0)) connections.destroy();
    for (const socket of accepted) socket.destroy();
    for (const server of servers.splice(0)) server.close();
    accepted = [];
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  /** A server that does `answer` when call `n`, from 0, has arrived. `accepted` are its connections. */
  async function start(
    answer: (socket: Socket, n: number) => void,
    options: { maxSockets?: number; socketTimeoutMs?: number; host?: string } = {},
  ) {
    const { host = "127.0.0.1", maxSockets = 8, socketTimeoutMs = 60_000 } = options;
    let calls = 0;
    const server = createServer((socket) => {
      accepted.push(socket);
      socket.on("error", () => {});
      let received = "";
      socket.on("data", (bytes) => {
        received += bytes.toString();
        if (!received.endsWith("\r\n\r\n{}")) return;
        received = "";
        answer(socket, calls++);
      });
    });
    servers.push(server);
    await once(server.listen(0, host), "listening");
    const { port } = server.address() as AddressInfo;
    const connections = openConnections(
      { isTls: false, host, port },
      { connectionTimeoutMs: 60_000, socketTimeoutMs, maxSockets },
    );
    opened.push(connections);
    return { connections, send: () => connections.send(HEAD, BODY) };
  }

  it("keeps a connection for the next call", async () => {
    const { send } = await start((socket) => socket.write(OK));
    for (let i = 0; i < 3; i++) expect((await send()).statusCode).toBe(200);
    expect(accepted).toHaveLength(1);
  });

  it("reads an answer that arrives byte by byte", async () => {
    const { send } = await start((socket) => void writeByteByByte(socket, OK));
    expect(Buffer.from((await send()).body).toString()).toBe("{}");
    expect((await send()).statusCode).toBe(200);
  });

  it.each([
    ["says so", OK.replace("\r\n", "\r\nconnection: close\r\n")],
    ["keeps it no longer than now", OK.replace("\r\n", "\r\nkeep-alive: timeout=1\r\n")],
    ["speaks HTTP/1.0", OK.replace("HTTP/1.1", "HTTP/1.0")],
  ])("uses a connection no more if its server %s", async (_, answer) => {
    const { send } = await start((socket) => socket.write(answer));
    await send();
    await send();
    expect(accepted).toHaveLength(2);
  });

  it("a body without a length ends with its connection", async () => {
    const { send } = await start((socket) => socket.end("HTTP/1.1 200 OK\r\n\r\nhello"));
    expect(Buffer.from((await send()).body).toString()).toBe("hello");
    expect((await send()).statusCode).toBe(200);
    expect(accepted).toHaveLength(2);
  });

  it("makes a new connection after the server closed the kept one", async () => {
    const { send } = await start((socket) => socket.write(OK));
    await send();
    accepted[0]!.end();
    await closed(accepted[0]!);
    expect((await send()).statusCode).toBe(200);
    expect(accepted).toHaveLength(2);
  });

  it("a kept connection that the server closes in place of an answer is ECONNRESET, and the next call connects", async () => {
    const { send } = await start((socket, n) => (n === 1 ? socket.end() : socket.write(OK)));
    await send();
    await expect(send()).rejects.toMatchObject({ code: "ECONNRESET", message: "socket hang up" });
    expect((await send()).statusCode).toBe(200);
    expect(accepted).toHaveLength(2);
  });

  it.each([
    ["before its answer", ""],
    ["in a head", "HTTP/1.1 200 OK\r\ncont"],
    ["in a body", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}"],
  ])("a connection that is reset %s is ECONNRESET", async (_, sent) => {
    const { send } = await start((socket) => {
      if (sent === "") socket.resetAndDestroy();
      else socket.write(sent, () => setImmediate(() => socket.resetAndDestroy()));
    });
    await expect(send()).rejects.toMatchObject({ code: "ECONNRESET" });
  });

  it.each([
    ["two answers at once", OK + OK],
    ["bytes after an answer", `${OK}x`],
    ["another protocol", "SSH-2.0-OpenSSH_9.6\r\n\r\n"],
    ["an upgrade", "HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\n\r\n"],
    ["a head that is too long", `HTTP/1.1 200 OK\r\nx-a: ${"x".repeat(20_000)}\r\n\r\n`],
  ])("%s: an error, and the connection is closed", async (_, sent) => {
    const { send } = await start((socket, n) => socket.write(n === 0 ? sent : OK));
    await expect(send()).rejects.toThrow(/The response is not HTTP/);
    await closed(accepted[0]!);
    expect((await send()).statusCode).toBe(200);
    expect(accepted).toHaveLength(2);
  });

  it.each(["x", OK])(
    "bytes on a connection without a call close it, and no call gets them: %j",
    async (sent) => {
      const { send } = await start((socket) => socket.write(OK));
      await send();
      accepted[0]!.write(sent);
      await closed(accepted[0]!);
      expect((await send()).statusCode).toBe(200);
      expect(accepted).toHaveLength(2);
    },
  );

  it("an answer that comes before its request was read is the call's, and its connection is not used again", async () => {
    const server = createServer((socket) => {
      accepted.push(socket);
      socket.on("error", () => {});
      socket.once("readable", () => socket.write("HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n"));
    });
    servers.push(server);
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address() as AddressInfo;
    const connections = openConnections(
      { isTls: false, host: "127.0.0.1", port },
      { connectionTimeoutMs: 60_000, socketTimeoutMs: 60_000, maxSockets: 8 },
    );
    opened.push(connections);
    const body = new Uint8Array(64 * 1024 * 1024);
    for (let i = 0; i < 2; i++) {
      const { statusCode } = await connections.send(
        "POST / HTTP/1.1\r\ncontent-length: 67108864\r\n\r\n",
        body,
      );
      expect(statusCode).toBe(413);
    }
    expect(accepted).toHaveLength(2);
  });

  it("a server that accepts a request before it was sent has not read it: an error", async () => {
    const { connections } = await start(() => {});
    const sent = connections.send(
      "POST / HTTP/1.1\r\ncontent-length: 67108864\r\n\r\n",
      new Uint8Array(64 * 1024 * 1024),
    );
    const refused = expect(sent).rejects.toThrow(/before it was sent to the end/);
    await vi.waitUntil(() => accepted.length === 1);
    accepted[0]!.pause();
    accepted[0]!.write(OK);
    await refused;
  });

  it("further calls wait for a connection, in order", async () => {
    const order: number[] = [];
    const { send } = await start((socket) => socket.write(OK), { maxSockets: 2 });
    await Promise.all(Array.from({ length: 10 }, (_, i) => send().then(() => order.push(i))));
    expect(accepted).toHaveLength(2);
    expect(order.toSorted((a, b) => a - b)).toEqual(order);
  });

  it("calls that wait get a new connection if one fails", async () => {
    const { send } = await start((socket, n) => (n === 0 ? socket.destroy() : socket.write(OK)), {
      maxSockets: 1,
    });
    const [first, ...others] = await Promise.allSettled([send(), send(), send()]);
    expect(first!.status).toBe("rejected");
    expect(others.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled"]);
  });

  it("a refused connection is ECONNREFUSED for each call", async () => {
    const { send } = await start(() => {}, { maxSockets: 1 });
    servers[0]!.close();
    const results = await Promise.allSettled([send(), send()]);
    expect(results).toMatchObject([
      { reason: { code: "ECONNREFUSED" } },
      { reason: { code: "ECONNREFUSED" } },
    ]);
  });

  it("a name with several addresses is tried until one answers", async () => {
    const { connections } = await start((socket) => socket.write(OK));
    const { port } = servers[0]!.address() as AddressInfo;
    connections.destroy();
    const byName = openConnections(
      { isTls: false, host: "localhost", port },
      { connectionTimeoutMs: 60_000, socketTimeoutMs: 60_000, maxSockets: 8 },
    );
    opened.push(byName);
    expect((await byName.send(HEAD, BODY)).statusCode).toBe(200);
    expect((await byName.send(HEAD, BODY)).statusCode).toBe(200);
  });

  it("an idle connection is closed after the limit without an error", async () => {
    const { send } = await start((socket) => socket.write(OK), { socketTimeoutMs: 50 });
    await send();
    await closed(accepted[0]!);
    expect((await send()).statusCode).toBe(200);
    expect(accepted).toHaveLength(2);
  });

  it("when they are destroyed, calls in progress and waiting ones fail, and later ones connect again", async () => {
    const arrived = Promise.withResolvers<void>();
    const { connections, send } = await start(
      (socket, n) => (n === 0 ? arrived.resolve() : socket.write(OK)),
      { maxSockets: 1 },
    );
    const results = Promise.allSettled([send(), send()]);
    await arrived.promise;
    connections.destroy();
    expect(await results).toMatchObject([
      { reason: { code: "ECONNRESET" } },
      { reason: { code: "ECONNRESET" } },
    ]);
    expect((await send()).statusCode).toBe(200);
    expect(accepted).toHaveLength(2);
  });

  it("is used no more shortly before the server closes it, as it announced", async () => {
    const { send } = await start((socket) =>
      socket.write(OK.replace("\r\n", "\r\nkeep-alive: timeout=5\r\n")),
    );
    const clock = vi.spyOn(performance, "now");
    for (const [ms, connections] of [
      [0, 1],
      [3999, 1],
      [8000, 2],
    ] as const) {
      clock.mockReturnValue(ms);
      await send();
      expect(accepted).toHaveLength(connections);
    }
  });

  it("a connection that ends while its request is sent is ECONNRESET", async () => {
    const { connections } = await start(() => {});
    servers[0]!.prependListener("connection", (socket: Socket) => socket.pause());
    const sent = connections.send("POST / HTTP/1.1\r\n\r\n", new Uint8Array(64 * 1024 * 1024));
    const refused = expect(sent).rejects.toMatchObject({ code: "ECONNRESET" });
    await vi.waitUntil(() => accepted.length === 1);
    accepted[0]!.pause();
    accepted[0]!.end();
    await refused;
  });

  it("a refused connection leaves no timer", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const { send } = await start(() => {});
    servers[0]!.close();
    await expect(send()).rejects.toThrow();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("keeps the process alive during a call only", async () => {
    const active = () => process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length;
    const during: number[] = [];
    const { send } = await start((socket) => {
      during.push(active());
      socket.write(OK);
    });
    const after: number[] = [];
    for (let i = 0; i < 3; i++) {
      await send();
      after.push(active());
    }
    expect(after).toEqual(during.map((count) => count - 1));
  });
});
