/**
 * Inserts items into tables, many in one call: DynamoDB has no conditional BatchWriteItem, but a PartiQL INSERT is refused
 * where an item has its key. docs/decisions/0020.
 */
import {
  BatchExecuteStatementCommand,
  BatchGetItemCommand,
  type DynamoDBClient,
  PutItemCommand,
} from "@aws-sdk/client-dynamodb";
import { itemText } from "@ferry/core/archive/same-item";
import { FerryError, isThrottled, permanent } from "@ferry/core/errors";
import type { KeyNames } from "@ferry/core/events";
import type { InsertOutcome, InsertResult, TableAddress } from "@ferry/core/ports";
import { ferryError, nameOf, onTable, translateErrors } from "./errors.ts";
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
import { rawBodyOf, withRawBody } from "./raw-protocol.ts";

/** What one capacity unit writes. */
const UNIT_BYTES = 1024;

/**
 * How an insertion ended. `taken`: an item has its key. `units` are estimated by the item's size, but of a put that was
 * stored, which tells them.
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

/** Returns TableData's `insert`, which remembers for which tables statements are not possible. */
export function openInsert(): Insert {
  const withoutStatements = new Set<string>();
  return async (client, table, items, keys) => {
    const insertions = items.map((item) => readInsertion(item, table.name, keys));
    refuseTwins(table, insertions);
    const ended = new Map<Insertion, Ended>();
    const place = `${table.region}/${table.name}`;
    const batch = withoutStatements.has(place) ? [] : insertions.filter((one) => one.statement !== undefined);
    const reported = await byStatements(client, table, batch, ended, () => withoutStatements.add(place));
    const byStatement = insertions.filter((one) => ended.has(one));
    const alone = insertions.filter((one) => !ended.has(one));
    await byPuts(client, table, alone, keys, ended);
    throwIfNothingWasTaken([...ended.values()]);
    const there = await readTaken(client, table, insertions, keys, ended);
    const outcomes = insertions.map((one) => outcomeOf(one, ended.get(one)!, there));
    const units = (some: readonly Insertion[]) =>
      some.reduce((sum, one) => sum + chargeOf(one, ended.get(one)!, there), 0);
    // A statement that was executed costs a unit at least: less than that does not tell of all of them.
    const executed = byStatement.filter((one) => ended.get(one)!.as !== "unprocessed").length;
    const ofStatements = reported > 0 && reported >= executed ? reported : units(byStatement);
    return { outcomes, units: ofStatements + units(alone) };
  };
}

function outcomeOf({ item, key }: Insertion, { as }: Ended, there: Found): InsertOutcome {
  if (as !== "taken") return as;
  const found = there.items.get(key?.text ?? "");
  // An item that is gone by now was there.
  if (found === undefined) return there.isComplete ? "exists" : "unprocessed";
  return itemText(found) === itemText(item) ? "same" : "exists";
}

/** What an insertion consumed, units. One that was refused is charged by the larger of its item and the one that is there. */
function chargeOf({ key }: Insertion, end: Ended, there: Found): number {
  const found = end.as === "taken" ? there.items.get(key?.text ?? "") : undefined;
  return Math.max(end.units, found === undefined ? 0 : unitsOf(found));
}

/**
 * Executes the items' statements in one call. Items whose statements were not executed have no end: they must be put by calls
 * of their own. So must all, where the call is refused as a whole, for what it asks or for want of the permission. Returns the
 * units that DynamoDB reports, 0 where it does not.
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
  const about = onTable("BatchExecuteStatement", table);
  let answer: ReturnType<typeof readStatementsAnswer>;
  try {
    answer = await translateErrors(about, async () => {
      const command = new BatchExecuteStatementCommand(withRawBody({ Statements: [] }, body));
      return readStatementsAnswer(rawBodyOf(await client.send(command)), batch.length);
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
    const end = endOf(error, unitsOf(insertion.item), about);
    if (end !== undefined) ended.set(insertion, end);
  }
  return answer.units;
}

/** How a statement ended. `units`: what it consumes where it is executed. */
function endOf(
  error: StatementError | undefined,
  units: number,
  about: { operation: string; resource: string },
): Ended | undefined {
  if (error === undefined) return { as: "stored", units };
  if (error.Code === "DuplicateItem") return { as: "taken", units };
  const { Code, Message = "" } = error;
  const thrown = ferryError(Object.assign(new Error(Message), { name: Code }), about);
  // A put's own error says more.
  if (thrown.kind === "permanent") return undefined;
  // An internal error may have come after the effect: it is charged.
  return { as: "unprocessed", units: isThrottled(thrown) ? 0 : units, error: thrown };
}

/** Puts items by calls of their own, all at once. Throws what is not throttled, once all have ended. */
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
      const command = new PutItemCommand(withRawBody({ TableName: table.name, Item: {} }, body));
      const { ConsumedCapacity } = await client.send(command);
      return { as: "stored", units: ConsumedCapacity?.CapacityUnits ?? unitsOf(item) };
    } catch (error) {
      if (nameOf(error) !== "ConditionalCheckFailedException") throw error;
      // A refused put costs as much as a write, and does not tell how much.
      return { as: "taken", units: unitsOf(item) };
    }
  });
}

/** A call of which nothing was taken has failed as a whole, as a BatchWriteItem has. */
function throwIfNothingWasTaken(ended: readonly Ended[]): void {
  const errors = ended.flatMap((end) => (end.as === "unprocessed" ? [end.error] : []));
  if (errors.length === ended.length) throw errors[0];
}

/** The items that have the keys of those which were refused, as far as reads are not throttled. */
async function readTaken(
  client: DynamoDBClient,
  table: TableAddress,
  insertions: readonly Insertion[],
  keys: KeyNames,
  ended: ReadonlyMap<Insertion, Ended>,
): Promise<Found> {
  const wanted = insertions.flatMap((one) =>
    ended.get(one)!.as === "taken" && one.key !== undefined ? [one.key.json] : [],
  );
  if (wanted.length === 0) return { items: new Map(), isComplete: true };
  const body = getBody(table.name, wanted);
  try {
    return await translateErrors(onTable("BatchGetItem", table), async () => {
      const command = new BatchGetItemCommand(
        withRawBody({ RequestItems: { [table.name]: { Keys: [] } } }, body),
      );
      return readGetAnswer(rawBodyOf(await client.send(command)), keys);
    });
  } catch (error) {
    // What was inserted must be charged: the call has not failed.
    if (isThrottled(error)) return { items: new Map(), isComplete: false };
    throw error;
  }
}

/** Two items of one key: of such a call DynamoDB executes nothing. */
function refuseTwins(table: TableAddress, insertions: readonly Insertion[]): void {
  const seen = new Set<string>();
  for (const { key } of insertions) {
    if (key === undefined) continue;
    if (seen.has(key.text))
      throw permanent("invalid-request", {
        ...onTable("insert", table),
        message: `two items of one call have the key ${Buffer.from(key.json).toString()}.`,
        hint: "An archive has one item of a key: restore from another one.",
      });
    seen.add(key.text);
  }
}

/** What a write of an item consumes at least, units. */
function unitsOf(item: Uint8Array): number {
  return Math.ceil(item.length / UNIT_BYTES);
}
