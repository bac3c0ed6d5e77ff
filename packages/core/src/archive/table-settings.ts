/**
 * table.json: the settings of the table that was backed up, with the field names of the DynamoDB API.
 */
import * as v from "valibot";
import type { TableDescription, TableSettings } from "../ports.ts";
import type { BucketAddress } from "../request/addresses.ts";
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

const text = v.string();
const optional = v.optional;
const number = v.number();
const keySchemaFields = v.array(v.object({ AttributeName: text, KeyType: v.picklist(["HASH", "RANGE"]) }));
const throughput = v.object({ ReadCapacityUnits: number, WriteCapacityUnits: number });
const onDemandThroughput = v.object({
  MaxReadRequestUnits: optional(number),
  MaxWriteRequestUnits: optional(number),
});
const warmThroughput = v.object({
  ReadUnitsPerSecond: optional(number),
  WriteUnitsPerSecond: optional(number),
});
const localIndex = v.object({
  IndexName: text,
  KeySchema: keySchemaFields,
  Projection: v.object({ ProjectionType: optional(text), NonKeyAttributes: optional(v.array(text)) }),
});

const vectorIndex = v.object({
  IndexName: text,
  VectorAttribute: v.object({ AttributeName: text }),
  SearchSchema: optional(v.array(v.object({ AttributeName: text, SearchSchemaElementType: text }))),
  Projection: localIndex.entries.Projection,
  Dimensions: number,
  DistanceFunction: text,
  IndexStatus: optional(text),
});

/** The settings from which a table is created. Their names are those of the DynamoDB API's responses. */
const tableFileSchema = v.object({
  Table: v.object({
    TableArn: optional(text),
    KeySchema: v.pipe(keySchemaFields, v.minLength(1)),
    AttributeDefinitions: v.array(v.object({ AttributeName: text, AttributeType: text })),
    LocalSecondaryIndexes: optional(v.array(localIndex)),
    GlobalSecondaryIndexes: optional(
      v.array(
        v.object({
          ...localIndex.entries,
          IndexStatus: optional(text),
          ProvisionedThroughput: optional(throughput),
          OnDemandThroughput: optional(onDemandThroughput),
          WarmThroughput: optional(warmThroughput),
        }),
      ),
    ),
    VectorIndexes: optional(v.array(vectorIndex)),
    BillingModeSummary: optional(v.object({ BillingMode: optional(text) })),
    ProvisionedThroughput: optional(throughput),
    OnDemandThroughput: optional(onDemandThroughput),
    WarmThroughput: optional(warmThroughput),
    TableClassSummary: optional(v.object({ TableClass: optional(text) })),
    SSEDescription: optional(
      v.object({ Status: optional(text), SSEType: optional(text), KMSMasterKeyArn: optional(text) }),
    ),
    StreamSpecification: optional(
      v.object({ StreamEnabled: optional(v.boolean()), StreamViewType: optional(text) }),
    ),
    DeletionProtectionEnabled: optional(v.boolean()),
    Replicas: optional(v.array(v.object({ RegionName: optional(text) }))),
  }),
  TimeToLiveDescription: optional(
    v.object({ TimeToLiveStatus: optional(text), AttributeName: optional(text) }),
  ),
  Tags: optional(v.array(v.object({ Key: text, Value: text }))),
  ContinuousBackupsDescription: optional(
    v.object({
      PointInTimeRecoveryDescription: optional(
        v.object({ PointInTimeRecoveryStatus: optional(text), RecoveryPeriodInDays: optional(number) }),
      ),
    }),
  ),
  /** The policy's JSON text; null if the table has none. */
  ResourcePolicy: optional(v.nullable(text)),
  KinesisDataStreamDestinations: optional(
    v.array(v.object({ StreamArn: optional(text), DestinationStatus: optional(text) })),
  ),
  /** The table's, not those of its indexes. */
  ContributorInsightsStatus: optional(text),
  NotRead: optional(v.array(v.object({ operation: text, reason: text }))),
});

/** The settings of the backed-up table, as table.json has them. */
export type TableFile = v.InferOutput<typeof tableFileSchema>;

/** The settings in a table.json. Permanent errors: `broken-archive`, `unknown-format`. */
export function decodeTableFile(bucket: BucketAddress, key: string, bytes: Uint8Array): TableFile {
  return decodeVersioned(tableFileSchema, bucket, key, bytes);
}
