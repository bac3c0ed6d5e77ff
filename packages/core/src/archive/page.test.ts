import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyString } from "../testing/any-string.ts";
import { itemsArbitrary, oddJson } from "../testing/odd-json.ts";
import { itemTexts } from "../testing/page-items.ts";
import { itemKeyOf, lineSpans, readLine, toLines } from "./data-file.ts";
import { cutPage, lastKeyAtEnd } from "./page.ts";

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
      expect(itemTexts(page).map((text) => JSON.parse(text))).toEqual(parsed.Items);
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
      const file = toLines(page.body, page.bounds);
      const spans = lineSpans(file);
      expect(spans).toHaveLength(page.count);
      spans.forEach((span, i) => {
        const before = itemTexts(page)[i]!;
        const line = readLine(file, span, "items");
        expect("put" in line && decode(line.put)).toBe(before.replace(/[\r\n]/g, " "));
        expect("put" in line && itemKeyOf(line.put, ["id"])).toEqual({ id: { S: `item-${i}` } });
        expect(JSON.parse(decode(file.subarray(span.start, span.end)))).toEqual({ Item: JSON.parse(before) });
      });
    }),
  );
});

test("pages of any number of items are split, in any order, and a page keeps its bounds when the next one is cut", () => {
  const pages = [3, 1500, 20, 5000, 100].map((count) => {
    const texts = Array.from({ length: count }, (_, n) => `{"id":{"N":"${n}"},"of":{"N":"${count}"}}`);
    return { texts, page: cutPage(encode(`{"Items":[${texts.join(",")}],"Count":${count}}`)) };
  });
  for (const { texts, page } of pages) expect(itemTexts(page)).toEqual(texts);
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

describe("the last key at the end of a response", () => {
  const keys = fc.dictionary(
    fc.constantFrom("id", "LastEvaluatedKey", 'x"LastEvaluatedKey', "\u0001", "naïve"),
    fc.record({ S: anyString(0) }),
    { minKeys: 1, maxKeys: 2 },
  );
  const members = fc.record(
    {
      Items: fc.array(
        fc.oneof(
          keys,
          fc.record({ LastEvaluatedKey: fc.record({ M: keys }) }),
          fc.record({ note: fc.record({ S: fc.constant('"LastEvaluatedKey":{"id":{"S":"a"}}}') }) }),
        ),
        { maxLength: 3 },
      ),
      LastEvaluatedKey: fc.oneof(keys, fc.constant(null)),
      ConsumedCapacity: fc.constant({ CapacityUnits: 1 }),
      ScannedCount: fc.nat(),
    },
    { requiredKeys: ["Items"] },
  );

  test("is the one that is found from the start, or is not found", () =>
    fc.assert(
      fc.property(members, fc.infiniteStream(fc.nat()), (values, order) => {
        const names = Object.entries({ ...values, Count: values.Items.length });
        const shuffled = names
          .map((member) => ({ member, at: order.next().value }))
          .sort((a, b) => a.at - b.at);
        const body = encode(JSON.stringify(Object.fromEntries(shuffled.map(({ member }) => member))));
        const key = lastKeyAtEnd(body);
        if (key !== undefined) expect(key).toEqual(cutPage(body).lastEvaluatedKey);
      }),
    ));

  test("is found in a response as DynamoDB writes it, behind any number of items", () => {
    const items = `{"id":{"S":"${"é".repeat(20_000)}"}}`;
    for (const id of ["é", "x".repeat(2048)]) {
      const text = `{"Count":1,"Items":[${items}],"LastEvaluatedKey":{"id":{"S":"${id}"}},"ScannedCount":1}`;
      expect(lastKeyAtEnd(encode(text))).toEqual({ id: { S: id } });
    }
  });

  test("is not that of an item, or a text", () => {
    const member = '"LastEvaluatedKey":{"M":{"id":{"S":"a"}}}';
    const text = JSON.stringify({ S: '"LastEvaluatedKey":{"id":{"S":"a"}}' });
    for (const item of [`{${member}}`, `{"id":${text}}`, `{"id":{"M":{${member}}}}`])
      expect(lastKeyAtEnd(encode(`{"Count":1,"Items":[${item}],"ScannedCount":1}`))).toBeUndefined();
  });

  test("of null is absent", () => {
    expect(lastKeyAtEnd(encode('{"Items":[],"Count":0,"LastEvaluatedKey":null}'))).toBeUndefined();
  });
});
