/**
 * Another DynamoDB engine for all tables except Ferry's own, which need the emulated streams. Requests are passed on as they
 * are, so the engine must accept any signature: DynamoDB Local and most other engines do, AWS does not.
 */
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { parseObject } from "../json.ts";
import { type DynamoDb, type HttpRequest, refusal } from "./dynamodb.ts";
import { authorizationFor, passedOn, type Reply } from "./http.ts";
import { openerFor, requireAnswer } from "./other-engine.ts";

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
    return refusal(
      "ValidationException",
      `One call cannot use Ferry's own tables (${own.join(", ")}) together with others: they are in different engines`,
    );
  };
}

/** Throws an Error that says what to do if there is no DynamoDB at the URL. */
export function requireDynamoDb(url: string): Promise<void> {
  const headers = {
    "content-type": "application/x-amz-json-1.0",
    "x-amz-target": "DynamoDB_20120810.ListTables",
    authorization: authorizationFor("us-east-1", "dynamodb"),
  };
  return requireAnswer(
    url,
    { method: "POST", headers, body: "{}" },
    { operation: "ListTables", service: "DynamoDB", mark: '"TableNames"' },
  );
}

/** The tables that a request names. A call of PartiQL names none: Ferry makes none on its own tables. */
function tableNames(body: Buffer): string[] {
  // The engine reports a body that is not JSON.
  const { TableName, RequestItems, TransactItems } = parseObject(body) ?? {};
  const operations = Array.isArray(TransactItems) ? TransactItems.flatMap((one) => Object.values(one)) : [];
  return [
    ...(typeof TableName === "string" ? [TableName] : []),
    ...(typeof RequestItems === "object" && RequestItems !== null ? Object.keys(RequestItems) : []),
    ...operations.map((one) => String((one as { TableName?: unknown }).TableName)),
  ];
}

function sender(url: URL): (request: HttpRequest) => Promise<Reply> {
  const open = openerFor(url);
  return async ({ method, headers, body }) => {
    const sent = open({ method, headers: { ...passedOn(headers), "content-length": body.length } });
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
