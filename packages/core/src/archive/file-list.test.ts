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
  test("has a line for each, and is read back as it was", () => {
    const files = [file(0), file(1), file(2)];
    const bytes = encodeFiles(files);
    expect(new TextDecoder().decode(bytes)).toBe(files.map((one) => `${JSON.stringify(one)}\n`).join(""));
    expect(decodeFiles(bytes)).toEqual(files);
    expect(total(files)).toBe(3);
    expect(total([])).toBe(0);
    expect(encodeFiles([])).toHaveLength(0);
  });

  test("is read with empty lines, and without a last line feed", () => {
    expect(decodeFiles(encode(`\n${JSON.stringify(file(1))}\n \n${JSON.stringify(file(2))}`))).toEqual([
      file(1),
      file(2),
    ]);
    expect(decodeFiles(encode(""))).toEqual([]);
  });

  test("with a file that is there twice is refused, and the file named", () => {
    expect(() => decodeFiles(encodeFiles([file(1), file(2), file(1)]))).toThrow(
      "the data file data/1 is listed twice",
    );
  });

  test.each([
    ["a count below 0", { itemCount: -1 }],
    ["a count that is not whole", { itemCount: 1.5 }],
    ["a count that is a text", { itemCount: "1" }],
    ["an MD5 that is too short", { md5Checksum: "x".repeat(23) }],
    ["an MD5 that is too long", { md5Checksum: "x".repeat(25) }],
    ["no ETag", { etag: undefined }],
    ["an empty key", { dataFileS3Key: "" }],
    ["a key that is no text", { dataFileS3Key: 7 }],
  ])("with %s is refused", (_, change) => {
    expect(() => decodeFiles(encodeFiles([file(1, change)]))).toThrow();
  });
});
