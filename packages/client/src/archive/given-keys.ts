/**
 * Keys that a person gave, as `only` of a request has them.
 */
import { onlyMismatch, openKeyFilter } from "@ferry/core/archive/key-filter";
import { describeKeys, type KeySchema } from "@ferry/core/archive/table-settings";
import { isRange, type KeySelection, type Only, onlyIssues, typedText } from "@ferry/core/request/only";
import { ClientError } from "../client-error.ts";
import type { OpenArchive } from "./open-archive.ts";

const HINT = `For instance --only '{"id":"a"}', --only '{"id":{"S":"a"}}' or --only '{"id":"a","n":{"from":1,"to":9}}'.`;

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
): Promise<Only> {
  const parsed = texts.map(parse);
  const keys = parsed.some(hasPlainValues) ? await keysOf() : undefined;
  const only = parsed.map((key, i) => typed(key, keys, texts[i]!)) as Only;
  const [issue] = onlyIssues(only);
  if (issue !== undefined) throw invalid(issue, HINT);
  return only;
}

/**
 * A function that returns whether an item, or a change's `Keys`, has one of the keys; `itemsMax`: how many have at most, if each key is that
 * of one item. ClientError `invalid-key`.
 */
export async function openGivenKeys(
  { manifest }: OpenArchive,
  texts: readonly string[],
): Promise<{ readonly isWanted: (item: Uint8Array) => boolean; readonly itemsMax: number }> {
  const only = await readGivenKeys(texts, async () => manifest.keys);
  const keys = manifest.keys ?? namedKeys(only);
  const mismatch = onlyMismatch(only, keys);
  if (mismatch !== undefined) throw invalid(mismatch, HINT);
  const isWhole = (selection: KeySelection) =>
    manifest.keys?.every(({ name }) => Object.hasOwn(selection, name) && !isRange(selection[name])) === true;
  return {
    isWanted: openKeyFilter(only, keys),
    itemsMax: only.every(isWhole) ? only.length : Number.POSITIVE_INFINITY,
  };
}

function parse(text: string): Readonly<Record<string, unknown>> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text, (_, value, context?: { readonly source?: string }) =>
      typeof value === "number" ? new WrittenNumber(context?.source ?? String(value)) : value,
    );
  } catch (error) {
    throw invalid(`--only ${text}: it is not JSON: ${(error as Error).message}`, HINT);
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed) || isPlain(parsed))
    throw invalid(`--only ${text}: it is not an object`, HINT);
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
  text: string,
): Readonly<Record<string, unknown>> {
  const typedValue = (name: string, value: unknown) => {
    if (!isPlain(value)) return value;
    if (keys === undefined)
      throw invalid(
        `--only ${text}: ${name} has no type, and the archive has no table.json with the types of its keys`,
        `Give it in DynamoDB JSON, such as {"${name}":{"S":"a"}}.`,
      );
    const type = keys.find((one) => one.name === name)?.type;
    if (type === undefined)
      throw invalid(`--only ${text}: ${name} is no key attribute; the keys are ${describeKeys(keys)}`, HINT);
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
