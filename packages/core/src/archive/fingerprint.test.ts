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

test("an object that is the same is returned", () => {
  expect(read(stored("monday", '"1"'))()).toEqual(stored("monday", '"1"'));
});

const of = (text: string, etag: string) => `MD5 ${md5(new TextEncoder().encode(text))} and ETag "${etag}"`;

test.each([
  ["other bytes under the same ETag", stored("tuesday", '"1"'), `has ${of("tuesday", "1")} now`],
  ["the same bytes, written again", stored("monday", '"2"'), `has ${of("monday", "2")} now`],
  ["nothing", undefined, "does not exist any more"],
])("%s is refused", (_, found, message) => {
  const refused = {
    kind: "permanent",
    code: "archive-changed",
    operation: "read archive",
    resource: "s3://archives/p/x",
    message: `had ${of("monday", "1")} and ${message}: the archive changed after the restore was planned.`,
  };
  expect(read(found)).toThrow(expect.objectContaining(refused));
});
