/**
 * The items of an archive, streamed.
 */
import { type LineKind, lineSpans, readLine } from "@ferry/core/archive/data-file";
import { KeyMismatch, keyTextOf } from "@ferry/core/archive/item-key";
import { readBlocks, readingLine } from "@ferry/core/archive/stored-file";
import { describeKeys, type KeySchema } from "@ferry/core/archive/table-settings";
import { ClientError, explaining } from "../client-error.ts";
import { type OpenArchive, recorded } from "./open-archive.ts";

/** Yields each item's DynamoDB JSON, as stored. In an incremental export: each whole line. */
export async function* archiveItems(archive: OpenArchive): AsyncGenerator<Uint8Array, void, void> {
  for (const file of archive.manifest.files)
    yield* fileItems(archive, recorded(file), archive.manifest.lines);
}

async function* fileItems(archive: OpenArchive, file: ReturnType<typeof recorded>, kind: LineKind) {
  const blocks = readBlocks(archive.bucket, file, archive.ports)[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await explaining({ operation: "read", resource: file.key }, () => blocks.next());
      if (next.done) return;
      const { bytes, firstLine } = next.value;
      for (const [at, span] of lineSpans(bytes).entries()) {
        if (kind === "changes") yield bytes.subarray(span.start, span.end);
        else {
          const line = readingLine(archive.bucket, file.key, firstLine + at + 1, () =>
            readLine(bytes, span, kind),
          );
          if ("put" in line) yield line.put;
        }
      }
    }
  } finally {
    await blocks.return();
  }
}

/**
 * A function that tells whether an item has this key. `key`: JSON, either DynamoDB's (`{"id":{"S":"a"}}`) or plain
 * (`{"id":"a"}`), with every key attribute. ClientError `invalid-key`.
 */
export function keyFilter({ manifest }: OpenArchive, key: string): (item: Uint8Array) => boolean {
  const { keys } = manifest;
  if (keys === undefined || manifest.lines === "changes")
    throw new ClientError("usage", "invalid-key", {
      message: "This export has no table.json, so the keys of its items are not known.",
      hint: "Leave --key out, and filter the lines with another tool.",
    });
  const wanted = keyText(key, keys);
  return (item) => keyTextOf(item, keys) === wanted;
}

function keyText(key: string, keys: KeySchema): string {
  const invalid = (reason: string) =>
    new ClientError("usage", "invalid-key", {
      message: `--key ${key}: ${reason}.`,
      hint: `The keys are ${describeKeys(keys)}: for instance --key '${JSON.stringify(exampleOf(keys))}'.`,
    });
  let given: unknown;
  try {
    given = JSON.parse(key);
  } catch (error) {
    throw invalid(`it is not JSON: ${(error as Error).message}`);
  }
  if (typeof given !== "object" || given === null || Array.isArray(given))
    throw invalid("it is not an object");
  const unknown = Object.keys(given).find((name) => !keys.some((key) => key.name === name));
  if (unknown !== undefined) throw invalid(`${unknown} is no key attribute`);
  const typed = Object.fromEntries(
    Object.entries(given).map(([name, value]) => {
      const { type } = keys.find((key) => key.name === name)!;
      return [name, typeof value === "object" ? value : { [type]: String(value) }];
    }),
  );
  try {
    return keyTextOf(new TextEncoder().encode(JSON.stringify(typed)), keys);
  } catch (error) {
    if (error instanceof KeyMismatch) throw invalid(`it ${error.message}`);
    throw error;
  }
}

function exampleOf(keys: KeySchema): object {
  return Object.fromEntries(keys.map(({ name, type }) => [name, type === "N" ? 1 : "a"]));
}
