/**
 * Finds rows near one that an operator named wrongly: those of the same key by the table, those in a state by its index.
 */
import { type DynamoDBClient, QueryCommand, type QueryCommandInput } from "@aws-sdk/client-dynamodb";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import type { NearRow } from "@ferry/core/events/events";
import type { RowSearch } from "@ferry/core/ports";
import { attributes, byState, tables as specs } from "@ferry/core/topology";
import * as v from "valibot";
import { translateErrors } from "../errors.ts";
import type { TaskTables } from "./status-store.ts";

/** Both row tables have the same key. */
const { hash, range } = specs["backup-table"];
const names = { "#key": hash.name, "#timestamp": range.name, "#state": attributes.state };

const foundSchema = v.object({ key: v.string(), timestamp: v.number(), state: v.string() });

/** A search in the given tables. */
export function rowSearch(client: DynamoDBClient, tables: TaskTables): RowSearch {
  async function query(input: Omit<QueryCommandInput, "TableName">): Promise<readonly NearRow[]> {
    const found = Object.entries(tables).map(([action, TableName]) =>
      translateErrors({ operation: "Query", resource: `table ${TableName}` }, async () => {
        const { Items = [] } = await client.send(new QueryCommand({ ...input, TableName }));
        return Items.map((item) => ({
          action: action as NearRow["action"],
          ...v.parse(foundSchema, unmarshall(item)),
        }));
      }),
    );
    return (await Promise.all(found)).flat();
  }

  return {
    async ofKey(key, timestamp, limit) {
      const side = (comparison: string, isNewestFirst: boolean) =>
        query({
          KeyConditionExpression: `#key = :key AND #timestamp ${comparison} :timestamp`,
          // A row's plan may be large.
          ProjectionExpression: "#key, #timestamp, #state",
          ExpressionAttributeNames: names,
          ExpressionAttributeValues: { ":key": { S: key }, ":timestamp": { N: String(timestamp) } },
          ScanIndexForward: !isNewestFirst,
          Limit: limit,
        });
      return (await Promise.all([side("<=", true), side(">", false)])).flat();
    },
    inState: (state, limit) =>
      query({
        IndexName: byState.name,
        KeyConditionExpression: "#state = :state",
        ExpressionAttributeNames: { "#state": byState.hash.name },
        ExpressionAttributeValues: { ":state": { S: state } },
        ScanIndexForward: false,
        Limit: limit,
      }),
  };
}
