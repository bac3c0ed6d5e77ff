/**
 * Inserts items into tables, many in one call. DynamoDB has no conditional BatchWriteItem, but a PartiQL INSERT fails if an
 * item with its key exists. docs/decisions/0020.
 */
import {
  BatchExecuteStatementCommand,
  BatchGetItemCommand,
  type DynamoDBClient,
  PutItemCommand,
} from "@aws-sdk/client-dynamodb";
import { itemText } from "@ferry/core/archive/same-item";
import { FerryError, isThrottled, permanent } from "@ferry/core/errors/errors";
import type { KeyNames } from "@ferry/core/events/events";
import type { InsertOutcome, InsertResult } from "@ferry/core/ports";
import type { TableAddress } from "@ferry/core/request/addresses";
import { unitsOf } from "@ferry/core/restore/table-writer";
import { type Call, ferryError, nameOf, onTable, translateErrors } from "../errors.ts";
import { sendRaw } from "../http/lean-send.ts";
import { rawBodyOf } from "../http/raw-protocol.ts";
import {
  conditionalPutBody,
  type Found,
  getBody,
  type Insertion,
  readGetAnswer,
  readInsertion,
  readStatementsAnswer,
  type StatementError,
  statementsBody,
} from "./insert-body.ts";

/**
 * How an insertion ended. `taken`: an item with its key exists. `units` are estimated by the item's size, except for a put
 * that was stored: DynamoDB reports those.
 */
type Ended =
  | { readonly as: "stored" | "taken"; readonly units: number }
  | { readonly as: "unprocessed"; readonly units: number; readonly error: FerryError };

type Insert = (
  client: DynamoDBClient,
  table: TableAddress,
  items: readonly Uint8Array[],
  keys: KeyNames,
) => Promise<InsertResult>;

/** Returns TableData's `insert`. It remembers the tables for which statements are not possible. */
export function openInsert(): Insert {
  const withoutStatements = new Set<string>();
  return async (client, table, items, keys) => {
    const insertions = items.map((item) => readInsertion(item, table.name, keys));
    refuseDuplicateKeys(table, insertions);
    const ended = new Map<Insertion, Ended>();
    const place = `${table.region}/${table.name}`;
    const batch = withoutStatements.has(place) ? [] : insertions.filter((one) => one.statement !== undefined);
    const reported = await byStatements(client, table, batch, ended, () => withoutStatements.add(place));
    const byStatement = insertions.filter((one) => ended.has(one));
    const alone = insertions.filter((one) => !ended.has(one));
    await byPuts(client, table, alone, keys, ended);
    throwIfAllUnprocessed([...ended.values()]);
    const existing = await readTaken(client, table, insertions, keys, ended);
    const outcomes = insertions.map((one) => outcomeOf(one, ended.get(one)!, existing));
    const units = (some: readonly Insertion[]) =>
      some.reduce((sum, one) => sum + chargeOf(one, ended.get(one)!, existing), 0);
    // An executed statement costs at least one unit: a smaller sum does not cover all of them.
    const executed = byStatement.filter((one) => ended.get(one)!.as !== "unprocessed").length;
    const ofStatements = reported > 0 && reported >= executed ? reported : units(byStatement);
    return { outcomes, units: ofStatements + units(alone) };
  };
}

function outcomeOf({ item, key }: Insertion, { as }: Ended, existing: Found): InsertOutcome {
  if (as !== "taken") return as;
  const found = existing.items.get(key?.text ?? "");
  // An item that was deleted since then did exist.
  if (found === undefined) return existing.isComplete ? "exists" : "unprocessed";
  return itemText(found) === itemText(item) ? "same" : "exists";
}

/** The units that an insertion consumed. If its key exists, the larger of its item and the existing one counts. */
function chargeOf({ key }: Insertion, end: Ended, existing: Found): number {
  const found = end.as === "taken" ? existing.items.get(key?.text ?? "") : undefined;
  return Math.max(end.units, found === undefined ? 0 : unitsOf(found.length));
}

/**
 * Executes the items' statements in one call and records in `ended` how each one ended. Items that are missing there must be
 * put alone: their statements were not executed, or the whole call was refused as invalid or for a missing permission.
 * Returns the units that DynamoDB reports, 0 if it reports none.
 */
async function byStatements(
  client: DynamoDBClient,
  table: TableAddress,
  batch: readonly Insertion[],
  ended: Map<Insertion, Ended>,
  notPossible: () => void,
): Promise<number> {
  if (batch.length === 0) return 0;
  const body = statementsBody(batch.map(({ statement }) => statement!));
  const call = onTable("BatchExecuteStatement", table);
  let answer: ReturnType<typeof readStatementsAnswer>;
  try {
    answer = await translateErrors(call, async () => {
      const output = await sendRaw(client, BatchExecuteStatementCommand, { Statements: [] }, body);
      return readStatementsAnswer(rawBodyOf(output), batch.length);
    });
  } catch (error) {
    if (!(error instanceof FerryError)) throw error;
    const isUnknown = nameOf(error.cause) === "UnknownOperationException";
    if (isUnknown || error.code === "access-denied") notPossible();
    else if (error.code !== "invalid-request") throw error;
    return 0;
  }
  for (const [i, insertion] of batch.entries()) {
    const error = answer.errors[i];
    if (error?.Code === "AccessDenied") notPossible();
    const end = endOf(error, unitsOf(insertion.item.length), call);
    if (end !== undefined) ended.set(insertion, end);
  }
  return answer.units;
}

/** How a statement ended, or undefined if its item must be put alone. `units`: consumed if it was executed. */
function endOf(error: StatementError | undefined, units: number, call: Call): Ended | undefined {
  if (error === undefined) return { as: "stored", units };
  if (error.Code === "DuplicateItem") return { as: "taken", units };
  const { Code, Message = "" } = error;
  const thrown = ferryError(Object.assign(new Error(Message), { name: Code }), call);
  // A put's error has more detail.
  if (thrown.kind === "permanent") return undefined;
  // An internal error may have happened after the write: it is charged.
  return { as: "unprocessed", units: isThrottled(thrown) ? 0 : units, error: thrown };
}

/** Puts each item alone, all concurrently. Once all have ended, throws the first error that is not throttling. */
async function byPuts(
  client: DynamoDBClient,
  table: TableAddress,
  insertions: readonly Insertion[],
  keys: KeyNames,
  ended: Map<Insertion, Ended>,
): Promise<void> {
  const puts = await Promise.allSettled(insertions.map(({ item }) => putIfAbsent(client, table, item, keys)));
  for (const [i, put] of puts.entries()) {
    if (put.status === "fulfilled") ended.set(insertions[i]!, put.value);
    else if (isThrottled(put.reason))
      ended.set(insertions[i]!, { as: "unprocessed", units: 0, error: put.reason });
    else throw put.reason;
  }
}

function putIfAbsent(
  client: DynamoDBClient,
  table: TableAddress,
  item: Uint8Array,
  keys: KeyNames,
): Promise<Ended> {
  const body = conditionalPutBody(table.name, item, keys);
  return translateErrors(onTable("PutItem", table), async () => {
    try {
      const input = { TableName: table.name, Item: {} };
      const { ConsumedCapacity } = await sendRaw(client, PutItemCommand, input, body);
      return { as: "stored", units: ConsumedCapacity?.CapacityUnits ?? unitsOf(item.length) };
    } catch (error) {
      if (nameOf(error) !== "ConditionalCheckFailedException") throw error;
      // A refused put costs as much as a write, but DynamoDB does not report the units.
      return { as: "taken", units: unitsOf(item.length) };
    }
  });
}

/** If every item is unprocessed, the call fails, as BatchWriteItem does. */
function throwIfAllUnprocessed(ended: readonly Ended[]): void {
  const errors = ended.flatMap((end) => (end.as === "unprocessed" ? [end.error] : []));
  if (errors.length === ended.length) throw errors[0];
}

/** Reads the items whose keys were taken. If the read is throttled, the result is incomplete. */
async function readTaken(
  client: DynamoDBClient,
  table: TableAddress,
  insertions: readonly Insertion[],
  keys: KeyNames,
  ended: ReadonlyMap<Insertion, Ended>,
): Promise<Found> {
  const keysTaken = insertions.flatMap((one) =>
    ended.get(one)!.as === "taken" && one.key !== undefined ? [one.key.json] : [],
  );
  if (keysTaken.length === 0) return { items: new Map(), isComplete: true };
  const body = getBody(table.name, keysTaken);
  try {
    return await translateErrors(onTable("BatchGetItem", table), async () => {
      const input = { RequestItems: { [table.name]: { Keys: [] } } };
      return readGetAnswer(rawBodyOf(await sendRaw(client, BatchGetItemCommand, input, body)), keys);
    });
  } catch (error) {
    // The call has not failed: the inserted items must be charged.
    if (isThrottled(error)) return { items: new Map(), isComplete: false };
    throw error;
  }
}

/** DynamoDB refuses a whole call that has two items with the same key. */
function refuseDuplicateKeys(table: TableAddress, insertions: readonly Insertion[]): void {
  const seen = new Set<string>();
  for (const { key } of insertions) {
    if (key === undefined) continue;
    if (seen.has(key.text))
      throw permanent("invalid-request", {
        ...onTable("insert", table),
        message: `Two items of one call have the key ${Buffer.from(key.json).toString()}.`,
        hint: "An archive has one item per key: restore from another archive.",
      });
    seen.add(key.text);
  }
}
