/**
 * Another DynamoDB engine for all tables except Ferry's own, which need the emulated streams. Requests are passed on as they
 * are, so the engine must accept any signature: DynamoDB Local and most other engines do, AWS does not.
 */
import { once } from "node:events";
import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest, Agent as TlsAgent } from "node:https";
import { text } from "node:stream/consumers";
import type { DynamoDb, HttpRequest } from "./dynamodb.ts";
import { passedOn, type Reply } from "./http.ts";

export interface OtherDynamoDbOptions {
  /** The engine's URL. */
  readonly url: string;
  /** The emulator's DynamoDB. */
  readonly own: DynamoDb["handle"];
  /** The region and the physical names of Ferry's own tables. */
  readonly region: string;
  readonly ownTables: ReadonlySet<string>;
}

/** Returns DynamoDB's `handle`: the emulator's for Ferry's own tables, the other engine's for the rest. */
export function withOtherDynamoDb(options: OtherDynamoDbOptions): DynamoDb["handle"] {
  const send = sender(new URL(options.url));
  return async (region, request) => {
    const names = tableNames(request.body);
    const own = region === options.region ? names.filter((name) => options.ownTables.has(name)) : [];
    if (own.length === 0) return send(request);
    if (own.length === names.length) return options.own(region, request);
    return validationError(
      `One call cannot use Ferry's own tables (${own.join(", ")}) together with others: they are in different engines`,
    );
  };
}

/** Throws an Error that says what to do if there is no DynamoDB at the URL. */
export async function requireDynamoDb(url: string): Promise<void> {
  const send = sender(new URL(url));
  const reply = await send({
    method: "POST",
    url: "/",
    headers: {
      "content-type": "application/x-amz-json-1.0",
      "x-amz-target": "DynamoDB_20120810.ListTables",
      authorization:
        "AWS4-HMAC-SHA256 Credential=local/20000101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0",
    },
    body: Buffer.from("{}"),
  }).catch((error: NodeJS.ErrnoException) => {
    throw new Error(`${url} cannot be reached (${error.code ?? error.message}): start the engine first`);
  });
  if (reply.status !== 200 || !reply.body.includes('"TableNames"'))
    throw new Error(
      `${url} does not answer ListTables like DynamoDB, but with ${reply.status}: ${reply.body.slice(0, 200)}`,
    );
}

/** The tables that a request names. A call of PartiQL names none: Ferry makes none on its own tables. */
function tableNames(body: Buffer): string[] {
  const input = parsed(body);
  const { TableName, RequestItems, TransactItems } = input;
  const operations = Array.isArray(TransactItems) ? TransactItems.flatMap((one) => Object.values(one)) : [];
  return [
    ...(typeof TableName === "string" ? [TableName] : []),
    ...(typeof RequestItems === "object" && RequestItems !== null ? Object.keys(RequestItems) : []),
    ...operations.map((one) => String((one as { TableName?: unknown }).TableName)),
  ];
}

function parsed(body: Buffer): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(body.toString()) as Readonly<Record<string, unknown>>;
  } catch {
    // The engine reports it.
    return {};
  }
}

function sender(url: URL): (request: HttpRequest) => Promise<Reply> {
  const isTls = url.protocol === "https:";
  const agent = isTls ? new TlsAgent({ keepAlive: true }) : new Agent({ keepAlive: true });
  const open = isTls ? httpsRequest : httpRequest;
  return async ({ method, headers, body }) => {
    const sent = open(url, {
      method,
      agent,
      headers: { ...passedOn(headers), "content-length": body.length },
    });
    sent.end(body);
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    return {
      status: response.statusCode ?? 500,
      headers: withoutLength(response.headers),
      body: await text(response),
    };
  };
}

/** The reply is written with its own length. */
function withoutLength(headers: IncomingMessage["headers"]): Record<string, string> {
  const { "content-length": _, ...others } = passedOn(headers);
  return others as Record<string, string>;
}

function validationError(message: string): Reply {
  return {
    status: 400,
    headers: { "content-type": "application/x-amz-json-1.0" },
    body: JSON.stringify({ __type: "com.amazon.coral.validate#ValidationException", message }),
  };
}
