/**
 * Keys that a person gave, as `only` of a request has them.
 */
import { onlyMismatch, openKeyFilter } from "@ferry/core/archive/key-filter";
import { describeKeys, type KeySchema } from "@ferry/core/archive/table-settings";
import { isRange, type KeySelection, type Only, onlyIssues, typedText } from "@ferry/core/request/only";
import { ClientError } from "../client-error.ts";
import type { OpenArchive } from "./open-archive.ts";

const HINT = `For instance --only '{"id":"a"}', --only '{"id":{"S":"a"}}' or --only '{"id":"a","n":{"from":1,"to":9}}'.`;
const KEY_HINT = `Name each key attribute with one value, for instance --key '{"id":"a"}'; --only takes a partition key alone, and ranges.`;

/** A number as it was written: JavaScript keeps only 15 digits. */
class WrittenNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/**
 * Reads keys, each a JSON text in the form of `only`; values may also be plain strings and numbers, whose types `keysOf` gives. It is
 * called only if there are plain values. ClientError `invalid-key`.
 */
export async function readGivenKeys(
  texts: readonly string[],
  keysOf: () => Promise<KeySchema | undefined>,
  option = "--only",
): Promise<Only> {
  const parsed = texts.map((text) => parse(text, option));
  const keys = parsed.some(hasPlainValues) ? await keysOf() : undefined;
  const only = parsed.map((key, i) => typed(key, keys, `${option} ${texts[i]}`)) as Only;
  const [issue] = texts.length === 0 ? [] : onlyIssues(only);
  if (issue !== undefined)
    throw invalid(
      asGiven(
        issue,
        option,
        texts.map((text) => `${option} ${text}`),
      ),
      option === "--key" ? KEY_HINT : HINT,
    );
  return only;
}

/**
 * A function that returns whether an item, or a change's `Keys`, has one of the keys; `itemsMax`: how many have at most, if each key is that
 * of one item. `only` may name a partition key alone, or ranges; each of `whole` must be the key of one item. ClientError `invalid-key`.
 */
export async function openGivenKeys(
  { manifest }: OpenArchive,
  texts: { readonly only: readonly string[]; readonly whole: readonly string[] },
): Promise<{ readonly isWanted: (item: Uint8Array) => boolean; readonly itemsMax: number }> {
  const keysOf = async () => manifest.keys;
  const whole = await readGivenKeys(texts.whole, keysOf, "--key");
  const only = [...(await readGivenKeys(texts.only, keysOf)), ...whole];
  const keys = manifest.keys ?? namedKeys(only);
  const mismatch = onlyMismatch(only, keys);
  const given = [
    ...texts.only.map((text) => `--only ${text}`),
    ...texts.whole.map((text) => `--key ${text}`),
  ];
  if (mismatch !== undefined)
    throw invalid(asGiven(mismatch, "--only", given), texts.only.length === 0 ? KEY_HINT : HINT);
  const isWhole = (selection: KeySelection) =>
    keys.every(({ name }) => Object.hasOwn(selection, name) && !isRange(selection[name]));
  for (const [i, key] of whole.entries())
    if (!isWhole(key))
      throw invalid(`--key ${texts.whole[i]}: it is not a whole key: ${describeKeys(keys)}`, KEY_HINT);
  return {
    isWanted: openKeyFilter(only, keys),
    // Without the table's own schema, the given keys may lack the sort key.
    itemsMax: manifest.keys !== undefined && only.every(isWhole) ? only.length : Number.POSITIVE_INFINITY,
  };
}

function parse(text: string, option: string): Readonly<Record<string, unknown>> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text, (_, value, context?: { readonly source?: string }) =>
      typeof value === "number" ? new WrittenNumber(context?.source ?? String(value)) : value,
    );
  } catch (error) {
    throw invalid(`${option} ${text}: it is not JSON: ${(error as Error).message}`, HINT);
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed) || isPlain(parsed))
    throw invalid(`${option} ${text}: it is not an object`, HINT);
  return parsed as Readonly<Record<string, unknown>>;
}

function isPlain(value: unknown): value is string | WrittenNumber {
  return typeof value === "string" || value instanceof WrittenNumber;
}

function hasPlainValues(key: Readonly<Record<string, unknown>>): boolean {
  return Object.values(key).some(
    (value) => isPlain(value) || (isRange(value) && Object.values(value).some(isPlain)),
  );
}

/** A key with a type for each plain value. */
function typed(
  key: Readonly<Record<string, unknown>>,
  keys: KeySchema | undefined,
  given: string,
): Readonly<Record<string, unknown>> {
  const typedValue = (name: string, value: unknown) => {
    if (!isPlain(value)) return value;
    if (keys === undefined)
      throw invalid(
        `${given}: ${name} has no type, and the archive has no table.json with the types of its keys`,
        `Give it in DynamoDB JSON, such as {"${name}":{"S":"a"}}.`,
      );
    const type = keys.find((one) => one.name === name)?.type;
    if (type === undefined)
      throw invalid(`${given}: ${name} is not a key attribute; the keys are ${describeKeys(keys)}`, HINT);
    return { [type]: typeof value === "string" ? value : value.text };
  };
  return Object.fromEntries(
    Object.entries(key).map(([name, value]) => [
      name,
      isRange(value)
        ? Object.fromEntries(Object.entries(value).map(([end, one]) => [end, typedValue(name, one)]))
        : typedValue(name, value),
    ]),
  );
}

/** An issue of `only`, which names its keys by their index, in the words of the command line. */
function asGiven(issue: string, option: string, given: readonly string[]): string {
  return issue
    .replace(
      /^only\[(\d+)\](\.?)/,
      (_, i: string, dot: string) => `${given[Number(i)]}:${dot === "" ? " it" : " "}`,
    )
    .replace(/^only /, `${option} `);
}

/** The key schema that the keys themselves show: the partition key is the attribute that has a value in each. */
function namedKeys(only: Only): KeySchema {
  const types = new Map<string, string>();
  for (const selection of only)
    for (const [name, condition] of Object.entries(selection)) {
      const value = isRange(condition) ? (condition.from ?? condition.to!) : condition;
      types.set(name, types.get(name) ?? typedText(value)[0]);
    }
  const hash = [...types.keys()].find((name) =>
    only.every((selection) => Object.hasOwn(selection, name) && !isRange(selection[name])),
  );
  if (hash === undefined || types.size > 2)
    throw invalid("The keys do not name one partition key", "Give each key the partition key's value.");
  return [...types]
    .map(([name, type]) => ({ name, type }))
    .sort((a, b) => (a.name === hash ? -1 : b.name === hash ? 1 : 0));
}

function invalid(message: string, hint: string): ClientError {
  return new ClientError("usage", "invalid-key", { message: `${message}.`, hint });
}
