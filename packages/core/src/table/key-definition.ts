/**
 * A table's keys, as DynamoDB's API describes them.
 */
import type { KeyType } from "../archive/key-value.ts";
import type { RowIndex } from "../topology.ts";

/** Key attributes: hash first, then range. */
type Keys = readonly { readonly name: string; readonly type: KeyType }[];

/** The key attributes of a table and of its indexes, which have only keys. */
export function keyDefinition(keys: Keys, indexes: readonly RowIndex[] = []) {
  const keysOf = ({ hash, range }: RowIndex): Keys => (range === undefined ? [hash] : [hash, range]);
  const schemaOf = (of: Keys) =>
    of.map(({ name }, i) => ({ AttributeName: name, KeyType: i === 0 ? "HASH" : "RANGE" }) as const);
  const types = new Map([...keys, ...indexes.flatMap(keysOf)].map(({ name, type }) => [name, type]));
  return {
    KeySchema: schemaOf(keys),
    AttributeDefinitions: [...types].map(([AttributeName, AttributeType]) => ({
      AttributeName,
      AttributeType,
    })),
    ...(indexes.length > 0 && {
      GlobalSecondaryIndexes: indexes.map((index) => ({
        IndexName: index.name,
        KeySchema: schemaOf(keysOf(index)),
        Projection: { ProjectionType: "KEYS_ONLY" as const },
      })),
    }),
  };
}

/** The input of CreateTable for an on-demand table. */
export function onDemandTable(TableName: string, keys: Keys, indexes: readonly RowIndex[] = []) {
  return { TableName, BillingMode: "PAY_PER_REQUEST" as const, ...keyDefinition(keys, indexes) };
}
