import { describe, expect, test } from "vitest";
import { itemKeyOf, LINE_OVERHEAD_BYTES, type LineKind, lineSpans, readLine, toLines } from "./data-file.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

function read(line: string, kind: LineKind) {
  const bytes = encode(line);
  const found = readLine(bytes, { start: 0, end: bytes.length }, kind);
  const keys = found.keys === undefined ? {} : { keys: decode(found.keys) };
  return "put" in found ? { put: decode(found.put), ...keys } : { remove: decode(found.remove), ...keys };
}

describe("a line of whole items", () => {
  test("is read as its item, with any white space", () => {
    expect(read('{"Item":{"a":{"N":"1.0"}}}', "items")).toEqual({ put: '{"a":{"N":"1.0"}}' });
    expect(read(' { "Item" : {"a": {"N":"1"} } }\r', "items")).toEqual({ put: '{"a": {"N":"1"} }' });
  });

  test.each([
    ['{"Keys":{"a":{"S":"k"}}}', "Keys, which belongs to incremental exports"],
    ['{"Item":{},"NewImage":{}}', "NewImage, which belongs to incremental exports"],
    ['{"Item":{},"Other":{}}', 'the unknown member "Other"'],
    ['{"Other":{}}', 'the unknown member "Other"'],
    ['{"Item":{},"Item":{}}', "Item twice"],
    ['{"Item":[]}', "Item is not an object"],
    ['{"Item":null}', "Item is not an object"],
    ["{}", "a line has no Item"],
    ['{"Item":{}}{"Item":{}}', "has more text after its object"],
    ['{"Item":{}} x', "has more text after its object"],
    ["[]", "JSON text has"],
  ])("%s is refused: %s", (line, message) => {
    expect(() => read(line, "items")).toThrow(SyntaxError);
    expect(() => read(line, "items")).toThrow(message);
  });
});

describe("a line of changes", () => {
  const keys = '{"a":{"S":"k"}}';

  test("with a new image is a put of it, with members in any order", () => {
    const line = `{ "Metadata": {"x":{"N":"1"}}, "NewImage" : {"a":{"S":"k"},"b":{"S":"new"}}, "Keys":${keys} }`;
    expect(read(line, "changes")).toEqual({ put: '{"a":{"S":"k"},"b":{"S":"new"}}', keys });
  });

  test("without a new image is a removal", () => {
    expect(read(`{"Keys":${keys},"OldImage":{"a":{"S":"k"},"b":{"S":"old"}}}`, "changes")).toEqual({
      remove: keys,
      keys,
    });
  });

  test.each([
    ['{"Item":{"a":{"S":"k"}}}', "Item, which belongs to whole items"],
    ['{"NewImage":{"a":{"S":"k"}}}', "a line has no Keys"],
    [`{"Keys":${keys},"Image":{}}`, 'the unknown member "Image"'],
    [`{"Keys":${keys},"Keys":${keys}}`, "Keys twice"],
  ])("%s is refused: %s", (line, message) => {
    expect(() => read(line, "changes")).toThrow(message);
  });
});

describe("lines", () => {
  const written = (body: string, ...items: string[]) => {
    const bounds = items.flatMap((item) => [body.indexOf(item), body.indexOf(item) + item.length]);
    return decode(toLines(encode(body), Uint32Array.from(bounds)));
  };

  test("are made from the items of a page, each with a line feed", () => {
    expect(written('[{"a":1}, {"b":2} ]', '{"a":1}', '{"b":2}')).toBe('{"Item":{"a":1}}\n{"Item":{"b":2}}\n');
    expect(LINE_OVERHEAD_BYTES).toBe('{"Item":}\n'.length);
    expect(written("[]")).toBe("");
  });

  test.each([
    ["a line feed", '{"a":\n1}', '{"Item":{"a": 1}}\n'],
    ["a carriage return", '{"a":\r1}', '{"Item":{"a": 1}}\n'],
    ["both line breaks", '{\r\n"a"\n:1\r}', '{"Item":{  "a" :1 }}\n'],
  ])("have a space instead of %s in an item", (_, item, line) => {
    expect(written(`[${item}]`, item)).toBe(line);
  });

  test("of a file are found without their line feeds; empty lines are skipped", () => {
    const found = (file: string) => lineSpans(encode(file)).map(({ start, end }) => file.slice(start, end));
    expect(found("")).toEqual([]);
    expect(found("\n\n")).toEqual([]);
    expect(found("a\nbc\n")).toEqual(["a", "bc"]);
    expect(found("\na\n\nbc")).toEqual(["a", "bc"]);
  });
});

describe("the key of an item", () => {
  const item = '{ "x":{"S":"y"}, "at":{"N":"1.0"}, "id":{"S":"a"} }';

  test("has only the key attributes, as they are written", () => {
    expect(itemKeyOf(encode(item), ["id"])).toEqual({ id: { S: "a" } });
    expect(JSON.stringify(itemKeyOf(encode(item), ["id", "at"]))).toBe('{"id":{"S":"a"},"at":{"N":"1.0"}}');
  });

  test("with a missing attribute is an error that names the attribute", () => {
    expect(() => itemKeyOf(encode(item), ["id", "sk"])).toThrow(
      new SyntaxError("an item has no key attribute sk"),
    );
  });
});
