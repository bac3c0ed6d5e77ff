/**
 * table.json: the settings of the table that was backed up, with the field names of the DynamoDB API.
 */
import * as v from "valibot";
import type { BucketAddress } from "../addresses.ts";
import type { TableDescription, TableSettings } from "../ports.ts";
import { decodeVersioned, FORMAT_VERSION } from "./format.ts";

/** The part that a restore needs: the key schema. Everything else is stored unchanged. */
const tableSettingsSchema = v.object({
  keys: v.pipe(
    v.array(v.object({ name: v.string(), type: v.picklist(["S", "N", "B"]) })),
    v.minLength(1),
    v.maxLength(2),
  ),
});

/** A key schema: hash first, then range. Types are S, N and B. */
export type KeySchema = readonly { readonly name: string; readonly type: string }[];

/** Encodes table.json. */
export function encodeTableSettings(table: TableDescription, settings: TableSettings): Uint8Array {
  const stored = { "format-version": FORMAT_VERSION, keys: keySchema(table), ...settings };
  return new TextEncoder().encode(`${JSON.stringify(stored, null, 2)}\n`);
}

/** The key schema in a table.json. Permanent errors: `broken-archive`, `unknown-format`. */
export function decodeKeySchema(bucket: BucketAddress, key: string, bytes: Uint8Array): KeySchema {
  return decodeVersioned(tableSettingsSchema, bucket, key, bytes).keys;
}

/** The key schema of a described table. */
export function keySchema(table: Pick<TableDescription, "keys" | "keyTypes">): KeySchema {
  return table.keys.map((name) => ({ name, type: table.keyTypes[name] ?? "?" }));
}

/** Describes a key schema for messages: `id (S), sort (N)`. */
export function describeKeys(keys: KeySchema): string {
  return keys.map((key) => `${key.name} (${key.type})`).join(", ");
}
