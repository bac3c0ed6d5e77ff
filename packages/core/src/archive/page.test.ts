import * as fc from "fast-check";
import { expect, test } from "vitest";
import { itemsArbitrary, oddJson } from "../testing/odd-json.ts";
import { itemKeyOf, lineSpans, readLine, toLines } from "./data-file.ts";
import { cutPage } from "./page.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

test("a Scan response with any formatting is split into its items, key and units", () => {
  const body = itemsArbitrary(6).map((Items) => ({
    Items,
    Count: Items.length,
    ScannedCount: Items.length,
    LastEvaluatedKey: { id: { S: "x" } },
    ConsumedCapacity: { CapacityUnits: 128.5, TableName: "t" },
  }));
  return fc.assert(
    fc.property(oddJson(body), ({ text }) => {
      const parsed = JSON.parse(text);
      const page = cutPage(encode(text));
      expect(page.items.map(({ start, end }) => JSON.parse(decode(page.body.subarray(start, end))))).toEqual(
        parsed.Items,
      );
      expect(page.lastEvaluatedKey).toEqual(parsed.LastEvaluatedKey);
      expect(page.units).toBe(128.5);
    }),
  );
});

test("items written as lines are read back byte for byte, except for line breaks in their white space", () => {
  const body = itemsArbitrary(6).map((Items) => ({ Items, Count: Items.length }));
  return fc.assert(
    fc.property(oddJson(body), ({ text }) => {
      const page = cutPage(encode(text));
      const file = toLines(page.body, page.items);
      const spans = lineSpans(file);
      expect(spans).toHaveLength(page.items.length);
      spans.forEach((span, i) => {
        const item = page.items[i]!;
        const line = readLine(file, span, "items");
        const before = decode(page.body.subarray(item.start, item.end));
        expect("put" in line && decode(line.put)).toBe(before.replace(/[\r\n]/g, " "));
        expect("put" in line && itemKeyOf(line.put, ["id"])).toEqual({ id: { S: `item-${i}` } });
        expect(JSON.parse(decode(file.subarray(span.start, span.end)))).toEqual({ Item: JSON.parse(before) });
      });
    }),
  );
});

test("a body whose Count is not the number of its items is refused", () => {
  expect(() => cutPage(encode('{"Items":[{"id":{"S":"a"}}],"Count":2}'))).toThrow("Count 2 but holds 1");
  expect(() => cutPage(encode('{"message":"oops"}'))).toThrow("holds 0 items");
});

test("a last key of null is treated as absent, since a scan after it would start again", () => {
  const page = cutPage(encode('{"Items":[],"Count":0,"LastEvaluatedKey":null}'));
  expect(page).not.toHaveProperty("lastEvaluatedKey");
});

test.each(['"ConsumedCapacity":null', '"ConsumedCapacity":{}', '"ScannedCount":0'])(
  "a body with %s consumed nothing",
  (member) => {
    expect(cutPage(encode(`{"Items":[],"Count":0,${member}}`)).units).toBe(0);
  },
);
