import { md5 } from "@ferry/memory/ports";
import { expect, test } from "vitest";
import { fingerprintOf, requireUnchanged, type StoredObject } from "./fingerprint.ts";

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
