/**
 * Another S3 engine for all buckets. Requests are passed on as they are, except for their host, so the engine must accept any
 * signature, and find buckets in the path.
 */
import { once } from "node:events";
import { Agent, request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { request as httpsRequest, Agent as TlsAgent } from "node:https";
import { pipeline } from "node:stream";
import { text } from "node:stream/consumers";
import { passedOn } from "./http.ts";

/** Passes requests to the engine at the URL. */
export function withOtherS3(url: string): (request: IncomingMessage, response: ServerResponse) => void {
  const open = opener(new URL(url));
  return (request, response) => {
    const sent = open(request.url ?? "/", {
      method: request.method ?? "GET",
      headers: passedOn(request.headers),
    });
    const fail = (error: NodeJS.ErrnoException) => {
      if (response.headersSent) return void response.destroy();
      response.writeHead(503, { "content-type": "application/xml" });
      response.end(
        `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>ServiceUnavailable</Code><Message>${url} cannot be reached (${error.code ?? "error"})</Message></Error>`,
      );
    };
    sent.once("error", fail);
    sent.once("response", (answer) => {
      response.writeHead(answer.statusCode ?? 500, passedOn(answer.headers));
      pipeline(answer, response, () => {});
    });
    pipeline(request, sent, () => {});
  };
}

/** Throws an Error that says what to do if there is no S3 at the URL. */
export async function requireS3(url: string): Promise<void> {
  const sent = opener(new URL(url))("/", {
    method: "GET",
    headers: {
      authorization:
        "AWS4-HMAC-SHA256 Credential=local/20000101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0",
    },
  });
  sent.end();
  const [answer] = (await once(sent, "response").catch((error: NodeJS.ErrnoException) => {
    throw new Error(`${url} cannot be reached (${error.code ?? error.message}): start the engine first`);
  })) as [IncomingMessage];
  const body = await text(answer);
  if (answer.statusCode !== 200 || !body.includes("ListAllMyBucketsResult"))
    throw new Error(
      `${url} does not answer ListBuckets like S3, but with ${answer.statusCode}: ${body.slice(0, 200)}`,
    );
}

function opener(url: URL) {
  const isTls = url.protocol === "https:";
  const agent = isTls ? new TlsAgent({ keepAlive: true }) : new Agent({ keepAlive: true });
  const open = isTls ? httpsRequest : httpRequest;
  const { protocol, hostname, port } = url;
  const root = url.pathname.replace(/\/$/, "");
  return (path: string, { method, headers }: { method: string; headers: NodeJS.Dict<string | string[]> }) =>
    open({ protocol, hostname, port, path: `${root}${path}`, method, headers, agent });
}
