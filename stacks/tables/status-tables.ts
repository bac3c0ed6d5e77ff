/** The status tables: the projector writes them, their streams announce changes of state, and operators read them. */
import { rowIndexes, type TableName, tables } from "@ferry/core/topology";
import { logicalNameOf, physicalNameOf } from "../naming/names.ts";
import { settings } from "../settings/stage-settings.ts";
import { ownTableKey } from "./own-table-key.ts";

const field = (type: "S" | "N") => (type === "S" ? "string" : "number");

function table(name: TableName) {
  const { hash, range, stream } = tables[name];
  return new sst.aws.Dynamo(logicalNameOf(name.replace(/-table$/, "-status")), {
    fields: {
      [hash.name]: field(hash.type),
      [range.name]: field(range.type),
      ...(stream && Object.fromEntries(rowIndexes.map(({ hash }) => [hash.name, field(hash.type)]))),
    },
    primaryIndex: { hashKey: hash.name, rangeKey: range.name },
    ...(stream && {
      // The Pipes' filters compare the old state with the new one, so they need both images.
      stream: "new-and-old-images",
      globalIndexes: Object.fromEntries(
        rowIndexes.map((index) => [
          index.name,
          {
            hashKey: index.hash.name,
            ...(index.range && { rangeKey: index.range.name }),
            projection: "keys-only" as const,
          },
        ]),
      ),
    }),
    deletionProtection: settings.protect,
    transform: {
      table: { ...ownTableKey, name: physicalNameOf(name), pointInTimeRecovery: { enabled: true } },
    },
  });
}

export const statusTables = Object.fromEntries(
  (Object.keys(tables) as TableName[]).map((name) => [name, table(name)]),
) as Record<TableName, sst.aws.Dynamo>;
