import { md5, memoryPorts } from "@ferry/memory/ports";
import { expect, test } from "vitest";
import { fingerprintOf, readFingerprint, requireUnchanged, type StoredObject } from "./fingerprint.ts";

const bucket = { region: "eu-central-1", name: "archives" };
const stored = (text: string, etag: string): StoredObject => ({
  body: new TextEncoder().encode(text),
  head: { metadata: {}, etag, sizeBytes: text.length },
});
const planned = fingerprintOf(stored("monday", '"1"'), md5);
const read = (found: StoredObject | undefined) => () => requireUnchanged(bucket, "p/x", planned, found, md5);

test("an unchanged object is returned", () => {
  expect(read(stored("monday", '"1"'))()).toEqual(stored("monday", '"1"'));
});

const textOf = (text: string, etag: string) =>
  `MD5 ${md5(new TextEncoder().encode(text))} and ETag "${etag}"`;

test.each([
  ["other bytes under the same ETag", stored("tuesday", '"1"'), `now has ${textOf("tuesday", "1")}`],
  ["the same bytes, written again", stored("monday", '"2"'), `now has ${textOf("monday", "2")}`],
  ["a missing object", undefined, "no longer exists"],
])("%s is error", (_, found, message) => {
  const error = {
    kind: "permanent",
    code: "archive-changed",
    operation: "read archive",
    resource: "s3://archives/p/x",
    message: expect.stringContaining(
      `had ${textOf("monday", "1")} and ${message}: the archive changed after the restore was planned.`,
    ),
  };
  expect(read(found)).toThrow(expect.objectContaining(error));
});

test("the fingerprint of a stored object does not need it in memory, and is that of its bytes", async () => {
  const ports = memoryPorts();
  ports.archive.createBucket(bucket);
  const body = new Uint8Array(200_000).fill(7);
  ports.archive.store(bucket, "p/x", body);
  const missing = () => new Error("missing");
  const archive = { ...ports.archive, get: () => Promise.reject(new Error("it was read whole")) };
  const found = await readFingerprint(bucket, "p/x", missing, { ...ports, archive });
  expect(found).toEqual(fingerprintOf((await ports.archive.get(bucket, "p/x"))!, md5));
  await expect(readFingerprint(bucket, "p/y", missing, ports)).rejects.toThrow("missing");
});
