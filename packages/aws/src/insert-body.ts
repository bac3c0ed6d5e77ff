/**
 * Bodies of the calls that insert items: an attribute's value is spliced in, and items that came are cut out, as the bytes
 * they are.
 */
import { elements, type Member, members } from "@ferry/core/archive/cutter";
import { valueText } from "@ferry/core/archive/same-item";
import type { KeyNames } from "@ferry/core/events";

/** The most that a PartiQL statement may have, in characters. Source: DynamoDB's quotas. */
const STATEMENT_MAX = 8192;

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const COMMA = encoder.encode(",");

/** An item to insert. */
export interface Insertion {
  readonly item: Uint8Array;
  /** Its key, if the item has one: a text that is equal for equal keys, and DynamoDB JSON. */
  readonly key?: { readonly text: string; readonly json: Uint8Array };
  /** The member of `Statements` that inserts it; absent where no statement can. */
  readonly statement?: Uint8Array;
}

/** Reads an item as far as it takes to insert it. What cannot be read is left to DynamoDB to refuse. */
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

/** The key that these attributes of `bytes` hold. */
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
 * `{"Statement":"INSERT …","Parameters":[…]}`: names in the statement, values as parameters. Nothing where the statement
 * would be too long, where two attributes have one name, and for a table that is named by its ARN: PartiQL takes a name.
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

/** What a BatchExecuteStatement says: of each statement the error, if any, in order; and the units of all, 0 where not told. */
export interface StatementsAnswer {
  readonly errors: readonly (StatementError | undefined)[];
  readonly units: number;
}

export interface StatementError {
  readonly Code: string;
  readonly Message?: string;
}

/** Reads the body of a BatchExecuteStatement's response. Throws a SyntaxError where it does not answer each statement. */
export function readStatementsAnswer(body: Uint8Array, statements: number): StatementsAnswer {
  const { Responses, ConsumedCapacity } = JSON.parse(decoder.decode(body)) as {
    readonly Responses?: readonly { readonly Error?: StatementError | null }[];
    readonly ConsumedCapacity?: readonly { readonly CapacityUnits?: number }[] | null;
  };
  if (Responses?.length !== statements)
    throw new SyntaxError(`${statements} statements have ${Responses?.length} responses`);
  return {
    errors: Responses.map((response) => response.Error ?? undefined),
    // One number a statement, or one a table.
    units: (ConsumedCapacity ?? []).reduce((sum, { CapacityUnits = 0 }) => sum + CapacityUnits, 0),
  };
}

/** The body of a PutItem that puts the item unless an item with its key exists. */
export function conditionalPutBody(tableName: string, item: Uint8Array, keys: KeyNames): Uint8Array {
  const about = {
    TableName: tableName,
    // The condition is on the item with this very key: that it has a hash key says that it is there.
    ConditionExpression: "attribute_not_exists(#k)",
    ExpressionAttributeNames: { "#k": keys[0] },
    ReturnConsumedCapacity: "TOTAL",
  };
  const start = encoder.encode(`${JSON.stringify(about).slice(0, -1)},"Item":`);
  return Buffer.concat([start, item, encoder.encode("}")]);
}

/** The body of a BatchGetItem that reads these keys, each as DynamoDB JSON, consistently. */
export function getBody(tableName: string, keys: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([
    encoder.encode(`{"RequestItems":{${JSON.stringify(tableName)}:{"Keys":[`),
    joined(keys),
    encoder.encode('],"ConsistentRead":true}}}'),
  ]);
}

/** What a BatchGetItem found: the items by the text of their keys, and whether it looked for all of them. */
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
    // One table was asked, so its items are ours, whether its name or its ARN stands there.
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
