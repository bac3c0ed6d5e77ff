/**
 * The request handler of the clients for tables' items. It does the same as the SDK's NodeHttpHandler without node:http, because a
 * restore makes tens of thousands of calls.
 */
import type { HttpRequest, HttpResponse, RequestHandler } from "@smithy/types";
import type { ConnectionOptions, Connections } from "./connections.ts";
import { connectionsByOrigin, headOf } from "./sdk-requests.ts";

/** The bodies of its responses are read whole before it resolves, as bytes. */
export interface LeanHttpHandler extends RequestHandler<HttpRequest, HttpResponse> {
  /** The connections to the server of a request, for calls whose heads exist already. */
  connectionsTo(request: HttpRequest): Connections;
}

const encoder = new TextEncoder();

export function leanHttpHandler(options: ConnectionOptions): LeanHttpHandler {
  const { connectionsTo, destroy } = connectionsByOrigin(options);
  return {
    metadata: { handlerProtocol: "http/1.1" },
    connectionsTo,
    async handle(request) {
      const body = bytesOf(request.body);
      const headers = { ...request.headers, "content-length": String(body.length) };
      return { response: await connectionsTo(request).send(headOf(request, Object.entries(headers)), body) };
    },
    destroy,
  };
}

function bytesOf(body: unknown): Uint8Array {
  if (body instanceof Uint8Array) return body;
  if (body === undefined || typeof body === "string") return encoder.encode(body);
  throw new TypeError("a call on items has a body of bytes or text");
}
