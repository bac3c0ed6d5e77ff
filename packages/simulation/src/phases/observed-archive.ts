/**
 * The bucket as workers see it: each put is recorded, and may make the application change the item at the cursor.
 */
import { gatheredBody } from "@ferry/core/archive/chunks";
import type { MemoryArchiveStore } from "@ferry/memory/archive-store";
import { bucket } from "@ferry/memory/testing/tasks";
import { lastLineOf } from "../checks/data-files.ts";
import type { Recorder } from "../checks/recorder.ts";
import type { Faults } from "../cloud/faults.ts";

export function observedArchive(
  archive: MemoryArchiveStore,
  around: {
    readonly recorder: Recorder;
    readonly faults: Faults;
    readonly changeLastItem: (lastLine: string) => void;
  },
): MemoryArchiveStore {
  const { recorder, faults, changeLastItem } = around;

  function onPut(key: string, body: Uint8Array): void {
    recorder.stored(key);
    if (key.includes("/0x") && faults.occurs("writeAtCursor")) changeLastItem(lastLineOf(body));
    if (!key.endsWith("/manifest-summary.json")) return;
    const prefix = key.slice(0, -"/manifest-summary.json".length);
    recorder.sealed(prefix, archive.contents(bucket, `${prefix}/`));
  }

  return {
    ...archive,
    async putNew(...[address, key, body, options]: Parameters<typeof archive.putNew>) {
      const bytes = await gatheredBody(body);
      const put = await archive.putNew(address, key, bytes, options);
      if (put === "stored") onPut(key, bytes);
      return put;
    },
    store(...[address, key, body, metadata]: Parameters<typeof archive.store>) {
      archive.store(address, key, body, metadata);
      onPut(key, body);
    },
  };
}
