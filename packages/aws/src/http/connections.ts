/**
 * Connections to one server, for calls of HTTP/1.1 with bodies that are known before. node:http takes two thirds of the CPU time of
 * such a call for streams, events and headers of each.
 */
import { isIP, connect as overTcp, type Socket } from "node:net";
import { createSecureContext, connect as overTls, type SecureContext } from "node:tls";
import { type BodyStream, type Flow, openBodyStream } from "./body-stream.ts";
import { type Head, openResponseReader, type Response } from "./response-reader.ts";

export interface Origin {
  readonly isTls: boolean;
  /** A name or an address; one of IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

export interface ConnectionOptions {
  /** How long a connection may take to be made, ms. */
  readonly connectionTimeoutMs: number;
  /** How long a connection may be idle during a call, ms. Without a call, it is closed after that time. */
  readonly socketTimeoutMs: number;
  /** The most connections; further calls wait for one. */
  readonly maxSockets: number;
}

export interface Connections {
  /**
   * Makes a call: a head as on the wire, with the empty line at its end, in Latin-1, and its body. The body must not change until it
   * resolves, and not afterwards if it rejects or the status is an error: such a response may come before the request was sent to the end.
   */
  send(head: string, body: Uint8Array): Promise<Response>;
  /**
   * Makes a call without a body, and resolves with the head of the response, if it is a success: its connection is in use until the body was
   * read. Other responses are read whole. Rejects with BodyOfUnknownLength if the server does not name the length of a success.
   */
  open(head: string): Promise<Response | StreamedResponse>;
  /** Ends all connections. Calls in progress fail. */
  destroy(): void;
}

/** A response whose body is read while it is received. */
export interface StreamedResponse extends Head {
  readonly body: BodyStream;
}

interface Call {
  readonly head: string;
  readonly body: Uint8Array;
  /** Begins to receive the body of a success, if it is not received whole. Then `resolve` and `reject` report its end. */
  readonly openBody?: (head: Head, flow: Flow) => BodyStream;
  readonly resolve: (response: Response) => void;
  readonly reject: (error: Error) => void;
}

interface Connection {
  begin(call: Call): void;
  /** Whether the server may still accept a call. */
  isAlive(): boolean;
  destroy(): void;
}

const NO_BODY = new Uint8Array(0);
/** Probes of an idle connection, as node:http sends them. */
const PROBE_AFTER_MS = 1000;

/** Opens the connections to a server: none before the first call. */
export function openConnections(origin: Origin, options: ConnectionOptions): Connections {
  const all = new Set<Connection>();
  /** Without a call. The last one was used last. */
  const idle: Connection[] = [];
  const waiting: Call[] = [];
  const connect = connector(origin);

  function send(call: Call): void {
    const kept = takeIdle();
    if (kept === undefined && all.size >= options.maxSockets) waiting.push(call);
    else (kept ?? open()).begin(call);
  }

  function takeIdle(): Connection | undefined {
    for (let kept = idle.pop(); kept !== undefined; kept = idle.pop()) {
      if (kept.isAlive()) return kept;
      kept.destroy();
    }
    return undefined;
  }

  function open(): Connection {
    const connection = openConnection(connect(), options, {
      idle() {
        const next = waiting.shift();
        if (next === undefined) idle.push(connection);
        else connection.begin(next);
      },
      closed() {
        all.delete(connection);
        const at = idle.indexOf(connection);
        if (at !== -1) idle.splice(at, 1);
        const next = waiting.shift();
        if (next !== undefined) send(next);
      },
    });
    all.add(connection);
    return connection;
  }

  return {
    send: (head, body) => new Promise((resolve, reject) => send({ head, body, resolve, reject })),
    open: (head) =>
      new Promise((resolve, reject) => {
        let stream: BodyStream | undefined;
        send({
          head,
          body: NO_BODY,
          openBody(received, flow) {
            stream = openBodyStream(flow);
            resolve({ ...received, body: stream });
            return stream;
          },
          resolve: (response) => (stream === undefined ? resolve(response) : stream.end()),
          reject: (error) => (stream === undefined ? reject(error) : stream.fail(error)),
        });
      }),
    destroy() {
      for (const call of waiting.splice(0)) call.reject(hangUp());
      for (const connection of all) connection.destroy();
    },
  };
}

/** One socket. `idle` is called when it can have another call, `closed` once when it cannot have any more. */
function openConnection(
  make: Connect,
  { connectionTimeoutMs, socketTimeoutMs }: ConnectionOptions,
  report: { idle(): void; closed(): void },
): Connection {
  const reader = openResponseReader();
  let call: Call | undefined;
  /** The body that is read while it is received. */
  let stream: BodyStream | undefined;
  let isPaused = false;
  let isClosed = false;
  /** When the server may close it, by `performance.now`, ms. */
  let aliveUntilMs = Number.POSITIVE_INFINITY;
  const socket = make(read, reader.space);
  const connecting = setTimeout(
    () => fail(timeout(`no connection within ${connectionTimeoutMs} ms`)),
    connectionTimeoutMs,
  );
  socket.once("connect", () => clearTimeout(connecting));
  // One timer of the socket's own, for all of its calls.
  socket.setTimeout(socketTimeoutMs, () => fail(timeout(`no byte for ${socketTimeoutMs} ms`)));
  socket.on("error", fail);
  socket.on("end", end);
  // However else it closes, its call must not wait for ever.
  socket.on("close", end);

  /** Returns whether the socket should read on. */
  function read(count: number): boolean {
    if (isClosed) return false;
    try {
      if (call === undefined) throw new Error("the server sent bytes without a call");
      const response = reader.received(count);
      if (response !== undefined) complete(response);
      const wasPaused = isPaused;
      isPaused = stream?.isFull() ?? false;
      // Over TLS, bytes that were decrypted before the socket stopped still come, and may be the end of the body.
      if (wasPaused && !isPaused) socket.resume();
    } catch (error) {
      fail(error as Error);
    }
    return !isPaused;
  }

  const flow: Flow = {
    resume() {
      if (!isPaused) return;
      isPaused = false;
      socket.resume();
    },
    stop: () => fail(hangUp()),
  };

  function complete(response: Response): void {
    const { resolve } = call!;
    const isSent = socket.writableLength === 0;
    // The caller may use the body's memory for another one.
    if (!isSent && response.statusCode < 300) {
      fail(new Error("the server accepted the request before it was sent to the end"));
      return;
    }
    call = undefined;
    stream = undefined;
    // What was not sent of a request would be taken for the next one.
    if (response.keepAliveMs === 0 || !isSent) close();
    else {
      aliveUntilMs =
        response.keepAliveMs === Number.POSITIVE_INFINITY
          ? response.keepAliveMs
          : performance.now() + response.keepAliveMs;
      // An idle connection does not keep the process alive.
      socket.unref();
      report.idle();
    }
    resolve(response);
  }

  function end(): void {
    const response = call && reader.ended();
    if (response === undefined) fail(hangUp());
    else complete(response);
  }

  function fail(error: Error): void {
    const failed = call;
    call = undefined;
    close();
    failed?.reject(error);
  }

  function close(): void {
    clearTimeout(connecting);
    socket.destroy();
    if (isClosed) return;
    isClosed = true;
    report.closed();
  }

  return {
    begin(next) {
      call = next;
      const { openBody } = next;
      reader.begin(
        openBody &&
          ((head) => {
            stream = openBody(head, flow);
            return stream;
          }),
      );
      socket.ref();
      // Head and body in one system call. One buffer of both takes longer, for large bodies three times as long.
      socket.cork();
      socket.write(next.head, "latin1");
      if (next.body.length > 0) socket.write(next.body);
      socket.uncork();
    },
    isAlive: () => aliveUntilMs === Number.POSITIVE_INFINITY || performance.now() < aliveUntilMs,
    destroy: () => fail(hangUp()),
  };
}

/** Connects to a server. `read` is called with the number of bytes in `space()`, and returns whether the socket should read on. */
type Connect = (read: (count: number) => boolean, space: () => Uint8Array) => Socket;

/** Returns a function that connects to the server and passes on what is received. */
function connector({ isTls, host, port }: Origin): () => Connect {
  let secureContext: SecureContext | undefined;
  let session: Buffer | undefined;
  return () =>
    (read, space): Socket => {
      const onread = { buffer: space, callback: read };
      const socket = isTls ? secure(onread) : overTcp({ host, port, onread });
      socket.setNoDelay(true);
      socket.setKeepAlive(true, PROBE_AFTER_MS);
      return socket;
    };

  function secure(onread: object): Socket {
    // Without it, each connection reads all root certificates.
    secureContext ??= createSecureContext();
    const socket = overTls({
      host,
      port,
      // An address is not a name of a server.
      servername: isIP(host) === 0 ? host : "",
      ALPNProtocols: ["http/1.1"],
      secureContext,
      ...(session !== undefined && { session }),
      ...{ onread },
    });
    socket.on("session", (received: Buffer) => {
      session = received;
    });
    socket.on("error", () => {
      session = undefined;
    });
    return socket;
  }
}

/** As node:http reports a connection that ends during a call. */
function hangUp(): Error {
  return Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
}

function timeout(message: string): Error {
  return Object.assign(new Error(message), { name: "TimeoutError" });
}
