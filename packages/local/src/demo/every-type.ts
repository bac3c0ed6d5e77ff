/**
 * One item with every DynamoDB type, with values that tools often change.
 */
import type { CityItem } from "./cities.ts";

export function everyType(): CityItem {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  return {
    country: { S: "**" },
    id: { N: "0" },
    "number of 38 digits": { N: "12345678901234567890123456789012345678" },
    "number with a negative exponent": { N: "-1.2345678901234567890123456789012345678E-127" },
    "number beyond a double": { N: "9007199254740993" },
    binary: { B: bytes },
    "empty binary": { B: new Uint8Array(0) },
    "binary set": { BS: [bytes.subarray(0, 3), bytes.subarray(250)] },
    "number set": { NS: ["1", "-2.5", "99999999999999999999999999999999999999"] },
    "string set": { SS: ["a", "ä", '"'] },
    "empty string": { S: "" },
    "empty map": { M: {} },
    "empty list": { L: [] },
    null: { NULL: true },
    true: { BOOL: true },
    false: { BOOL: false },
    "300 KB": { S: "x".repeat(300 * 1024) },
    "line separators": { S: "a\u2028b\u2029c\nd\re\tf" },
    'quotes " and \\ backslashes': { S: '"\\"\\\\" {"CityItem":{"S":"no"}}]}' },
    "beyond the basic plane": { S: "🚢 𝔉𝔢𝔯𝔯𝔶 \u0000 \u001f" },
    nested: { L: [{ M: { deep: { L: [{ M: { deeper: { NULL: true } } }] } } }, { L: [{ BOOL: false }] }] },
  };
}
