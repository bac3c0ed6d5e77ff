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

test.each([
  ["other bytes under the same ETag", stored("tuesday", '"1"')],
  ["the same bytes, written again", stored("monday", '"2"')],
  ["nothing", undefined],
])("%s is refused", (_, found) => {
  expect(read(found)).toThrow(expect.objectContaining({ code: "archive-changed", kind: "permanent" }));
});
