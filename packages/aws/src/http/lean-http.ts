/**
 * The request handler of the clients for tables' items. It does the same as the SDK's NodeHttpHandler without node:http, because a
 * restore makes tens of thousands of calls.
 */
import type { HttpRequest, HttpResponse, RequestHandler } from "@smithy/types";
import { type ConnectionOptions, type Connections, openConnections } from "./connections.ts";

/** The bodies of its responses are read whole before it resolves, as bytes. */
export interface LeanHttpHandler extends RequestHandler<HttpRequest, HttpResponse> {
  /** The connections to the server of a request, for calls whose heads exist already. */
  connectionsTo(request: HttpRequest): Connections;
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { "http:": 80, "https:": 443 };
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not occur.
const CONTROL = /[\0-\x08\x0a-\x1f\x7f]|[^\0-\xff]/;
const encoder = new TextEncoder();

export function leanHttpHandler(options: ConnectionOptions): LeanHttpHandler {
  const byOrigin = new Map<string, Connections>();

  function connectionsTo({ protocol, hostname, port }: HttpRequest): Connections {
    const origin = `${protocol}//${hostname}:${port}`;
    let connections = byOrigin.get(origin);
    if (connections === undefined) {
      connections = openConnections(
        {
          isTls: protocol === "https:",
          // An IPv6 address is in brackets.
          host: hostname.replace(/^\[(.*)\]$/, "$1"),
          port: port ?? DEFAULT_PORTS[protocol]!,
        },
        options,
      );
      byOrigin.set(origin, connections);
    }
    return connections;
  }

  return {
    metadata: { handlerProtocol: "http/1.1" },
    connectionsTo,
    async handle(request) {
      const body = bytesOf(request.body);
      const headers = { ...request.headers, "content-length": String(body.length) };
      return { response: await connectionsTo(request).send(headOf(request, Object.entries(headers)), body) };
    },
    destroy() {
      for (const connections of byOrigin.values()) connections.destroy();
    },
  };
}

/** The head of a request as on the wire, with these headers in place of its own. */
export function headOf(
  request: HttpRequest,
  headers: Iterable<readonly [name: string, value: string]>,
): string {
  let head = `${request.method} ${pathOf(request)} HTTP/1.1\r\n`;
  for (const [name, value] of headers) {
    if (CONTROL.test(name) || CONTROL.test(value))
      throw new TypeError(`the header ${JSON.stringify(name)} has a character that is not allowed`);
    head += `${name}: ${value}\r\n`;
  }
  return `${head}\r\n`;
}

function pathOf({ path, query = {} }: HttpRequest): string {
  const parameters = Object.entries(query).flatMap(([name, value]) =>
    [value ?? ""].flat().map((one) => `${encodeURIComponent(name)}=${encodeURIComponent(one)}`),
  );
  return parameters.length === 0 ? path : `${path}?${parameters.join("&")}`;
}

function bytesOf(body: unknown): Uint8Array {
  if (body instanceof Uint8Array) return body;
  if (body === undefined || typeof body === "string") return encoder.encode(body);
  throw new TypeError("a call on items has a body of bytes or text");
}
