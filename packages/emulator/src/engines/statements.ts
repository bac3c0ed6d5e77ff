/**
 * BatchExecuteStatement, which dynalite lacks, for the statements that Ferry sends: each INSERT becomes a conditional PutItem
 * in the engine. Any other statement is refused.
 */
import { elements, members } from "@ferry/core/archive/cutter";
import { type DynamoDb, type HttpRequest, operationOf, refusal, withOperation } from "./dynamodb.ts";
import { jsonReply, type Reply } from "./http.ts";

/** DynamoDB's limits of a call and of a statement, in characters. */
const STATEMENTS_MAX = 25;
const STATEMENT_MAX = 8192;

const INSERT = /^\s*INSERT\s+INTO\s+"([^"]+)"\s+VALUE\s*\{(.*)\}\s*$/is;
/** A name in quotes, which are doubled inside it, with its parameter. */
const FIELD = /\s*'((?:[^']|'')*)'\s*:\s*\?\s*(?:,(?=\s*')|$)/gy;

const SUPPORTED = `INSERT INTO "TABLE" VALUE {'NAME': ?, …}`;

/** The codes of a statement's error, by the error of its PutItem. */
const codes: Readonly<Record<string, string>> = {
  ConditionalCheckFailedException: "DuplicateItem",
  ValidationException: "ValidationError",
  ResourceNotFoundException: "ResourceNotFound",
};

/** An INSERT: the attributes' names, and their values as DynamoDB JSON. */
interface Insert {
  readonly table: string;
  readonly names: readonly string[];
  readonly values: readonly Uint8Array[];
}

/** A statement's member of `Responses`, and the units that were reported for it. */
interface Executed {
  readonly response: { readonly TableName: string; readonly Error?: { Code: string; Message: string } };
  readonly units?: number;
}

/** A whole call that is refused. */
class Refusal extends Error {}

/** Returns DynamoDB's `handle` with INSERT statements. */
export function withStatements(handle: DynamoDb["handle"]): DynamoDb["handle"] {
  return async (region, request) => {
    if (operationOf(request) !== "BatchExecuteStatement") return handle(region, request);
    const send = (operation: string, body: Buffer) => handle(region, withOperation(request, operation, body));
    try {
      return await execute(request, send);
    } catch (error) {
      if (error instanceof Refusal) return refusal("ValidationException", error.message);
      if (error instanceof SyntaxError) return refusal("SerializationException", error.message);
      throw error;
    }
  };
}

type Send = (operation: string, body: Buffer) => Promise<Reply>;

async function execute({ body }: HttpRequest, send: Send): Promise<Reply> {
  // Everything is read before anything is written.
  const inserts = readStatements(body);
  const names = [...new Set(inserts.map(({ table }) => table))];
  const hashNames = new Map(
    await Promise.all(names.map(async (table) => [table, await hashNameOf(table, send)] as const)),
  );
  const executed = await Promise.all(inserts.map((one) => insert(one, hashNames.get(one.table), send)));
  const isReported = readText(body, "ReturnConsumedCapacity") === "TOTAL";
  // Dynalite does not report what a refused put consumes, so the units of a call with one are unknown.
  const isKnown = executed.every(({ units }) => units !== undefined);
  return jsonReply(200, {
    Responses: executed.map(({ response }) => response),
    ...(isReported &&
      isKnown && {
        ConsumedCapacity: executed.map(({ response: { TableName }, units }) => ({
          TableName,
          CapacityUnits: units,
        })),
      }),
  });
}

/** Reads the statements of a call. Throws a Refusal if one is not supported. */
function readStatements(body: Uint8Array): Insert[] {
  const list = members(body).find(({ name }) => name === "Statements");
  const statements = list === undefined ? [] : elements(body, list.start);
  if (statements.length < 1 || statements.length > STATEMENTS_MAX)
    throw new Refusal(
      `1 validation error detected: Value at 'statements' failed to satisfy constraint: Member must have length from 1 to ${STATEMENTS_MAX}: got ${statements.length}`,
    );
  return statements.map(({ start }, i) => readInsert(body, start, i + 1));
}

function readInsert(body: Uint8Array, start: number, number: number): Insert {
  const parts = members(body, start);
  const text = readText(body, "Statement", start) ?? "";
  if (text.length > STATEMENT_MAX)
    throw new Refusal(
      `1 validation error detected: Value at 'statements.${number}.member.statement' failed to satisfy constraint: Member must have length less than or equal to ${STATEMENT_MAX}`,
    );
  const unsupported = (what: string) =>
    new Refusal(
      `The local host supports only ${SUPPORTED} in BatchExecuteStatement: statement ${number} ${what}`,
    );
  for (const { name } of parts)
    if (name !== "Statement" && name !== "Parameters") throw unsupported(`has ${name}`);
  const [, table, list = ""] = INSERT.exec(text) ?? [];
  const fields = [...list.matchAll(FIELD)];
  const names = fields.map(([, name]) => name!.replaceAll("''", "'"));
  const isRead = fields.reduce((length, [field]) => length + field.length, 0) === list.length;
  if (table === undefined || !isRead) throw unsupported(`is ${text}`);
  if (new Set(names).size < names.length) throw unsupported(`has a name twice: ${text}`);
  const parameters = parts.find(({ name }) => name === "Parameters");
  const spans = parameters === undefined ? [] : elements(body, parameters.start);
  return { table, names, values: spans.map((span) => body.subarray(span.start, span.end)) };
}

/** The text of a member of the object at `start`, or undefined if it has none. */
function readText(body: Uint8Array, member: string, start = 0): string | undefined {
  const span = members(body, start).find(({ name }) => name === member);
  if (span === undefined) return undefined;
  return String(JSON.parse(Buffer.from(body.subarray(span.start, span.end)).toString()));
}

/** The name of the table's hash key, or undefined if there is no such table. */
async function hashNameOf(table: string, send: Send): Promise<string | undefined> {
  const { status, body } = await send("DescribeTable", Buffer.from(JSON.stringify({ TableName: table })));
  if (status !== 200) return undefined;
  const { Table } = JSON.parse(body) as { Table: { KeySchema: { AttributeName: string }[] } };
  return Table.KeySchema[0]!.AttributeName;
}

async function insert(
  { table, names, values }: Insert,
  hashName: string | undefined,
  send: Send,
): Promise<Executed> {
  const failed = (Code: string, Message: string): Executed => ({
    response: { Error: { Code, Message }, TableName: table },
  });
  if (hashName === undefined) return failed("ResourceNotFound", "Requested resource not found");
  if (names.length !== values.length)
    return failed("ValidationError", "Number of parameters in request and statement don't match.");
  const fields = {
    TableName: table,
    // Dynalite checks this older form of attribute_not_exists in a fraction of the time.
    Expected: { [hashName]: { Exists: false } },
    ReturnConsumedCapacity: "TOTAL",
  };
  const put = await send(
    "PutItem",
    // The values are spliced in unchanged.
    Buffer.concat([
      Buffer.from(`${JSON.stringify(fields).slice(0, -1)},"Item":{`),
      ...values.flatMap((value, i) => [
        Buffer.from(`${i === 0 ? "" : ","}${JSON.stringify(names[i])}:`),
        value,
      ]),
      Buffer.from("}}"),
    ]),
  );
  const answer = JSON.parse(put.body) as {
    readonly ConsumedCapacity?: { readonly CapacityUnits: number };
    readonly __type?: string;
    readonly message?: string;
  };
  if (put.status === 200)
    return { response: { TableName: table }, units: answer.ConsumedCapacity!.CapacityUnits };
  const type = answer.__type?.split("#").at(-1) ?? "";
  const code = codes[type] ?? "InternalServerError";
  if (code === "DuplicateItem") return failed(code, "Duplicate primary key exists in table");
  return failed(code, answer.message ?? type);
}
