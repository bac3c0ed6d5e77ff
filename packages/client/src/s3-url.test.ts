import { expect, test } from "vitest";
import { parseS3Url, s3Url } from "./s3-url.ts";

test.each([
  ["s3://archives", { bucket: "archives", prefix: "" }],
  ["s3://archives/", { bucket: "archives", prefix: "" }],
  ["s3://archives/a/b/", { bucket: "archives", prefix: "a/b" }],
  ["s3://archives/{table}/{date}", { bucket: "archives", prefix: "{table}/{date}" }],
])("%s is read", (url, place) => {
  expect(parseS3Url(url)).toEqual(place);
  expect(parseS3Url(s3Url(place))).toEqual(place);
});

test.each([
  ["archives/a", "it does not start with s3://"],
  ["https://archives.s3.amazonaws.com/a", "it does not start with s3://"],
  ["s3:///a", "it names no bucket"],
  ["s3://Archives/a", "Archives is not a bucket name"],
])("%s is refused, with the reason", (url, reason) => {
  expect(() => parseS3Url(url)).toThrow(reason);
});
