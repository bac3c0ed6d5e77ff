/**
 * DynamoDB's order of key values: strings by UTF-8 bytes, numbers by value, binaries by unsigned bytes. Values become
 * sortable texts, so that keys can be compared as plain strings, and equal keys are equal texts (`1`, `1.0` and `10e-1`
 * are the same number).
 */

import type { KeyType } from "@ferry/core/archive/key-value";

/** Significant digits that DynamoDB keeps of a number. */
const DIGITS_MAX = 38;
const NUMBER = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/;
/** Makes every exponent, -130 to 126, a positive number of three digits. */
const EXPONENT_OFFSET = 500;

/** A key attribute's value as a text that sorts as DynamoDB sorts the value. Throws a RangeError if it is invalid. */
export function sortable(type: KeyType, value: unknown): string {
  if (typeof value !== "string")
    throw new RangeError(`${type} must be a string, got ${JSON.stringify(value)}`);
  if (type === "S") return Buffer.from(value, "utf8").toString("hex");
  if (type === "B") return bytesOf(value).toString("hex");
  return sortableNumber(value);
}

/** Compares two texts by UTF-8 byte order: S3's order of keys and DynamoDB's of strings. */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const [x, y] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (x !== y) return utf8Rank(x) < utf8Rank(y) ? -1 : 1;
  }
  return Math.sign(a.length - b.length);
}

/** The order of UTF-16 units in UTF-8: a surrogate, 0xd800 to 0xdfff, is part of a character above all others. */
function utf8Rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

function bytesOf(base64: string): Buffer {
  const bytes = Buffer.from(base64, "base64");
  // Buffer skips invalid characters; DynamoDB refuses them.
  if (bytes.toString("base64") !== base64) throw new RangeError(`B must be base64, got ${base64}`);
  return bytes;
}

function sortableNumber(text: string): string {
  const [, sign, whole = "", fraction = "", exponent = "0"] = NUMBER.exec(text) ?? [];
  if (whole + fraction === "") throw new RangeError(`N must be a number, got ${text}`);
  const padded = whole + fraction;
  const digits = padded.replace(/^0+/, "").replace(/0+$/, "");
  if (digits === "") return "5";
  if (digits.length > DIGITS_MAX)
    throw new RangeError(`N may have ${DIGITS_MAX} significant digits, got ${text}`);
  // The value is 0.digits times ten to the power of this.
  const magnitude = whole.length - leadingZeros(padded) + Number(exponent);
  if (magnitude > 126 || magnitude < -129) throw new RangeError(`N is out of DynamoDB's range: ${text}`);
  if (sign !== "-") return `6${width3(magnitude + EXPONENT_OFFSET)}${digits}`;
  // Negative numbers sort in reverse; the `~` at the end puts -0.12 after -0.123.
  const mirrored = [...digits].map((digit) => 9 - Number(digit)).join("");
  return `4${width3(EXPONENT_OFFSET - magnitude)}${mirrored}~`;
}

function leadingZeros(digits: string): number {
  return digits.length - digits.replace(/^0+/, "").length;
}

function width3(value: number): string {
  return String(value).padStart(3, "0");
}
