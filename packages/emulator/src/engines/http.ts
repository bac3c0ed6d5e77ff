/**
 * Requests and replies between the gateway and the engines, and the scope that a signature names.
 */
import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import type { JsonObject } from "../json.ts";

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The region and the service that a SigV4 signature names, so that one port serves them all. */
export interface Scope {
  readonly region: string;
  readonly service: string;
}

const credential = /Credential=[^/\s]+(?:\/[^/\s]+)*?\/\d{8}\/([^/\s]+)\/([^/\s]+)\/aws4_request/;

/** Reads the scope from the Authorization header, or from X-Amz-Credential in a presigned URL. */
export function readScope(headers: IncomingHttpHeaders, url: string): Scope | undefined {
  const presigned = new URLSearchParams(url.split("?", 2)[1] ?? "").get("X-Amz-Credential");
  const text = headers.authorization ?? (presigned === null ? "" : `Credential=${presigned}`);
  const match = credential.exec(text);
  return match === null ? undefined : { region: match[1]!, service: match[2]! };
}

/** The Authorization header of the emulator's own requests. No signature is checked here. */
export function authorizationFor(region: string, service: "dynamodb" | "s3" | "sqs"): string {
  return `AWS4-HMAC-SHA256 Credential=local/20000101/${region}/${service}/aws4_request, SignedHeaders=host, Signature=0`;
}

/** Headers of one connection. `expect` is answered by the server that received it. */
const CONNECTION_HEADERS = new Set(["connection", "expect", "host", "keep-alive", "transfer-encoding"]);

/** The headers that a proxy passes on. */
export function passedOn(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !CONNECTION_HEADERS.has(name)));
}

/** A reply of the protocol JSON 1.0. */
export function jsonReply(status: number, body: object): Reply {
  return {
    status,
    headers: { "content-type": "application/x-amz-json-1.0" },
    body: JSON.stringify(body),
  };
}

/** The Error for an operation's output that reports one, with the name of the service's error. */
export function errorOf(operation: string, output: JsonObject): Error {
  const type = String(output["__type"]);
  return Object.assign(new Error(`${operation}: ${String(output["message"] ?? type)}`), {
    name: type.split("#").at(-1),
  });
}

/** Writes a reply. */
export function writeReply(response: ServerResponse, reply: Reply): void {
  response.writeHead(reply.status, { ...reply.headers, "content-length": Buffer.byteLength(reply.body) });
  response.end(reply.body);
}
