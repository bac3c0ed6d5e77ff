/** The status tables: what the projector writes, the streams announce and operators read. */
import { type TableName, tables } from "@ferry/core/topology";
import { logical, physical } from "./here.ts";
import { settings } from "./settings.ts";

/** Open tasks are found by it, however many have ended: the watch asks for a few states, never for the whole table. */
export const BY_STATE = "by-state";

const field = (type: "S" | "N") => (type === "S" ? "string" : "number");

function table(name: TableName) {
  const { hash, range, stream } = tables[name];
  return new sst.aws.Dynamo(logical(name.replace(/-table$/, "-status")), {
    fields: {
      [hash.name]: field(hash.type),
      [range.name]: field(range.type),
      ...(stream && { state: "string" }),
    },
    primaryIndex: { hashKey: hash.name, rangeKey: range.name },
    ...(stream && {
      // Both images: "the state became X" compares them.
      stream: "new-and-old-images",
      globalIndexes: { [BY_STATE]: { hashKey: "state", rangeKey: range.name, projection: "keys-only" } },
    }),
    deletionProtection: settings.protect,
    transform: { table: { name: physical(name), pointInTimeRecovery: { enabled: true } } },
  });
}

export const status = Object.fromEntries(
  (Object.keys(tables) as TableName[]).map((name) => [name, table(name)]),
) as Record<TableName, sst.aws.Dynamo>;
