/**
 * The values of key attributes: which texts DynamoDB accepts, which are equal, and their order.
 */

/** The types that a key attribute may have. */
export const keyTypes = ["S", "N", "B"] as const;
export type KeyType = (typeof keyTypes)[number];

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?$/;
const DIGITS_MAX = 38;
const BASE64 = /^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$/;
const SEXTETS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** What a value of a type must be; undefined if this one is valid. */
export function keyValueFault(type: KeyType, value: unknown): string | undefined {
  if (typeof value !== "string") return "a string";
  if (type === "N") return isNumber(value) ? undefined : `a number of at most ${DIGITS_MAX} digits`;
  if (value === "") return "not empty";
  if (type === "B") return BASE64.test(value) ? undefined : "base64";
  return value.isWellFormed() ? undefined : "well-formed Unicode";
}

function isNumber(text: string): boolean {
  return NUMBER.test(text) && partsOf(canonicalNumber(text)).digits.length <= DIGITS_MAX;
}

/**
 * Compares two valid values in DynamoDB's order: strings by UTF-8 bytes, numbers by value, binaries by unsigned bytes.
 * Returns a negative number, 0 or a positive number. Throws a SyntaxError for an N that is not a number.
 */
export function compareKeyValues(type: KeyType, a: string, b: string): number {
  if (type === "N") return compareNumbers(a, b);
  return type === "B" ? compareSequences(a, b, sextetAt) : compareSequences(a, b, codePointRank);
}

/** Compares two texts character by character; of two with the same start the shorter one is lower. */
function compareSequences(a: string, b: string, rankAt: (text: string, at: number) => number): number {
  for (let at = 0; at < a.length && at < b.length; at++) {
    const difference = rankAt(a, at) - rankAt(b, at);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/**
 * The rank of a UTF-16 unit in the order of code points, which is that of UTF-8 bytes: surrogates belong to code points above
 * all other units.
 */
function codePointRank(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/** The six bits of a base64 character; padding, which ends a text, is below all others. */
function sextetAt(text: string, at: number): number {
  return SEXTETS.indexOf(text[at]!);
}

interface NumberParts {
  readonly sign: -1 | 0 | 1;
  /** The significant digits. */
  readonly digits: string;
  /** The power of ten of the first digit's place. */
  readonly magnitude: number;
}

function compareNumbers(a: string, b: string): number {
  const [x, y] = [partsOf(canonicalNumber(a)), partsOf(canonicalNumber(b))];
  if (x.sign !== y.sign || x.sign === 0) return x.sign - y.sign;
  const size = x.magnitude - y.magnitude || (x.digits < y.digits ? -1 : x.digits > y.digits ? 1 : 0);
  return x.sign === 1 ? size : 0 - size;
}

/** The parts of a canonical number. */
function partsOf(text: string): NumberParts {
  if (text === "0") return { sign: 0, digits: "", magnitude: 0 };
  const [, sign, digits = "", power] = /^(-?)(\d+)e(-?\d+)$/.exec(text) ?? [];
  if (power === undefined) throw new SyntaxError(`${JSON.stringify(text)} is not a number`);
  return { sign: sign === "-" ? -1 : 1, digits, magnitude: Number(power) + digits.length };
}

/** The same string for all spellings of a number: `1`, `1.0` and `10e-1` become `1e0`. Any other text is returned unchanged. */
export function canonicalNumber(text: string): string {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (match === null) return text;
  const [, sign, whole = "", fraction = "", exponent = "0"] = match;
  const digits = `${whole}${fraction}`.replace(/^0+/, "");
  const significant = digits.replace(/0+$/, "");
  if (significant === "") return "0";
  const power = Number(exponent) - fraction.length + digits.length - significant.length;
  return `${sign === "-" ? "-" : ""}${significant}e${power}`;
}
