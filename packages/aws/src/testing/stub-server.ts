/**
 * For tests: a server on 127.0.0.1 with canned responses, so that the SDK's whole stack is tested.
 */
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

export interface StubRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface StubAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Whether the connection is reset in place of an answer. */
  readonly reset?: boolean;
}

export interface Listening {
  readonly endpoint: string;
  close(): Promise<void>;
}

/** An address of this machine. */
export interface Place {
  readonly host?: string;
  readonly port?: number;
}

export interface Stub extends Listening {
  /** Every request so far. */
  readonly requests: StubRequest[];
}

export const credentials = { accessKeyId: "test", secretAccessKey: "test" };

/** Starts a server that answers request `n` (from 0) with `answer(request, n)`. `at`: by default a free port of 127.0.0.1. */
export async function startStub(
  answer: (request: StubRequest, n: number) => StubAnswer,
  at: Place = {},
): Promise<Stub> {
  const requests: StubRequest[] = [];
  const server = createServer(async (request, response) => {
    const { method = "", url = "", headers } = request;
    const received = { method, url, headers, body: await buffer(request) };
    requests.push(received);
    const { status = 200, headers: answered = {}, body = "", reset } = answer(received, requests.length - 1);
    if (reset) {
      request.socket.resetAndDestroy();
      return;
    }
    response.writeHead(status, answered);
    response.end(method === "HEAD" ? "" : body);
  });
  return { ...(await listening(server, at)), requests };
}

/** Starts an HTTP server on a free port of 127.0.0.1. */
export async function listen(listener: RequestListener): Promise<Listening> {
  return listening(createServer(listener));
}

/** Makes an HTTP server listen, by default on a free port of 127.0.0.1. */
export async function listening(
  server: ReturnType<typeof createServer>,
  { host = "127.0.0.1", port = 0 }: Place = {},
): Promise<Listening> {
  await once(server.listen(port, host), "listening");
  const name = host.includes(":") ? `[${host}]` : host;
  return {
    endpoint: `http://${name}:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
