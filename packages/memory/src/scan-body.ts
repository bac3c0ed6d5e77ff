/**
 * Builds the body of a Scan response: items as unchanged bytes, members in any order.
 */
import type { DynamoKey } from "@ferry/core/table/dynamo-key";

export interface ScanResult {
  readonly items: readonly Uint8Array[];
  readonly lastEvaluatedKey?: DynamoKey;
  readonly units: number;
  readonly tableName: string;
}

/**
 * The body of a result. With `layout`, a source of numbers in [0, 1), the order of members and the white space vary, since
 * JSON guarantees neither.
 */
export function scanBody(result: ScanResult, layout?: () => number): Uint8Array {
  const space = () =>
    layout === undefined ? "" : [" ", "\n", "\t", "\r\n ", "", ""][Math.floor(layout() * 6)]!;
  const items = joined(result.items, () => `${space()},${space()}`);
  const count = String(result.items.length);
  const members: [string, Uint8Array][] = [
    ["ConsumedCapacity", json({ CapacityUnits: result.units, TableName: result.tableName })],
    ["Count", utf8(count)],
    ["Items", Buffer.concat([utf8(`[${space()}`), items, utf8(`${space()}]`)])],
    ["ScannedCount", utf8(count)],
  ];
  if (result.lastEvaluatedKey !== undefined)
    members.push(["LastEvaluatedKey", json(result.lastEvaluatedKey)]);
  if (layout !== undefined) shuffle(members, layout);
  const parts = members.map(([name, value]) =>
    Buffer.concat([utf8(`${space()}"${name}"${space()}:${space()}`), value, utf8(space())]),
  );
  return new Uint8Array(Buffer.concat([utf8("{"), joined(parts, () => ","), utf8("}")]));
}

function joined(parts: readonly Uint8Array[], separator: () => string): Uint8Array {
  return Buffer.concat(parts.flatMap((part, i) => (i === 0 ? [part] : [utf8(separator()), part])));
}

function json(value: unknown): Uint8Array {
  return utf8(JSON.stringify(value));
}

function utf8(text: string): Uint8Array {
  return Buffer.from(text, "utf8");
}

function shuffle<T>(values: T[], random: () => number): void {
  for (let i = values.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [values[i], values[j]] = [values[j]!, values[i]!];
  }
}
