/**
 * Another S3 engine for all buckets. Requests are passed on as they are, except for their host, so the engine must accept any
 * signature, and find buckets in the path.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream";
import { authorizationFor, passedOn } from "./http.ts";
import { openerFor, requireAnswer } from "./other-engine.ts";

/** Passes requests to the engine at the URL. */
export function withOtherS3(url: string): (request: IncomingMessage, response: ServerResponse) => void {
  const engine = new URL(url);
  const open = openerFor(engine);
  const root = engine.pathname.replace(/\/$/, "");
  return (request, response) => {
    const sent = open({
      path: `${root}${request.url ?? "/"}`,
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
export function requireS3(url: string): Promise<void> {
  return requireAnswer(
    url,
    { method: "GET", headers: { authorization: authorizationFor("us-east-1", "s3") } },
    { operation: "ListBuckets", service: "S3", mark: "ListAllMyBucketsResult" },
  );
}
