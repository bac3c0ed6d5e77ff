/**
 * Whether a table holds items.
 */

import { cutPage } from "../archive/page.ts";
import type { TableData } from "../ports.ts";
import type { TableAddress } from "../request/addresses.ts";
import type { DynamoKey } from "../table/dynamo-key.ts";

/**
 * Whether the table holds items, read consistently. A page without items may be followed by others, so only the end of the
 * scan proves it empty.
 */
export async function holdsItems(table: TableAddress, tables: Pick<TableData, "scan">): Promise<boolean> {
  let after: DynamoKey | undefined;
  do {
    const page = cutPage(
      await tables.scan({
        table,
        segment: 0,
        totalSegments: 1,
        consistent: true,
        limit: 1,
        ...(after !== undefined && { after }),
      }),
    );
    if (page.count > 0) return true;
    after = page.lastEvaluatedKey;
  } while (after !== undefined);
  return false;
}
