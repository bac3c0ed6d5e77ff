import { describe, expect, test } from "vitest";
import type { Block } from "../archive/blocks.ts";
import { type LineKind, lineSpans, readLine } from "../archive/data-file.ts";
import { type FerryError, permanent } from "../errors.ts";
import { type CheckedFile, openLineCheck, refusedLines } from "./line-check.ts";

const bucket = { region: "eu-central-1", name: "archives" };
const key = "exports/data/a.json.gz";
const keys = [{ name: "id", type: "S" }];
const encode = (text: string) => new TextEncoder().encode(text);
const item = (id: string, more = "") => `{"Item":{"id":{"S":"${id}"}${more}}}`;
const change = (id: string, image?: string) =>
  `{"Keys":{"id":{"S":"${id}"}}${image === undefined ? "" : `,"NewImage":${image}`}}`;

/** Blocks of these lines, numbered one after the other. */
function blocksOf(blocks: readonly (readonly string[])[]): Block[] {
  let firstLine = 0;
  return blocks.map((lines) => {
    const block = { bytes: encode(lines.join("\n")), firstLine, lines: lines.length };
    firstLine += lines.length;
    return block;
  });
}

/** What the check of a file says of it. `again`: the file as it is read once more. */
async function checked(
  blocks: readonly (readonly string[])[],
  { kind = "items" as LineKind, again = blocks }: { kind?: LineKind; again?: typeof blocks } = {},
) {
  const file: CheckedFile = {
    ...{ bucket, key, kind, keys, items: 100 },
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
const about = { kind: "permanent", operation: "read data file", resource };

describe("the lines of a data file", () => {
  test("pass where their keys are the table's and no two are alike", async () => {
    expect(await checked([[item("a"), item("b")], [item("c")]])).toBeUndefined();
    const changes = [change("a"), change("b", '{"v":{"N":"1"},"id":{"S":"b"}}')];
    expect(await checked([changes], { kind: "changes" })).toBeUndefined();
  });

  test("are refused where one is there twice, in whatever blocks: both are named", async () => {
    expect(
      await checked([
        [item("a"), item("b")],
        [item("c"), item("d")],
        [item("e"), item("d")],
      ]),
    ).toMatchObject({
      ...about,
      code: "duplicate-key",
      message: "lines 4 and 6 have one key, and no archive has two lines of one key.",
      hint: expect.stringContaining("restore from another backup"),
    });
  });

  test.each([
    ["of other attributes", item("a", ',"v":{"N":"1"}')],
    ["of as many bytes", item("a", ',"v":{"N":"3"}')],
    ["of the same attributes in another order", '{"Item":{"v":{"N":"2"},"id":{"S":"a"}}}'],
  ])("are refused where two items %s have one key: the table's keys are others", async (_, other) => {
    expect(await checked([[item("a", ',"v":{"N":"2"}'), other]])).toMatchObject({
      ...about,
      code: "key-schema-mismatch",
      message: "lines 1 and 2 are two items with one key of the table: the table's keys are id (S).",
      hint: expect.stringContaining("key schema that it had"),
    });
  });

  test("that are changes are refused as duplicates, also where they say different things", async () => {
    const twice = [change("a"), change("a", '{"id":{"S":"a"},"v":{"N":"1"}}')];
    expect(await checked([twice], { kind: "changes" })).toMatchObject({
      code: "duplicate-key",
      message: expect.stringContaining("lines 1 and 2 "),
    });
  });

  test("are refused where a line with the same key is gone when it is read again", async () => {
    const lines = [[item("a")], [item("b"), item("b")]];
    expect(await checked(lines, { again: [[item("a")]] })).toMatchObject({
      ...about,
      code: "corrupt-file",
      message: "had a line 2 and has none any more.",
    });
  });

  test.each<[string, LineKind, string, { code?: string; message: RegExp }]>([
    ["no key", "items", '{"Item":{"x":{"S":"a"}}}', { message: /^line 2 has no key attribute id \(S\): / }],
    [
      "another number of keys",
      "changes",
      '{"Keys":{"id":{"S":"a"},"at":{"N":"1"}},"NewImage":{"id":{"S":"a"},"at":{"N":"1"}}}',
      { message: /^line 2 names the keys id, at where the table has id \(S\): / },
    ],
    [
      "an image of another key",
      "changes",
      change("a", '{"id":{"S":"c"}}'),
      {
        code: "corrupt-file",
        message: /^holds line 2, which cannot be read: its NewImage has another key than its Keys\.$/,
      },
    ],
    ["half of it", "items", '{"Item":', { code: "corrupt-file", message: /^holds line 2, which cannot be/ }],
  ])("are refused where one of them has %s: it is named", async (_, kind, line, { message, ...expected }) => {
    const first = kind === "items" ? item("first") : change("first");
    const error = await checked([[first], [line]], { kind });
    expect(error).toMatchObject({ ...about, code: "key-schema-mismatch", ...expected });
    expect(error!.message).toMatch(message);
  });
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
  const refused = (...texts: string[]) => refusedLines(error, { bucket, key, keys }, 51, lines(...texts));

  test("are named where two have one key", () => {
    expect(refused(item("a"), item("b"), item("c"), item("b"))).toMatchObject({
      ...about,
      code: "duplicate-key",
      message: expect.stringContaining("lines 52 and 54 have one key"),
    });
    expect(refused(change("a"), change("b"), change("b"))).toMatchObject({
      message: expect.stringContaining("lines 52 and 53 have one key"),
    });
  });

  test("are named where one has no key of the table", () => {
    expect(refused(item("a"), '{"Item":{"x":{"S":"y"}}}')).toMatchObject({
      ...about,
      code: "key-schema-mismatch",
      message: "line 52 has no key attribute id (S): the table's keys are id (S).",
    });
  });

  test("are all named where their keys do not tell which is at fault", () => {
    const named = refused(item("a"), item("b"), item(""));
    expect(named).toMatchObject({
      kind: "permanent",
      code: "invalid-request",
      operation: "BatchWriteItem",
      resource: "table copies",
      message: `refused lines 51 to 53 of ${resource}: One of the values is empty.`,
      hint: "See the message.",
    });
    expect((named as Error).cause).toBe(error);
  });

  test("are not looked at where the error is another", () => {
    const others = [new Error("socket hang up"), permanent("access-denied", failed)];
    for (const other of others)
      expect(refusedLines(other, { bucket, key, keys }, 1, lines(item("a"), item("a")))).toBe(other);
  });

  test("that cannot be read are a fault of Ferry's own", () => {
    const broken = [{ put: encode('{"id":') }];
    expect(() => refusedLines(error, { bucket, key, keys }, 1, broken)).toThrow(SyntaxError);
  });
});
