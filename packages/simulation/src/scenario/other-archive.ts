/**
 * A second archive with other versions of the same items, made without the engine. An operator may replace it while a
 * restore reads it.
 */
import { gzipSync } from "node:zlib";
import type { MemoryArchiveStore } from "@ferry/memory/archive-store";
import { fileList, itemLine } from "@ferry/memory/native-export";
import { bucket } from "@ferry/memory/testing/tasks";
import type { Rng } from "../cloud/scheduler.ts";
import { bareSummary } from "./archives.ts";

export const OTHER_PREFIX = "backups/other";

const FILES_MAX = 20;
const encoder = new TextEncoder();

export type OtherArchive = ReturnType<typeof createOtherArchive>;

export function createOtherArchive(archive: MemoryArchiveStore) {
  let files: readonly (readonly string[])[] = [];
  /** The items of each version of the archive. */
  const versions: (readonly string[])[] = [];

  function put(contents: readonly (readonly string[])[], isReversed: boolean): void {
    const data = contents.map((texts, n) => ({
      key: `${OTHER_PREFIX}/0x0000/file-${n}.json.gz`,
      body: new Uint8Array(gzipSync(texts.map((text) => `${itemLine(text)}\n`).join(""))),
      items: texts.length,
    }));
    for (const { key, body } of data) archive.store(bucket, key, body);
    if (isReversed) data.reverse();
    const summary = encoder.encode(JSON.stringify(bareSummary(OTHER_PREFIX, data)));
    archive.store(bucket, `${OTHER_PREFIX}/manifest-files.json`, fileList(data));
    archive.store(bucket, `${OTHER_PREFIX}/manifest-summary.json`, summary);
    files = contents;
    versions.push(contents.flat());
  }

  return {
    versions,
    /** Creates it from these items. */
    make(texts: readonly string[], rng: Rng) {
      const count = rng.between(1, Math.min(Math.max(1, Math.ceil(texts.length / 3)), FILES_MAX));
      const contents = Array.from({ length: count }, (): string[] => []);
      for (const text of texts) rng.pick(contents).push(text);
      put(contents, false);
    },
    /** Replaces each item by `other`, with as many items in each file; undefined: lists the same files in reverse order. */
    replace(other: ((text: string) => string) | undefined) {
      if (other === undefined) put(files, true);
      else
        put(
          files.map((texts) => texts.map(other)),
          false,
        );
    },
  };
}
