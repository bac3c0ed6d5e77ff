/**
 * One port for every service in every region. A request's signature names both, so clients need only AWS_ENDPOINT_URL.
 */

import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { messageOf } from "@ferry/core/errors/errors";
import type { LocalBus } from "../eventbridge/bus.ts";
import type { DynamoDb } from "./dynamodb.ts";
import { jsonReply, type Reply, readScope, type Scope, writeReply } from "./http.ts";
import type { S3Sqs } from "./s3-sqs.ts";
import { namesForArns } from "./table-arns.ts";

export interface Services {
  readonly dynamodb: DynamoDb["handle"];
  readonly s3: S3Sqs["handle"];
  readonly sqs: S3Sqs["handle"];
  readonly events: LocalBus["call"];
}

/** Listens on 127.0.0.1 (port 0: a free port). Requests wait until `services` resolves. */
export async function startGateway(
  port: number,
  services: Promise<Services>,
  log: (line: string) => void,
): Promise<Server> {
  const server = createServer((request, response) => {
    services
      .then((ready) => dispatch(ready, request, response))
      .catch((error) => {
        // The client disconnected: nothing to report.
        if (request.destroyed && !request.complete) return;
        log(`${request.method} ${request.url}: ${error instanceof Error ? error.stack : String(error)}`);
        if (!response.headersSent) writeReply(response, serverFault(error));
      });
  });
  // Uploads may take any time, and clients keep their connections.
  server.requestTimeout = 0;
  server.keepAliveTimeout = 60_000;
  await once(server.listen(port, "127.0.0.1"), "listening").catch((error: NodeJS.ErrnoException) => {
    throw error.code === "EADDRINUSE" ? new Error(portInUse(port)) : error;
  });
  return server;
}

async function dispatch(
  services: Services,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = request.url ?? "/";
  const scope = readScope(request.headers, url);
  switch (scope?.service) {
    case "s3":
      services.s3(request, response);
      return;
    case "sqs":
    case "sts":
      services.sqs(request, response);
      return;
    case "dynamodb": {
      const body = namesForArns(await buffer(request), scope.region);
      const { method = "POST", headers } = request;
      writeReply(response, await services.dynamodb(scope.region, { method, url, headers, body }));
      return;
    }
    case "events": {
      const target = request.headers["x-amz-target"];
      writeReply(response, services.events(scope.region, target?.toString(), await buffer(request)));
      return;
    }
    default:
      await buffer(request);
      writeReply(response, unknownService(scope, request.headers["content-type"] ?? ""));
  }
}

const SERVICES = "the local host has dynamodb, events (PutEvents, rules to queues), s3 and sqs";

/** An error in the format of the client's protocol: JSON, or XML for the older services. */
function unknownService(scope: Scope | undefined, contentType: string): Reply {
  const [code, message] =
    scope === undefined
      ? ["MissingAuthenticationToken", `The request is not signed, so it names no service: ${SERVICES}`]
      : ["UnknownOperationException", `The local host has no service "${scope.service}": ${SERVICES}`];
  return contentType.includes("form-urlencoded")
    ? {
        status: 400,
        headers: { "content-type": "text/xml" },
        body: `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`,
      }
    : {
        status: 400,
        headers: { "content-type": "application/x-amz-json-1.1", "x-amzn-errortype": code },
        body: JSON.stringify({ __type: code, message }),
      };
}

function serverFault(error: unknown): Reply {
  return jsonReply(500, { __type: "InternalServerError", message: messageOf(error) });
}

function portInUse(port: number): string {
  return `port ${port} of 127.0.0.1 is in use, perhaps by another local host: stop that program, or choose another port (0: any free one).`;
}
