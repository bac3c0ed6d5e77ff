/**
 * The size of an item as DynamoDB computes it. Source: "DynamoDB item sizes and formats" in its developer guide.
 */
import type { AttributeValue } from "@aws-sdk/client-dynamodb";

/** Bytes of an item: names and values. */
export function itemBytes(item: Readonly<Record<string, AttributeValue>>): number {
  return Object.entries(item).reduce((sum, [name, value]) => sum + utf8(name) + valueBytes(value), 0);
}

function valueBytes(value: AttributeValue): number {
  if (value.S !== undefined) return utf8(value.S);
  if (value.N !== undefined) return numberBytes(value.N);
  if (value.B !== undefined) return value.B.length;
  if (value.SS !== undefined) return total(value.SS.map(utf8));
  if (value.NS !== undefined) return total(value.NS.map(numberBytes));
  if (value.BS !== undefined) return total(value.BS.map((one) => one.length));
  // A list or map adds 3 bytes, and 1 for each element.
  if (value.L !== undefined) return 3 + total(value.L.map((one) => 1 + valueBytes(one)));
  if (value.M !== undefined)
    return 3 + total(Object.entries(value.M).map(([name, one]) => 1 + utf8(name) + valueBytes(one)));
  // BOOL and NULL.
  return 1;
}

/** One byte for each two significant digits, one more, and one for a sign. */
function numberBytes(text: string): number {
  const digits = text
    .replace(/[eE].*$/, "")
    .replace(/[-+.]/g, "")
    .replace(/^0+|0+$/g, "");
  return Math.ceil(digits.length / 2) + 1 + (text.startsWith("-") ? 1 : 0);
}

function utf8(text: string): number {
  return Buffer.byteLength(text);
}

function total(sizes: readonly number[]): number {
  return sizes.reduce((sum, size) => sum + size, 0);
}
