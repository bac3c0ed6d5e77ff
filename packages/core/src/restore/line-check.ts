/**
 * Checks the lines of a data file against the destination table's keys: each line must have them, and two lines with the same
 * key would become one item. Only for archives that Ferry did not write: table.json contains the keys of Ferry's own
 * archives, and their lines have distinct keys.
 */

import type { Block } from "../archive/blocks.ts";
import { type Line, type LineKind, lineSpans, readLine } from "../archive/data-file.ts";
import { attributeNames, KeyMismatch, keyTextOf } from "../archive/item-key.ts";
import { openSeenKeys } from "../archive/seen-keys.ts";
import { corrupt, readingLine } from "../archive/stored-file.ts";
import { describeKeys, type KeySchema } from "../archive/table-settings.ts";
import { FerryError, permanent } from "../errors/errors.ts";
import { type BucketAddress, objectResource } from "../request/addresses.ts";

/** A data file whose lines are checked. */
export interface CheckedFile {
  readonly bucket: BucketAddress;
  readonly key: string;
  /** The number of lines. */
  readonly items: number;
  readonly kind: LineKind;
  /** The destination table's keys. */
  readonly keys: KeySchema;
  /** Reads the file again, to compare two lines that may have the same key. */
  reread(): AsyncIterable<Block>;
}

/**
 * Returns a function that checks the lines of the next block. Call it with all blocks in order. Permanent errors:
 * `corrupt-file`, `key-schema-mismatch`, `duplicate-key`; each names the file and the lines, counted from 1.
 */
export function openLineCheck(file: CheckedFile): (block: Block) => Promise<void> {
  const seen = openSeenKeys(file.items);
  return async (block) => {
    const spans = lineSpans(block.bytes);
    for (let i = 0; i < spans.length; i++) {
      const number = block.firstLine + i + 1;
      const line = readingLine(file.bucket, file.key, number, () =>
        readLine(block.bytes, spans[i]!, file.kind),
      );
      const key = keyOfLine(file, number, line);
      for (const earlier of seen.add(key, number)) await refuseIfSame(file, key, earlier, number, line);
    }
  };
}

/** The key of a line, as a string. Permanent errors: `key-schema-mismatch`, `corrupt-file`. */
function keyOfLine(file: CheckedFile, number: number, line: Line): string {
  try {
    return readingLine(file.bucket, file.key, number, () => {
      const key = keyTextOf("put" in line ? line.put : line.remove, file.keys);
      if (line.keys === undefined) return key;
      const names = attributeNames(line.keys);
      if (names.length !== file.keys.length)
        throw new KeyMismatch(
          `has the keys ${names.join(", ")}, but the table has ${describeKeys(file.keys)}`,
        );
      if (keyTextOf(line.keys, file.keys) !== key)
        throw new SyntaxError("the keys in its NewImage and Keys differ");
      return key;
    });
  } catch (error) {
    if (error instanceof KeyMismatch) throw mismatch(file, `Line ${number}`, error.message);
    throw error;
  }
}

/** Compares a line with an earlier one whose key has the same hash. */
async function refuseIfSame(
  file: CheckedFile,
  key: string,
  earlier: number,
  number: number,
  line: Line,
): Promise<void> {
  const before = await reread(file, earlier);
  if (keyOfLine(file, earlier, before) !== key) return;
  throw file.kind === "changes" || equalBytes(bytesOf(before), bytesOf(line))
    ? duplicateKey(file, earlier, number)
    : mismatch(file, `Lines ${earlier} and ${number}`, "are different items with the same key in the table");
}

async function reread(file: CheckedFile, number: number): Promise<Line> {
  for await (const block of file.reread()) {
    const index = number - 1 - block.firstLine;
    if (index < block.lines) return readLine(block.bytes, lineSpans(block.bytes)[index]!, file.kind);
  }
  throw corrupt(file.bucket, file.key, `had a line ${number}, but no longer has it`);
}

function bytesOf(line: Line): Uint8Array {
  return "put" in line ? line.put : line.remove;
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/**
 * The error to report if a table refused a call with a permanent error: names the invalid lines if their keys show which they
 * are, or else all lines of the call. `numbers`: the number of each line, from 1. Returns any other error unchanged.
 */
export function refusedLines(
  error: unknown,
  file: Pick<CheckedFile, "bucket" | "key" | "keys">,
  numbers: readonly number[],
  lines: readonly Line[],
): unknown {
  if (!(error instanceof FerryError) || error.code !== "invalid-request") return error;
  const seen = new Map<string, number>();
  for (const [i, line] of lines.entries()) {
    let key: string;
    try {
      key = keyTextOf(bytesOf(line), file.keys);
    } catch (fault) {
      if (fault instanceof KeyMismatch) return mismatch(file, `Line ${numbers[i]}`, fault.message);
      throw fault;
    }
    const earlier = seen.get(key);
    if (earlier !== undefined) return duplicateKey(file, earlier, numbers[i]!);
    seen.set(key, numbers[i]!);
  }
  const { operation, resource, message, hint } = error;
  const at = `lines ${numbers[0]} to ${numbers.at(-1)} of ${objectResource(file.bucket, file.key)}`;
  return permanent(error.code, {
    operation,
    resource,
    message: `The table refused ${at}: ${message}`,
    hint,
    cause: error,
  });
}

/** The error for lines whose keys do not match the table's. */
function mismatch(file: Pick<CheckedFile, "bucket" | "key" | "keys">, lines: string, predicate: string) {
  return permanent("key-schema-mismatch", {
    operation: "read data file",
    resource: objectResource(file.bucket, file.key),
    message: `${lines} of ${objectResource(file.bucket, file.key)} ${predicate}: the table's keys are ${describeKeys(file.keys)}.`,
    hint: "The archive is of a table with other keys: restore into a table with that key schema.",
  });
}

/** The error for two lines with the same key. Line numbers count from 1. */
function duplicateKey({ bucket, key }: Pick<CheckedFile, "bucket" | "key">, earlier: number, number: number) {
  return permanent("duplicate-key", {
    operation: "read data file",
    resource: objectResource(bucket, key),
    message: `Lines ${earlier} and ${number} of ${objectResource(bucket, key)} have the same key, but each key may occur only once in an archive.`,
    hint: "The archive is damaged, or was written incorrectly: restore from another backup.",
  });
}
