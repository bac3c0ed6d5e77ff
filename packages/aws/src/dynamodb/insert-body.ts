/**
 * Bodies of the calls that insert items. Attribute values are spliced in and returned items are cut out as unchanged bytes.
 */
import { elements, type Member, members } from "@ferry/core/archive/cutter";
import { valueText } from "@ferry/core/archive/same-item";
import type { KeyNames } from "@ferry/core/events/events";

/** The longest PartiQL statement, in characters. Source: DynamoDB's quotas. */
const STATEMENT_MAX = 8192;

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const COMMA = encoder.encode(",");

/** An item to insert. */
export interface Insertion {
  readonly item: Uint8Array;
  /** Its key, if the item has one: as a text that is equal for equal keys, and as DynamoDB JSON. */
  readonly key?: { readonly text: string; readonly json: Uint8Array };
  /** The member of `Statements` that inserts it; absent if no statement can. */
  readonly statement?: Uint8Array;
}

/** Reads the parts of an item that its insertion needs. An item that cannot be read is left for DynamoDB to refuse. */
export function readInsertion(item: Uint8Array, tableName: string, keys: KeyNames): Insertion {
  let attributes: Member[];
  try {
    attributes = members(item);
  } catch {
    return { item };
  }
  const key = keyOf(item, attributes, keys);
  const statement = statementOf(item, attributes, tableName);
  return { item, ...(key !== undefined && { key }), ...(statement !== undefined && { statement }) };
}

/** The key in these attributes of `bytes`, or undefined if it is incomplete. */
function keyOf(bytes: Uint8Array, attributes: readonly Member[], keys: KeyNames): Insertion["key"] {
  const texts: string[] = [];
  const parts: Uint8Array[] = [];
  for (const name of keys) {
    const span = attributes.findLast((attribute) => attribute.name === name);
    if (span === undefined) return undefined;
    const value = bytes.subarray(span.start, span.end);
    try {
      texts.push(valueText(value));
    } catch {
      return undefined;
    }
    parts.push(encoder.encode(`${parts.length === 0 ? "{" : ","}${JSON.stringify(name)}:`), value);
  }
  return { text: JSON.stringify(texts), json: Buffer.concat([...parts, encoder.encode("}")]) };
}

/**
 * `{"Statement":"INSERT …","Parameters":[…]}`: names in the statement, values as parameters. Undefined if the statement
 * would be too long, if two attributes have the same name, or if the table is named by its ARN: PartiQL needs a name.
 */
function statementOf(
  item: Uint8Array,
  attributes: readonly Member[],
  tableName: string,
): Uint8Array | undefined {
  const names = new Set(attributes.map(({ name }) => name));
  if (names.size === 0 || names.size < attributes.length || tableName.includes(":")) return undefined;
  const fields = [...names].map((name) => `'${name.replaceAll("'", "''")}': ?`).join(", ");
  const statement = `INSERT INTO "${tableName}" VALUE {${fields}}`;
  if (Buffer.byteLength(statement) > STATEMENT_MAX) return undefined;
  const values = attributes.map(({ start, end }) => item.subarray(start, end));
  return Buffer.concat([
    encoder.encode(`{"Statement":${JSON.stringify(statement)},"Parameters":[`),
    joined(values),
    encoder.encode("]}"),
  ]);
}

/** The body of a BatchExecuteStatement. */
export function statementsBody(statements: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([
    encoder.encode('{"Statements":['),
    joined(statements),
    encoder.encode('],"ReturnConsumedCapacity":"TOTAL"}'),
  ]);
}

/** The result of a BatchExecuteStatement: the error of each statement, if any, in order; all units, 0 if not reported. */
export interface StatementsAnswer {
  readonly errors: readonly (StatementError | undefined)[];
  readonly units: number;
}

export interface StatementError {
  readonly Code: string;
  readonly Message?: string;
}

/** Reads the body of a BatchExecuteStatement's response. Throws a SyntaxError if it lacks the result of a statement. */
export function readStatementsAnswer(body: Uint8Array, statements: number): StatementsAnswer {
  const { Responses, ConsumedCapacity } = JSON.parse(decoder.decode(body)) as {
    readonly Responses?: readonly { readonly Error?: StatementError | null }[];
    readonly ConsumedCapacity?: readonly { readonly CapacityUnits?: number }[] | null;
  };
  if (Responses?.length !== statements)
    throw new SyntaxError(`${statements} statements have ${Responses?.length ?? 0} responses`);
  return {
    errors: Responses.map((response) => response.Error ?? undefined),
    // One number per statement, or one per table.
    units: (ConsumedCapacity ?? []).reduce((sum, { CapacityUnits = 0 }) => sum + CapacityUnits, 0),
  };
}

/** The body of a PutItem that puts the item unless an item with its key exists. */
export function conditionalPutBody(tableName: string, item: Uint8Array, keys: KeyNames): Uint8Array {
  const fields = {
    TableName: tableName,
    // The condition applies to the item with this key: it exists if it has a hash key.
    ConditionExpression: "attribute_not_exists(#k)",
    ExpressionAttributeNames: { "#k": keys[0] },
    ReturnConsumedCapacity: "TOTAL",
  };
  const start = encoder.encode(`${JSON.stringify(fields).slice(0, -1)},"Item":`);
  return Buffer.concat([start, item, encoder.encode("}")]);
}

/** The body of a strongly consistent BatchGetItem of these keys, each as DynamoDB JSON. */
export function getBody(tableName: string, keys: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([
    encoder.encode(`{"RequestItems":{${JSON.stringify(tableName)}:{"Keys":[`),
    joined(keys),
    encoder.encode('],"ConsistentRead":true}}}'),
  ]);
}

/** The result of a BatchGetItem: items by the text of their keys, and whether all keys were read. */
export interface Found {
  readonly items: ReadonlyMap<string, Uint8Array>;
  readonly isComplete: boolean;
}

/** Reads the body of a BatchGetItem's response. */
export function readGetAnswer(body: Uint8Array, keys: KeyNames): Found {
  const items = new Map<string, Uint8Array>();
  let isComplete = true;
  for (const { name, start } of members(body)) {
    if (name === "UnprocessedKeys" && members(body, start).length > 0) isComplete = false;
    if (name !== "Responses") continue;
    // The request named one table, so all items are from it, whether the response has its name or its ARN.
    for (const table of members(body, start))
      for (const span of elements(body, table.start)) {
        const item = body.subarray(span.start, span.end);
        const key = keyOf(item, members(item), keys);
        if (key !== undefined) items.set(key.text, item);
      }
  }
  return { items, isComplete };
}

function joined(values: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(values.flatMap((value, i) => (i === 0 ? [value] : [COMMA, value])));
}
