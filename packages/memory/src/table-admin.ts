/**
 * The port TableAdmin on tables in memory. A new table is CREATING for a while.
 */

import type { LateSetting, TableAdmin } from "@ferry/core/ports";
import { type TableAddress, tableResource } from "@ferry/core/request/addresses";
import { invalid } from "./errors.ts";
import type { KeyAttributes } from "./item-key.ts";
import type { MemoryTables } from "./tables.ts";

const CREATING_MS = 10_000;

export interface MemoryTableAdminOptions {
  /** ms since 1970. */
  readonly now: () => number;
  /** How long a new table is CREATING. Default 10 s. */
  readonly creatingMs?: () => number;
  /** Whether the table is being changed, so that a setting cannot be applied. Default: never. */
  readonly isPending?: (setting: LateSetting) => boolean;
  /** Whether a read of the owner of a table that is CREATING does not see it yet. Default: never. */
  readonly ownerUnseen?: () => boolean;
}

export interface MemoryTableAdmin extends TableAdmin {
  /** The definitions of the tables that were created, in order. */
  readonly created: readonly { readonly table: TableAddress; readonly definition: Definition }[];
  /** The settings that were applied to a table, the latest of each name. */
  settingsOf(table: TableAddress): readonly LateSetting[];
  removeOwner(table: TableAddress): void;
  /** When the table first lost its owner, ms since 1970. Undefined if it has one, or never had, or does not exist. */
  ownerRemovedMs(table: TableAddress): number | undefined;
}

/** The fields of a definition that the memory tables use. */
interface Definition {
  readonly KeySchema?: readonly { readonly AttributeName: string; readonly KeyType: string }[];
  readonly AttributeDefinitions?: readonly {
    readonly AttributeName: string;
    readonly AttributeType: string;
  }[];
  readonly LocalSecondaryIndexes?: readonly unknown[];
  readonly GlobalSecondaryIndexes?: readonly unknown[];
  readonly BillingMode?: string;
  readonly ProvisionedThroughput?: {
    readonly ReadCapacityUnits: number;
    readonly WriteCapacityUnits: number;
  };
}

export function memoryTableAdmin(
  tables: MemoryTables,
  {
    now,
    creatingMs = () => CREATING_MS,
    isPending = () => false,
    ownerUnseen = () => false,
  }: MemoryTableAdminOptions,
): MemoryTableAdmin {
  /** By table id: a table that is created again has no owner. */
  const owners = new Map<string, string>();
  const removedMs = new Map<string, number>();
  const settings = new Map<string, Map<string, LateSetting>>();
  const created: { table: TableAddress; definition: Definition }[] = [];
  const removeOwner = (id: string) => {
    if (owners.delete(id)) removedMs.set(id, now());
  };

  return {
    created,

    async create(table, given, owner) {
      if (tables.has(table)) return undefined;
      const definition = given as Definition;
      const keys = keysOf(table, definition);
      const activeMs = now() + creatingMs();
      const { ProvisionedThroughput: throughput } = definition;
      tables.create(table, {
        keys,
        get status() {
          return now() < activeMs ? "CREATING" : "ACTIVE";
        },
        indexCount:
          (definition.LocalSecondaryIndexes?.length ?? 0) + (definition.GlobalSecondaryIndexes?.length ?? 0),
        ...(throughput !== undefined && {
          provisioned: {
            readUnits: throughput.ReadCapacityUnits,
            writeUnits: throughput.WriteCapacityUnits,
          },
        }),
      });
      created.push({ table, definition });
      const description = await tables.describe(table);
      owners.set(description.id!, owner);
      return description;
    },

    settingsOf: (table) => [...(settings.get(tables.idOf(table)) ?? new Map()).values()],
    removeOwner: (table) => removeOwner(tables.idOf(table)),
    ownerRemovedMs: (table) => (tables.has(table) ? removedMs.get(tables.idOf(table)) : undefined),

    async apply(table, _arn, setting) {
      const { id, status } = await tables.describe(table);
      if (status !== "ACTIVE" || isPending(setting)) return "pending";
      const applied = settings.get(id!) ?? new Map<string, LateSetting>();
      settings.set(id!, applied.set(setting.name, setting));
      if (setting.name === "tags") removeOwner(id!);
      return "applied";
    },

    async owner(table) {
      const { id, status } = await tables.describe(table);
      return status === "CREATING" && ownerUnseen() ? undefined : owners.get(id!);
    },
  };
}

/** The key attributes of a definition. DynamoDB refuses definitions of attributes that no key uses. */
function keysOf(table: TableAddress, definition: Definition): KeyAttributes {
  const { KeySchema = [], AttributeDefinitions = [] } = definition;
  const types = new Map(
    AttributeDefinitions.map(({ AttributeName, AttributeType }) => [AttributeName, AttributeType]),
  );
  const keys = KeySchema.map(({ AttributeName }) => ({
    name: AttributeName,
    type: types.get(AttributeName),
  }));
  if (keys.length === 0 || keys.some(({ type }) => type === undefined) || KeySchema[0]?.KeyType !== "HASH")
    throw invalid("CreateTable", tableResource(table), "the key schema does not match the attributes");
  return keys as unknown as KeyAttributes;
}
