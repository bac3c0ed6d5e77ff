/**
 * DynamoDB: one dynalite per region, created with the region's first request. Requests are passed on within the process;
 * no port is opened.
 */
import { EventEmitter } from "node:events";
import type { IncomingHttpHeaders, Server } from "node:http";
import dynalite from "dynalite";
import type { JsonObject } from "../json.ts";
import { authorizationFor, errorOf, jsonReply, type Reply } from "./http.ts";

export interface HttpRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface DynamoDb {
  /** Processes a request to a region's DynamoDB. */
  handle(region: string, request: HttpRequest): Promise<Reply>;
  /** Calls an operation, for the emulator. Throws an Error with the name and message of DynamoDB's error. */
  call(region: string, operation: string, input: object): Promise<JsonObject>;
}

export function operationOf({ headers }: HttpRequest): string {
  return String(headers["x-amz-target"]).split(".").at(-1)!;
}

/** The request with another operation and body. */
export function withOperation(request: HttpRequest, operation: string, body: Buffer): HttpRequest {
  const headers = { ...request.headers, "x-amz-target": `DynamoDB_20120810.${operation}` };
  return { ...request, headers, body };
}

/** The reply with an error of DynamoDB. */
export function refusal(name: string, message: string): Reply {
  const shapes =
    name === "ValidationException" ? "com.amazon.coral.validate" : "com.amazonaws.dynamodb.v20120810";
  return jsonReply(400, { __type: `${shapes}#${name}`, message });
}

/** Long enough that a client that does not wait for ACTIVE fails. */
const TABLE_CHANGE_MS = 100;

export function createDynamoDb(): DynamoDb {
  const servers = new Map<string, Server>();

  const serverOf = (region: string): Server => {
    let server = servers.get(region);
    if (server === undefined) {
      // Dynalite reads its region only from the environment. This thread has a separate one.
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

  const pass = (region: string, { method, url, headers, body }: HttpRequest): Promise<Reply> =>
    new Promise((resolve, reject) => {
      // Pass a complete body: if a client disconnected while dynalite reads one, it would throw where nothing can catch it.
      const request = Object.assign(new EventEmitter(), { method, url, headers });
      const replyHeaders: Record<string, string> = {};
      const response = {
        statusCode: 200,
        setHeader: (name: string, value: string | number) => {
          replyHeaders[name] = String(value);
        },
        end: (text = "") => {
          // writeReply sets the length.
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

  /** Dynalite ignores the tags in CreateTable. */
  const handle = async (region: string, request: HttpRequest): Promise<Reply> => {
    const reply = await pass(region, request);
    if (reply.status !== 200 || operationOf(request) !== "CreateTable") return reply;
    const { Tags } = JSON.parse(request.body.toString()) as { Tags?: readonly object[] };
    const { TableDescription } = JSON.parse(String(reply.body)) as { TableDescription: { TableArn: string } };
    if (Tags !== undefined && Tags.length > 0)
      await call(region, "TagResource", { ResourceArn: TableDescription.TableArn, Tags });
    return reply;
  };

  const call = async (region: string, operation: string, input: object) => {
    const reply = await pass(region, {
      method: "POST",
      url: "/",
      headers: {
        "content-type": "application/x-amz-json-1.0",
        "x-amz-target": `DynamoDB_20120810.${operation}`,
        "x-amz-date": "20000101T000000Z",
        authorization: authorizationFor(region, "dynamodb"),
      },
      body: Buffer.from(JSON.stringify(input)),
    });
    const output = JSON.parse(reply.body) as JsonObject;
    if (reply.status !== 200) throw errorOf(operation, output);
    return output;
  };

  return { handle, call };
}
