/**
 * The request handler of the clients for tables' items: node:http and node:https with connections that are kept. It does the
 * same as the SDK's NodeHttpHandler with fewer timers and streams, because a restore makes tens of thousands of calls.
 */
import { type ClientRequest, Agent as HttpAgent, type IncomingMessage, request as overHttp } from "node:http";
import { Agent as HttpsAgent, request as overHttps } from "node:https";
import type { Socket } from "node:net";
import type { HttpRequest, HttpResponse, RequestHandler } from "@smithy/types";

export interface LeanHttpOptions {
  /** How long a connection may take to be made, ms. */
  readonly connectionTimeoutMs: number;
  /** How long a connection may be idle during a call, ms. */
  readonly socketTimeoutMs: number;
  readonly maxSockets: number;
}

/** Opens a handler. The bodies of its responses are read whole before it resolves, as bytes. */
export function leanHttpHandler(options: LeanHttpOptions): RequestHandler<HttpRequest, HttpResponse> {
  const agentOptions = { keepAlive: true, maxSockets: options.maxSockets };
  const http = new HttpAgent(agentOptions);
  const https = new HttpsAgent(agentOptions);
  return {
    metadata: { handlerProtocol: "http/1.1" },
    handle: (request) =>
      new Promise((resolve, reject) => {
        const [send, agent] = request.protocol === "https:" ? [overHttps, https] : [overHttp, http];
        const call = send(
          {
            agent,
            // An IPv6 address is in brackets.
            host: request.hostname.replace(/^\[(.*)\]$/, "$1"),
            port: request.port,
            method: request.method,
            path: pathOf(request),
            // As an array they are written at once; each name of an object would be checked and stored first.
            headers: Object.entries(request.headers).flat(),
            timeout: options.socketTimeoutMs,
          },
          (message) => read(message, resolve, reject),
        );
        call.on("error", reject);
        call.on("timeout", () => call.destroy(timeout(`no byte for ${options.socketTimeoutMs} ms`)));
        call.on("socket", (socket) => limitConnecting(socket, call, options.connectionTimeoutMs));
        call.end(request.body);
      }),
    destroy() {
      http.destroy();
      https.destroy();
    },
  };
}

function pathOf({ path, query = {} }: HttpRequest): string {
  const parameters = Object.entries(query).flatMap(([name, value]) =>
    [value ?? ""].flat().map((one) => `${encodeURIComponent(name)}=${encodeURIComponent(one)}`),
  );
  return parameters.length === 0 ? path : `${path}?${parameters.join("&")}`;
}

function limitConnecting(socket: Socket, call: ClientRequest, timeoutMs: number): void {
  if (!socket.connecting) return;
  const timer = setTimeout(() => call.destroy(timeout(`no connection within ${timeoutMs} ms`)), timeoutMs);
  const stop = () => clearTimeout(timer);
  socket.once("connect", stop);
  socket.once("close", stop);
}

/** Reads a whole response. A body that is cut off is an error. */
function read(
  message: IncomingMessage,
  resolve: (result: { response: HttpResponse }) => void,
  reject: (error: Error) => void,
): void {
  const parts: Buffer[] = [];
  message.on("data", (part: Buffer) => parts.push(part));
  message.on("error", reject);
  message.on("end", () => {
    const body = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
    resolve({ response: { statusCode: message.statusCode ?? 0, headers: headersOf(message), body } });
  });
}

/** The headers by lower-case names. Of those that may come more than once, the values are joined. */
function headersOf({ headers }: IncomingMessage): Record<string, string> {
  const joined: Record<string, string> = {};
  for (const name in headers) joined[name] = String(headers[name]);
  return joined;
}

function timeout(message: string): Error {
  return Object.assign(new Error(message), { name: "TimeoutError" });
}
