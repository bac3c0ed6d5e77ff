/**
 * table.json: the settings of the table a backup was made of, in the words of the DynamoDB API.
 */
import * as v from "valibot";
import type { TableDescription } from "../ports.ts";

/** What a restore needs of it: the key schema. All the rest is kept as it came. */
const tableSettingsSchema = v.object({
  keys: v.array(v.object({ name: v.string(), type: v.string() })),
});

/** A key schema: hash first, then range. */
export type KeySchema = v.InferOutput<typeof tableSettingsSchema>["keys"];

/** The bytes of table.json. */
export function encodeTableSettings(table: TableDescription): Uint8Array {
  const settings = { "format-version": 1, keys: keySchema(table), ...table.settings };
  return new TextEncoder().encode(`${JSON.stringify(settings, null, 2)}\n`);
}

/** The key schema in a table.json. Throws where there is none. */
export function decodeKeySchema(bytes: Uint8Array): KeySchema {
  return v.parse(tableSettingsSchema, JSON.parse(new TextDecoder().decode(bytes))).keys;
}

export function keySchema(table: TableDescription): KeySchema {
  return table.keys.map((name) => ({ name, type: table.keyTypes[name] ?? "?" }));
}

/** A key schema in words, for messages: `id (S), sort (N)`. */
export function describeKeys(keys: KeySchema): string {
  return keys.map((key) => `${key.name} (${key.type})`).join(", ");
}
