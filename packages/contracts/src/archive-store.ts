/**
 * The contract suite of the port ArchiveStore.
 */

import { gathered } from "@ferry/core/archive/chunks";
import type { ArchiveStore } from "@ferry/core/ports";
import type { BucketAddress } from "@ferry/core/request/addresses";
import { expectPermanent } from "@ferry/core/testing/refused";
import { beforeAll, describe, expect, it } from "vitest";
import { type Closable, portSuite } from "./port-suite.ts";

export interface ArchiveStoreSubject extends Closable {
  readonly archive: ArchiveStore;
  /** An existing, empty bucket. */
  readonly bucket: BucketAddress;
  /** The account that owns the bucket; absent if the engine has no accounts. */
  readonly owner?: string;
}

const encoder = new TextEncoder();
const options = { metadata: {}, contentType: "application/octet-stream" };

/** Keys in the order of their UTF-8 bytes: capitals first, `-` and `/` before digits, U+FF5E before U+1F600. */
const ORDERED = ["A", "a", "a-", "a/", "a/b", "a0", "aa", "b", "é", "\uff5e", "\u{1f600}"];
/** All characters that a bucket-prefix may have, and others that are special in URLs. */
const ODD_KEYS = [
  "a b",
  "a+b",
  "!_.*'()&$@=;:+,~{}-",
  "a%2Fb",
  "a?b#c",
  'quo"te<>',
  "a//b",
  "é/\u{1f600}",
  "x ~ y",
];

/** The bytes in pieces, as they arrive when another object is read. */
async function* piecesOf(bytes: Uint8Array) {
  const PIECE_BYTES = 100_000;
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES);
}

/** Bytes whose order shows. A loop fills 9 MiB ten times as fast as a callback for each byte. */
function bytesOf(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = (at * 31 + (at >> 8)) % 251;
  return bytes;
}

/** Declares the tests of one host of ArchiveStore. */
export function archiveStoreContract(name: string, open: () => Promise<ArchiveStoreSubject>): void {
  portSuite("ArchiveStore", name, open, (subject) => {
    let archive: ArchiveStore;
    let bucket: BucketAddress;
    let made = 0;
    beforeAll(async () => {
      ({ archive, bucket } = subject());
    });
    /** The keys of a listing. */
    const keysIn = async (...args: Parameters<ArchiveStore["list"]>) =>
      (await archive.list(...args)).map(({ key }) => key);
    /** A prefix that no other test uses. */
    const fresh = () => {
      made++;
      return `contract-${made}`;
    };

    describe("given a new key", () => {
      it.each([
        ["no bytes", new Uint8Array(0)],
        ["every byte", Uint8Array.from({ length: 256 }, (_, i) => i)],
        ["5 MiB", bytesOf(5 * 1024 * 1024)],
      ])("%s are stored and read back unchanged", async (_, body) => {
        const key = `${fresh()}/object`;
        expect(await archive.putNew(bucket, key, body, options)).toBe("stored");
        const got = await archive.get(bucket, key);
        expect(Buffer.compare(got!.body, body)).toBe(0);
        expect(got!.head.sizeBytes).toBe(body.length);
      });

      it.each([
        ["no bytes", 0],
        ["a few bytes", 3],
        ["9 MiB", 9 * 1024 * 1024],
      ])("%s of a streamed body are stored and read back unchanged", async (_, sizeBytes) => {
        const key = `${fresh()}/object`;
        const whole = bytesOf(sizeBytes);
        const metadata = { items: "7" };
        const body = { sizeBytes, chunks: () => piecesOf(whole) };
        expect(await archive.putNew(bucket, key, body, { ...options, metadata })).toBe("stored");
        const got = await archive.get(bucket, key);
        expect(Buffer.compare(got!.body, whole)).toBe(0);
        expect(got!.head.metadata).toEqual(metadata);
        expect(await archive.putNew(bucket, key, body, options)).toBe("exists");
      });

      it.each([
        ["a small one", 10],
        ["a large one", 9 * 1024 * 1024],
      ])("a streamed body that cannot be read to its end is not stored: %s", async (_, sizeBytes) => {
        const key = `${fresh()}/object`;
        const failing = new Error("the source broke");
        async function* broken() {
          yield new Uint8Array(sizeBytes / 2);
          throw failing;
        }
        const put = archive.putNew(bucket, key, { sizeBytes, chunks: broken }, options);
        await expect(put).rejects.toBe(failing);
        const short = { sizeBytes, chunks: () => piecesOf(new Uint8Array(sizeBytes - 1)) };
        await expect(archive.putNew(bucket, key, short, options)).rejects.toThrow(
          `a body that names ${sizeBytes} bytes has ${sizeBytes - 1}`,
        );
        expect(await archive.head(bucket, key)).toBeUndefined();
      });

      it("get and head return the same metadata", async () => {
        const key = `${fresh()}/object`;
        const metadata = {
          "request-id": "0b1c-22:a_b.c",
          items: "0",
          md5: "XUFAKrxLKna5cZ2REBfFkg==",
          end: "true",
          long: "x y;z=".repeat(300),
        };
        await archive.putNew(bucket, key, encoder.encode("body"), { ...options, metadata });
        const head = await archive.head(bucket, key);
        expect(head).toMatchObject({ metadata, sizeBytes: 4 });
        expect(head?.metadata).toEqual(metadata);
        expect((await archive.get(bucket, key))?.head).toEqual(head);
      });

      it("open returns the bytes of get in chunks, from any byte on", async () => {
        const key = `${fresh()}/object`;
        const body = bytesOf(300_000);
        await archive.putNew(bucket, key, body, { ...options, metadata: { items: "1" } });
        const head = await archive.head(bucket, key);
        for (const fromByte of [undefined, 0, 1, 70_000, body.length - 1]) {
          const opened = await archive.open(bucket, key, fromByte === undefined ? {} : { fromByte });
          expect(opened?.head).toEqual(head);
          const read = await gathered(opened!.chunks);
          expect(Buffer.compare(read, body.subarray(fromByte ?? 0))).toBe(0);
        }
      });

      it("open of an empty object returns no bytes", async () => {
        const key = `${fresh()}/object`;
        await archive.putNew(bucket, key, new Uint8Array(0), options);
        const opened = await archive.open(bucket, key);
        expect(opened?.head.sizeBytes).toBe(0);
        expect(await gathered(opened!.chunks)).toHaveLength(0);
      });

      it("open refuses an object whose ETag is not the requested one", async () => {
        const key = `${fresh()}/object`;
        await archive.putNew(bucket, key, encoder.encode("body"), options);
        const { etag } = (await archive.head(bucket, key))!;
        const opened = await archive.open(bucket, key, { ifMatch: etag, fromByte: 1 });
        expect(new TextDecoder().decode(await gathered(opened!.chunks))).toBe("ody");
        await expectPermanent(archive.open(bucket, key, { ifMatch: '"another"' }), {
          code: "object-changed",
          resource: key,
        });
      });

      it("readers that stop early do not block later reads", async () => {
        const key = `${fresh()}/object`;
        await archive.putNew(bucket, key, new Uint8Array(3_000_000), options);
        for (let reader = 0; reader < 30; reader++) {
          const opened = await archive.open(bucket, key);
          for await (const chunk of opened!.chunks) if (chunk.length > 0) break;
        }
        expect((await archive.get(bucket, key))?.body).toHaveLength(3_000_000);
      });

      it("objects with different bodies have different ETags", async () => {
        const prefix = fresh();
        for (const body of ["one", "two"])
          await archive.putNew(bucket, `${prefix}/${body}`, encoder.encode(body), options);
        const [one, two] = await Promise.all(
          ["one", "two"].map((body) => archive.head(bucket, `${prefix}/${body}`)),
        );
        expect(one?.etag).not.toBe("");
        expect(one?.etag).not.toBe(two?.etag);
      });

      it("an object does not change when the caller changes its buffers", async () => {
        const key = `${fresh()}/object`;
        const body = encoder.encode("before");
        await archive.putNew(bucket, key, body, options);
        body.fill(0);
        (await archive.get(bucket, key))!.body.fill(0);
        expect(new TextDecoder().decode((await archive.get(bucket, key))!.body)).toBe("before");
      });

      it.each(ODD_KEYS)("the key may be %j", async (odd) => {
        const key = `${fresh()}/${odd}`;
        expect(await archive.putNew(bucket, key, encoder.encode(odd), options)).toBe("stored");
        expect(await archive.putNew(bucket, key, encoder.encode("late"), options)).toBe("exists");
        expect(new TextDecoder().decode((await archive.get(bucket, key))!.body)).toBe(odd);
        expect(await keysIn(bucket, key)).toEqual([key]);
      });
    });

    describe("given an existing key", () => {
      it("every put returns `exists` and leaves bytes and metadata unchanged", async () => {
        const key = `${fresh()}/object`;
        await archive.putNew(bucket, key, encoder.encode("first"), { ...options, metadata: { by: "first" } });
        const before = await archive.get(bucket, key);
        for (const body of ["second", "first"]) {
          const late = { ...options, metadata: { by: "second" } };
          expect(await archive.putNew(bucket, key, encoder.encode(body), late)).toBe("exists");
        }
        expect(await archive.get(bucket, key)).toEqual(before);
      });

      it("of concurrent puts exactly one is stored, and reads return it", async () => {
        for (let round = 0; round < 5; round++) {
          const key = `${fresh()}/object`;
          const answers = await Promise.all(
            Array.from({ length: 8 }, (_, i) =>
              archive.putNew(bucket, key, encoder.encode(`body ${i}`), {
                ...options,
                metadata: { by: `${i}` },
              }),
            ),
          );
          expect(answers.filter((answer) => answer === "stored")).toHaveLength(1);
          const winner = answers.indexOf("stored");
          const got = await archive.get(bucket, key);
          expect(new TextDecoder().decode(got!.body)).toBe(`body ${winner}`);
          expect(got!.head.metadata).toEqual({ by: `${winner}` });
        }
      });
    });

    describe("given no such object", () => {
      it("get, open and head return undefined", async () => {
        const prefix = fresh();
        await archive.putNew(bucket, `${prefix}/object`, encoder.encode("x"), options);
        // Neither a prefix of a key nor a folder is an object.
        for (const key of [`${prefix}/objec`, `${prefix}/object/`, prefix, `${prefix}/`]) {
          expect(await archive.get(bucket, key)).toBeUndefined();
          expect(await archive.open(bucket, key)).toBeUndefined();
          expect(await archive.open(bucket, key, { ifMatch: '"any"' })).toBeUndefined();
          expect(await archive.head(bucket, key)).toBeUndefined();
        }
      });
    });

    describe("given a listing", () => {
      it("keys after `after`, at most `limit`, are in the order of their UTF-8 bytes", async () => {
        const prefix = fresh();
        const keys = ORDERED.map((key) => `${prefix}/${key}`);
        for (const key of keys.toReversed()) await archive.putNew(bucket, key, encoder.encode(key), options);
        expect(await keysIn(bucket, `${prefix}/`)).toEqual(keys);
        for (let i = 0; i < keys.length; i++)
          expect(await keysIn(bucket, `${prefix}/`, { after: keys[i]! })).toEqual(keys.slice(i + 1));
        expect(await keysIn(bucket, `${prefix}/`, { limit: 4 })).toEqual(keys.slice(0, 4));
        expect(await keysIn(bucket, `${prefix}/`, { after: keys[2]!, limit: 3 })).toEqual(keys.slice(3, 6));
        // A prefix is not a folder, and `after` need not exist.
        expect(await keysIn(bucket, `${prefix}/a/`)).toEqual([`${prefix}/a/`, `${prefix}/a/b`]);
        expect(await keysIn(bucket, `${prefix}/`, { after: `${prefix}/a.` })).toEqual(keys.slice(3));
      });

      it("an object has the ETag that get returns", async () => {
        const prefix = fresh();
        for (const name of ["a", "b"])
          await archive.putNew(bucket, `${prefix}/${name}`, encoder.encode(name), options);
        const etags = await Promise.all(
          ["a", "b"].map(async (name) => (await archive.get(bucket, `${prefix}/${name}`))!.head.etag),
        );
        const listed = await archive.list(bucket, `${prefix}/`);
        expect(listed.map(({ etag }) => etag)).toEqual(etags);
        expect(etags[0]).not.toBe(etags[1]);
      });

      it("of an empty prefix has no keys, although longer names begin with it", async () => {
        const prefix = fresh();
        await archive.putNew(bucket, `${prefix}0/object`, encoder.encode("x"), options);
        expect(await keysIn(bucket, `${prefix}/`)).toEqual([]);
        expect(await keysIn(bucket, prefix, { after: `${prefix}~` })).toEqual([]);
      });

      it("continues beyond S3's page size of 1,000 keys", async () => {
        const prefix = fresh();
        const keys = Array.from({ length: 1010 }, (_, i) => `${prefix}/0x${i.toString(16).padStart(8, "0")}`);
        for (let at = 0; at < keys.length; at += 100)
          await Promise.all(
            keys.slice(at, at + 100).map((key) => archive.putNew(bucket, key, new Uint8Array(0), options)),
          );
        expect(await keysIn(bucket, `${prefix}/`)).toEqual(keys);
        expect(await keysIn(bucket, `${prefix}/`, { after: keys[4]!, limit: 1003 })).toEqual(
          keys.slice(5, 1008),
        );
      }, 60_000);
    });

    describe("given the account that must own the bucket", () => {
      const calls: Record<string, (owned: BucketAddress, key: string) => Promise<unknown>> = {
        putNew: (owned, key) => archive.putNew(owned, `${key}-new`, encoder.encode("x"), options),
        head: (owned, key) => archive.head(owned, key),
        get: (owned, key) => archive.get(owned, key),
        open: async (owned, key) => gathered((await archive.open(owned, key))!.chunks),
        list: (owned, key) => archive.list(owned, key),
      };
      it.for(Object.keys(calls))(
        "%s succeeds for the owning account and is refused for another one",
        async (method, { skip }) => {
          const { owner } = subject();
          if (owner === undefined) return skip("no account that owns the buckets is configured");
          const key = `${fresh()}/object`;
          await archive.putNew(bucket, key, encoder.encode("x"), options);
          expect(await calls[method]!({ ...bucket, owner }, key)).toBeTruthy();
          await expectPermanent(calls[method]!({ ...bucket, owner: "999999999999" }, key), {
            code: "access-denied",
            resource: bucket.name,
          });
        },
      );
    });

    describe("given no such bucket", () => {
      const calls: Record<string, (missing: BucketAddress) => Promise<unknown>> = {
        putNew: (missing) => archive.putNew(missing, "key", encoder.encode("x"), options),
        get: (missing) => archive.get(missing, "key"),
        open: (missing) => archive.open(missing, "key"),
        list: (missing) => archive.list(missing, "prefix/"),
      };
      // S3's bucket names are global: this derived name does not exist.
      const missingBucket = () => ({ region: bucket.region, name: `${bucket.name}-missing` });
      it.each(Object.keys(calls))("%s fails with no-such-bucket and a hint", async (method) => {
        const missing = missingBucket();
        await expectPermanent(calls[method]!(missing), { code: "no-such-bucket", resource: missing.name });
      });

      it("head returns undefined or fails with no-such-bucket, since S3's response to HEAD has no body", async () => {
        const missing = missingBucket();
        const head = archive.head(missing, "key");
        if ((await head.catch(() => "refused")) !== undefined)
          await expectPermanent(head, { code: "no-such-bucket", resource: missing.name });
      });
    });
  });
}
