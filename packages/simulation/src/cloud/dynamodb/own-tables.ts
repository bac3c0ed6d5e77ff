/**
 * Ferry's own tables in memory: dynalite's validation, expressions and operations on a synchronous store.
 */

import type { Item } from "@ferry/aws/status/status-item";
import { keyDefinition } from "@ferry/core/table/key-definition";
import { tables, workerTable } from "@ferry/core/topology";
import getItem from "dynalite/actions/getItem.js";
import putItem from "dynalite/actions/putItem.js";
import updateItem from "dynalite/actions/updateItem.js";
import * as getItemValidation from "dynalite/validations/getItem.js";
import { checkTypes, checkValidations } from "dynalite/validations/index.js";
import * as putItemValidation from "dynalite/validations/putItem.js";
import * as updateItemValidation from "dynalite/validations/updateItem.js";

export type OwnTables = ReturnType<typeof createOwnTables>;

/** An error response, with the body that DynamoDB would send. */
export class DynamoDbError extends Error {
  readonly body: object;
  constructor(body: object) {
    super(JSON.stringify(body));
    this.body = body;
  }
}

const ITEM_BYTES_MAX = 400 * 1024;
const operations: Readonly<
  Record<string, { action: typeof getItem; types: Readonly<Record<string, unknown>>; custom: unknown }>
> = {
  GetItem: { action: getItem, ...getItemValidation },
  PutItem: { action: putItem, ...putItemValidation },
  UpdateItem: { action: updateItem, ...updateItemValidation },
};

/**
 * The tables of the topology, empty. `changed` receives each write, as a table's stream does, with the items as JSON. An
 * eventually consistent GetItem returns the item before its last write.
 */
export function createOwnTables(
  changed: (table: string, change: { readonly before?: string; readonly after: string }) => void,
) {
  // Stored as text: items that are read share no objects with items that were written.
  const contents = new Map<string, Map<string, string>>();
  const earlier = new Map<string, string | undefined>();
  const schemas = new Map<string, object>();
  let consistent = true;
  for (const { name, keys } of keysOfTopology()) {
    contents.set(name, new Map());
    schemas.set(name, { TableName: name, TableStatus: "ACTIVE", ...keyDefinition(keys) });
  }
  const store = {
    options: { maxItemSize: ITEM_BYTES_MAX },
    getTable(name: string, done: (error: unknown, table?: object) => void) {
      const table = schemas.get(name);
      if (table === undefined)
        done(new DynamoDbError({ __type: "#ResourceNotFoundException", message: name }));
      else done(null, table);
    },
    getItemDb(name: string) {
      const items = contents.get(name)!;
      return {
        lock: (_: string, run: (release: <T>(done: T) => T) => void) => run((done) => done),
        get(key: string, done: (error: unknown, item?: Item) => void) {
          const text = consistent ? items.get(key) : earlier.get(`${name} ${key}`);
          if (text === undefined) done(Object.assign(new Error(), { name: "NotFoundError" }));
          else done(null, JSON.parse(text));
        },
        put(key: string, item: Item, done: (error: unknown) => void) {
          const before = items.get(key);
          earlier.set(`${name} ${key}`, before);
          const after = JSON.stringify(item);
          items.set(key, after);
          changed(name, { ...(before !== undefined && { before }), after });
          done(null);
        },
      };
    },
  };

  return {
    has: (table: string) => contents.has(table),
    items: (table: string) => [...contents.get(table)!.values()].map((text) => JSON.parse(text) as Item),
    /** Deletes the matching items. */
    remove(table: string, isMatch: (item: Item) => boolean) {
      const items = contents.get(table)!;
      for (const [key, text] of items) if (isMatch(JSON.parse(text) as Item)) items.delete(key);
    },
    /** The response of an operation. Throws `DynamoDbError`. */
    call(name: string, input: object): object {
      const operation = operations[name];
      if (operation === undefined) throw new Error(`the simulated own tables do not support ${name}`);
      const { action, types, custom } = operation;
      let answer: object | undefined;
      consistent = name !== "GetItem" || (input as { ConsistentRead?: boolean }).ConsistentRead === true;
      try {
        const data = checkTypes(input, types);
        checkValidations(data, types, custom, store);
        action(store, data, (error, response) => {
          if (error !== null) throw error;
          answer = response;
        });
      } catch (error) {
        const { body } = error as { body?: object };
        throw body === undefined ? error : new DynamoDbError(body);
      }
      if (answer === undefined) throw new Error(`${name} did not answer synchronously`);
      return answer;
    },
  };
}

function keysOfTopology() {
  const named = Object.entries(tables).map(([name, { hash, range }]) => ({ name, keys: [hash, range] }));
  return [...named, { name: workerTable.name, keys: [workerTable.hash] }];
}
