/**
 * DynamoDB: one dynalite per region, made when the region is first asked for. Requests are handed over in the process;
 * nothing listens.
 */
import { EventEmitter } from "node:events";
import type { IncomingHttpHeaders, Server } from "node:http";
import dynalite from "dynalite";
import type { Reply } from "./http.ts";

export interface Request {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface DynamoDb {
  /** Answers a request to a region's DynamoDB. */
  handle(region: string, request: Request): Promise<Reply>;
  /** Calls an operation, for this host itself. Throws an Error with the service's name and message of it. */
  call(region: string, operation: string, input: object): Promise<Readonly<Record<string, unknown>>>;
}

/** Long enough that a client which does not wait for ACTIVE is found out. */
const TABLE_CHANGE_MS = 100;

export function createDynamoDb(): DynamoDb {
  const servers = new Map<string, Server>();

  const serverOf = (region: string): Server => {
    let server = servers.get(region);
    if (server === undefined) {
      // The only way to tell dynalite its region; this thread's environment is its own.
      process.env["AWS_REGION"] = region;
      server = dynalite({
        createTableMs: TABLE_CHANGE_MS,
        deleteTableMs: TABLE_CHANGE_MS,
        updateTableMs: TABLE_CHANGE_MS,
      });
      servers.set(region, server);
    }
    return server;
  };

  const handle = (region: string, { method, url, headers, body }: Request): Promise<Reply> =>
    new Promise((resolve, reject) => {
      // The body is complete by now: dynalite throws, out of reach, when a client goes away while it reads one.
      const request = Object.assign(new EventEmitter(), { method, url, headers });
      const replyHeaders: Record<string, string> = {};
      const response = {
        statusCode: 200,
        setHeader: (name: string, value: string | number) => {
          replyHeaders[name] = String(value);
        },
        end: (text = "") => {
          // Counted anew by whoever writes the reply.
          delete replyHeaders["Content-Length"];
          delete replyHeaders["Transfer-Encoding"];
          resolve({ status: response.statusCode, headers: replyHeaders, body: text });
        },
      };
      try {
        serverOf(region).emit("request", request, response);
        request.emit("data", body);
        request.emit("end");
      } catch (error) {
        reject(error);
      }
    });

  const call = async (region: string, operation: string, input: object) => {
    const reply = await handle(region, {
      method: "POST",
      url: "/",
      headers: {
        "content-type": "application/x-amz-json-1.0",
        "x-amz-target": `DynamoDB_20120810.${operation}`,
        "x-amz-date": "20000101T000000Z",
        authorization: `AWS4-HMAC-SHA256 Credential=local/20000101/${region}/dynamodb/aws4_request, SignedHeaders=host, Signature=0`,
      },
      body: Buffer.from(JSON.stringify(input)),
    });
    const output = JSON.parse(reply.body) as Readonly<Record<string, unknown>>;
    if (reply.status !== 200)
      throw Object.assign(new Error(`${operation}: ${String(output["message"] ?? output["__type"])}`), {
        name: String(output["__type"]).split("#").at(-1),
      });
    return output;
  };

  return { handle, call };
}
