/**
 * A bucket for archives of hundreds of thousands of small objects: a listing of a folder does not read the others.
 */
import { createHash } from "node:crypto";
import { gatheredBody } from "@ferry/core/archive/chunks";
import type { ArchiveStore, ObjectHead } from "@ferry/core/ports";

interface Stored {
  readonly body: Uint8Array;
  readonly head: ObjectHead;
}

/** The calls on a bucket, by method. */
export type ArchiveCalls = Record<"putNew" | "head" | "get" | "open" | "list", number>;

/** The store, and the counts of its calls. A listing counts once for each thousand keys. */
export function fabricatedArchive(): { readonly archive: ArchiveStore; readonly calls: ArchiveCalls } {
  const folders = new Map<string, Map<string, Stored>>();
  const calls: ArchiveCalls = { putNew: 0, head: 0, get: 0, open: 0, list: 0 };
  const folderOf = (key: string) => key.slice(0, key.lastIndexOf("/") + 1);
  const find = (key: string) => folders.get(folderOf(key))?.get(key);
  const archive: ArchiveStore = {
    async putNew(_, key, body, { metadata }) {
      calls.putNew++;
      const folder = folders.get(folderOf(key)) ?? new Map<string, Stored>();
      if (folder.has(key)) return "exists";
      folders.set(folderOf(key), folder);
      const bytes = await gatheredBody(body);
      const etag = `"${createHash("md5").update(bytes).digest("hex")}"`;
      folder.set(key, { body: bytes, head: { metadata, etag, sizeBytes: bytes.length } });
      return "stored";
    },
    async head(_, key) {
      calls.head++;
      return find(key)?.head;
    },
    async get(_, key) {
      calls.get++;
      return find(key);
    },
    async open(_, key, { ifMatch, fromByte = 0 } = {}) {
      calls.open++;
      const found = find(key);
      if (found === undefined) return undefined;
      if (ifMatch !== undefined && ifMatch !== found.head.etag) throw new Error(`${key} changed`);
      const { body, head } = found;
      async function* chunks() {
        const CHUNK_BYTES = 65_536;
        for (let at = fromByte; at < body.length; at += CHUNK_BYTES)
          yield body.subarray(at, at + CHUNK_BYTES);
      }
      return { head, chunks: chunks() };
    },
    async list(_, prefix, { after = "", limit } = {}) {
      // A chain's files are put in the order of their keys, so a folder's keys are in order.
      const listed = [];
      for (const [name, folder] of folders) {
        if (!name.startsWith(folderOf(prefix))) continue;
        for (const [key, { head }] of folder)
          if (key.startsWith(prefix) && key > after) listed.push({ key, etag: head.etag });
      }
      const found = listed.slice(0, limit);
      calls.list += Math.max(1, Math.ceil(found.length / 1000));
      return found;
    },
  };
  return { archive, calls };
}
