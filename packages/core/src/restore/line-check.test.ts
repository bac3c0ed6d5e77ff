import { describe, expect, test } from "vitest";
import type { Block } from "../archive/blocks.ts";
import { type LineKind, lineSpans, readLine } from "../archive/data-file.ts";
import { type FerryError, permanent } from "../errors/errors.ts";
import { type CheckedFile, openLineCheck, refusedLines } from "./line-check.ts";

const bucket = { region: "eu-central-1", name: "archives" };
const key = "exports/data/a.json.gz";
const keys = [{ name: "id", type: "S" }];
const encode = (text: string) => new TextEncoder().encode(text);
const item = (id: string, more = "") => `{"Item":{"id":{"S":"${id}"}${more}}}`;
const change = (id: string, image?: string) =>
  `{"Keys":{"id":{"S":"${id}"}}${image === undefined ? "" : `,"NewImage":${image}`}}`;

/** Blocks of these lines, numbered consecutively. */
function blocksOf(blocks: readonly (readonly string[])[]): Block[] {
  let firstLine = 0;
  return blocks.map((lines) => {
    const bytes = encode(lines.join("\n"));
    const ends = Uint32Array.from(lineSpans(bytes), ({ end }) => end);
    const block = { bytes, firstLine, lines: lines.length, ends, memory: bytes };
    firstLine += lines.length;
    return block;
  });
}

/** The error that the check of a file throws. `again`: the content of the second read. */
async function checked(
  blocks: readonly (readonly string[])[],
  { kind = "items" as LineKind, again = blocks }: { kind?: LineKind; again?: typeof blocks } = {},
) {
  const file: CheckedFile = {
    bucket,
    key,
    kind,
    keys,
    items: 100,
    async *reread() {
      yield* blocksOf(again);
    },
  };
  const check = openLineCheck(file);
  try {
    for (const block of blocksOf(blocks)) await check(block);
  } catch (error) {
    return error as FerryError;
  }
  return undefined;
}

const resource = `s3://archives/${key}`;
const fileError = { kind: "permanent", operation: "read data file", resource };

describe("the lines of a data file", () => {
  test("pass if their keys match the table's and are distinct", async () => {
    expect(await checked([[item("a"), item("b")], [item("c")]])).toBeUndefined();
    const changes = [change("a"), change("b", '{"v":{"N":"1"},"id":{"S":"b"}}')];
    expect(await checked([changes], { kind: "changes" })).toBeUndefined();
  });

  test("are refused if a line occurs twice, in any blocks, and the error names both", async () => {
    expect(
      await checked([
        [item("a"), item("b")],
        [item("c"), item("d")],
        [item("e"), item("d")],
      ]),
    ).toMatchObject({
      ...fileError,
      code: "duplicate-key",
      message:
        "Lines 4 and 6 of s3://archives/exports/data/a.json.gz have the same key, but each key may occur only once in an archive.",
      hint: expect.stringContaining("restore from another backup"),
    });
  });

  test.each([
    ["with different attributes", item("a", ',"v":{"N":"1"}')],
    ["of the same size", item("a", ',"v":{"N":"3"}')],
    ["with attributes in another order", '{"Item":{"v":{"N":"2"},"id":{"S":"a"}}}'],
  ])("are refused with a key schema mismatch if two items %s have the same key", async (_, other) => {
    expect(await checked([[item("a", ',"v":{"N":"2"}'), other]])).toMatchObject({
      ...fileError,
      code: "key-schema-mismatch",
      message:
        "Lines 1 and 2 of s3://archives/exports/data/a.json.gz are different items with the same key in the table: the table's keys are id (S).",
      hint: expect.stringContaining("with that key schema"),
    });
  });

  test("that are changes are refused as duplicates even if the changes differ", async () => {
    const twice = [change("a"), change("a", '{"id":{"S":"a"},"v":{"N":"1"}}')];
    expect(await checked([twice], { kind: "changes" })).toMatchObject({
      code: "duplicate-key",
      message: expect.stringContaining("Lines 1 and 2 "),
    });
  });

  test("are refused if the earlier line is missing in the second read", async () => {
    const lines = [[item("a")], [item("b"), item("b")]];
    expect(await checked(lines, { again: [[item("a")]] })).toMatchObject({
      ...fileError,
      code: "corrupt-file",
      message: expect.stringContaining("had a line 2, but no longer has it."),
    });
  });

  test.each<[string, LineKind, string, { code?: string; message: RegExp }]>([
    [
      "no key",
      "items",
      '{"Item":{"x":{"S":"a"}}}',
      { message: /^Line 2 of s3:\S+ has no key attribute id \(S\): / },
    ],
    [
      "another number of keys",
      "changes",
      '{"Keys":{"id":{"S":"a"},"at":{"N":"1"}},"NewImage":{"id":{"S":"a"},"at":{"N":"1"}}}',
      { message: /^Line 2 of s3:\S+ has the keys id, at, but the table has id \(S\): / },
    ],
    [
      "an image of another key",
      "changes",
      change("a", '{"id":{"S":"c"}}'),
      {
        code: "corrupt-file",
        message: /^s3:\S+ holds line 2, which cannot be read: the keys in its NewImage and Keys differ\.$/,
      },
    ],
    [
      "truncated JSON",
      "items",
      '{"Item":',
      { code: "corrupt-file", message: /^s3:\S+ holds line 2, which cannot be/ },
    ],
  ])(
    "are refused if one of them has %s, and the error names it",
    async (_, kind, line, { message, ...expected }) => {
      const first = kind === "items" ? item("first") : change("first");
      const error = await checked([[first], [line]], { kind });
      expect(error).toMatchObject({ ...fileError, code: "key-schema-mismatch", ...expected });
      expect(error!.message).toMatch(message);
    },
  );
});

describe("the lines of a call that the table refused", () => {
  const failed = {
    operation: "BatchWriteItem",
    resource: "table copies",
    message: "One of the values is empty.",
    hint: "See the message.",
  };
  const error = permanent("invalid-request", failed);
  const lines = (...texts: string[]) =>
    texts.map((text) => {
      const bytes = encode(text);
      return readLine(bytes, lineSpans(bytes)[0]!, "Keys" in JSON.parse(text) ? "changes" : "items");
    });
  const errorFor = (...texts: string[]) => {
    const numbers = texts.map((_, i) => 51 + i);
    return refusedLines(error, { bucket, key, keys }, numbers, lines(...texts));
  };

  test("are named if two have the same key", () => {
    expect(errorFor(item("a"), item("b"), item("c"), item("b"))).toMatchObject({
      ...fileError,
      code: "duplicate-key",
      message: expect.stringContaining(
        "Lines 52 and 54 of s3://archives/exports/data/a.json.gz have the same key",
      ),
    });
    expect(errorFor(change("a"), change("b"), change("b"))).toMatchObject({
      message: expect.stringContaining(
        "Lines 52 and 53 of s3://archives/exports/data/a.json.gz have the same key",
      ),
    });
  });

  test("are named by their own numbers if lines between them are not restored", () => {
    expect(
      refusedLines(error, { bucket, key, keys }, [3, 7, 90], lines(item("a"), item("b"), item("a"))),
    ).toMatchObject({
      message: expect.stringContaining(
        "Lines 3 and 90 of s3://archives/exports/data/a.json.gz have the same key",
      ),
    });
  });

  test("are named if one does not have the table's keys", () => {
    expect(errorFor(item("a"), '{"Item":{"x":{"S":"y"}}}')).toMatchObject({
      ...fileError,
      code: "key-schema-mismatch",
      message:
        "Line 52 of s3://archives/exports/data/a.json.gz has no key attribute id (S): the table's keys are id (S).",
    });
  });

  test("are all named if their keys do not show which one is invalid", () => {
    const named = errorFor(item("a"), item("b"), item(""));
    expect(named).toMatchObject({
      kind: "permanent",
      code: "invalid-request",
      operation: "BatchWriteItem",
      resource: "table copies",
      message: `The table refused lines 51 to 53 of ${resource}: One of the values is empty.`,
      hint: "See the message.",
    });
    expect((named as Error).cause).toBe(error);
  });

  test("are not checked for any other error", () => {
    const others = [new Error("socket hang up"), permanent("access-denied", failed)];
    for (const other of others)
      expect(refusedLines(other, { bucket, key, keys }, [1, 2], lines(item("a"), item("a")))).toBe(other);
  });

  test("that cannot be read cause a SyntaxError, since they were read before", () => {
    const broken = [{ put: encode('{"id":') }];
    expect(() => refusedLines(error, { bucket, key, keys }, [1], broken)).toThrow(SyntaxError);
  });
});
