/**
 * For tests: a server on 127.0.0.1 that answers what it is told, so that the SDK's own stack is on the way.
 */
import { createServer, type IncomingHttpHeaders, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";

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
}

export interface Listening {
  readonly endpoint: string;
  close(): Promise<void>;
}

export interface Stub extends Listening {
  /** Every request so far. */
  readonly requests: StubRequest[];
}

export const credentials = { accessKeyId: "test", secretAccessKey: "test" };

/** Starts a server that answers request `n` (from 0) with `answer(request, n)`. */
export async function startStub(answer: (request: StubRequest, n: number) => StubAnswer): Promise<Stub> {
  const requests: StubRequest[] = [];
  const listening = await listen((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method = "", url = "", headers } = request;
      const received = { method, url, headers, body: Buffer.concat(chunks) };
      requests.push(received);
      const { status = 200, headers: said = {}, body = "" } = answer(received, requests.length - 1);
      response.writeHead(status, said);
      response.end(method === "HEAD" ? "" : body);
    });
  });
  return { ...listening, requests };
}

/** Listens on a free port of 127.0.0.1. */
export async function listen(listener: RequestListener): Promise<Listening> {
  return listening(createServer(listener));
}

/** Makes any HTTP server listen on a free port of 127.0.0.1. */
export async function listening(server: ReturnType<typeof createServer>): Promise<Listening> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
