import { describe, expect, test } from "vitest";
import { decodeFiles, encodeFiles, type ManifestFile, total } from "./file-list.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const file = (n: number, change: Partial<Record<keyof ManifestFile, unknown>> = {}) =>
  ({
    itemCount: n,
    md5Checksum: "x".repeat(24),
    etag: '"e"',
    dataFileS3Key: `data/${n}`,
    ...change,
  }) as ManifestFile;

describe("the list of an archive's files", () => {
  test("has one line for each file, and is decoded to the same list", () => {
    const files = [file(0), file(1), file(2)];
    const bytes = encodeFiles(files);
    expect(new TextDecoder().decode(bytes)).toBe(files.map((one) => `${JSON.stringify(one)}\n`).join(""));
    expect(decodeFiles(bytes)).toEqual(files);
    expect(total(files)).toBe(3);
    expect(total([])).toBe(0);
    expect(encodeFiles([])).toHaveLength(0);
  });

  test("may contain empty lines, and may lack the last line feed", () => {
    expect(decodeFiles(encode(`\n${JSON.stringify(file(1))}\n \n${JSON.stringify(file(2))}`))).toEqual([
      file(1),
      file(2),
    ]);
    expect(decodeFiles(encode(""))).toEqual([]);
  });

  test("that lists a file twice is refused, and the error names the file", () => {
    expect(() => decodeFiles(encodeFiles([file(1), file(2), file(1)]))).toThrow(
      "the data file data/1 is listed twice",
    );
  });

  test.each([
    ["a count below 0", { itemCount: -1 }],
    ["a count that is not an integer", { itemCount: 1.5 }],
    ["a count that is a string", { itemCount: "1" }],
    ["an MD5 that is too short", { md5Checksum: "x".repeat(23) }],
    ["an MD5 that is too long", { md5Checksum: "x".repeat(25) }],
    ["no ETag", { etag: undefined }],
    ["an empty key", { dataFileS3Key: "" }],
    ["a key that is not a string", { dataFileS3Key: 7 }],
  ])("with %s is refused", (_, change) => {
    expect(() => decodeFiles(encodeFiles([file(1, change)]))).toThrow();
  });
});
