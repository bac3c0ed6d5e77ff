/**
 * Another archive than the first restore's, made by nothing of the engine's, with other versions of the same items; someone
 * may replace it while it is read.
 */
import { gzipSync } from "node:zlib";
import { bucket } from "@ferry/core/testing/tasks";
import type { MemoryArchiveStore } from "@ferry/memory/archive-store";
import { itemLine } from "@ferry/memory/native-export";
import { md5 } from "@ferry/memory/ports";
import type { Rng } from "../cloud/scheduler.ts";

export const OTHER_PREFIX = "backups/other";

const FILES_MAX = 20;
const encoder = new TextEncoder();

export interface OtherArchive {
  /** Makes it of these items. */
  make(texts: readonly string[], chance: Rng): void;
  /** Puts the same files, listed in another order; or, in their place, files of other items, as many in each. */
  replace(other: ((text: string) => string) | undefined): void;
  /** Every list of items that it ever held. */
  readonly versions: readonly (readonly string[])[];
}

export function createOtherArchive(archive: MemoryArchiveStore): OtherArchive {
  let files: readonly (readonly string[])[] = [];
  const versions: (readonly string[])[] = [];

  function put(contents: readonly (readonly string[])[], isReversed: boolean): void {
    const listed = contents.map((texts, n) => {
      const body = new Uint8Array(gzipSync(texts.map((text) => `${itemLine(text)}\n`).join("")));
      const dataFileS3Key = `${OTHER_PREFIX}/0x0000/file-${n}.json.gz`;
      archive.plant(bucket, dataFileS3Key, body);
      return { itemCount: texts.length, md5Checksum: md5(body), etag: `"${n}"`, dataFileS3Key };
    });
    if (isReversed) listed.reverse();
    const summary = {
      version: "2020-06-30",
      manifestFilesS3Key: `${OTHER_PREFIX}/manifest-files.json`,
      itemCount: contents.flat().length,
      outputFormat: "DYNAMODB_JSON",
    };
    const lines = listed.map((file) => `${JSON.stringify(file)}\n`).join("");
    archive.plant(bucket, `${OTHER_PREFIX}/manifest-files.json`, encoder.encode(lines));
    archive.plant(bucket, `${OTHER_PREFIX}/manifest-summary.json`, encoder.encode(JSON.stringify(summary)));
    files = contents;
    versions.push(contents.flat());
  }

  return {
    versions,
    make(texts, chance) {
      const count = chance.between(1, Math.min(Math.max(1, Math.ceil(texts.length / 3)), FILES_MAX));
      const contents = Array.from({ length: count }, (): string[] => []);
      for (const text of texts) chance.pick(contents).push(text);
      put(contents, false);
    },
    replace(other) {
      if (other === undefined) put(files, true);
      else
        put(
          files.map((texts) => texts.map(other)),
          false,
        );
    },
  };
}
