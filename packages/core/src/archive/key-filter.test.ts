import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { KeyRange, KeySelection, KeyValue, Only } from "../request/only.ts";
import { oddJson } from "../testing/odd-json.ts";
import { onlyMismatch, openKeyFilter } from "./key-filter.ts";
import type { KeyType } from "./key-value.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const keys = [
  { name: "pk", type: "S" },
  { name: "sk", type: "N" },
] as const;
const selects = (only: Only, item: string, schema: readonly { name: string; type: string }[] = keys) =>
  openKeyFilter(only, schema)(encode(item));

/** Few values, so that selections match, in several spellings, with bytes of every kind. */
const values: Readonly<Record<KeyType, readonly (readonly string[])[]>> = {
  S: [["a"], ["a\u0000"], ["ключ"], ["\u{1f600}"], ["\uffff"], ['"\\'], ["1"], ["1.0"]],
  N: [
    ["1", "1.0", "10e-1", "+01"],
    ["-1", "-1.00"],
    ["0", "-0"],
    ["12345678901234567890123456789012345678"],
    ["1E-130"],
  ],
  B: [["AQ=="], ["AQA="], ["AQAA"], ["/w=="], ["+/8="]],
};
/** A value's place in `values`, and its spelling. */
const spelled = (type: KeyType) =>
  fc
    .tuple(fc.nat(values[type].length - 1), fc.nat(9))
    .map(([at, spelling]) => ({ at, text: values[type][at]![spelling % values[type][at]!.length]! }));

/** The places of each type's values in DynamoDB's order. */
const order: Readonly<Record<KeyType, readonly number[]>> = {
  S: values.S.map((_, at) => at).sort((a, b) =>
    Buffer.compare(Buffer.from(values.S[a]![0]!), Buffer.from(values.S[b]![0]!)),
  ),
  N: [1, 2, 4, 0, 3],
  B: values.B.map((_, at) => at).sort((a, b) =>
    Buffer.compare(Buffer.from(values.B[a]![0]!, "base64"), Buffer.from(values.B[b]![0]!, "base64")),
  ),
};

describe("the filter", () => {
  test("selects exactly the items that a filter over parsed items selects", () => {
    const type = fc.constantFrom<KeyType>("S", "N", "B");
    const names = fc.uniqueArray(fc.constantFrom("pk", "a b", "ключ", "\u{1f600}", "Item", "constructor"), {
      minLength: 2,
      maxLength: 2,
    });
    const scenario = fc.tuple(names, type, type).chain(([[hash, sort], hashType, sortType]) =>
      fc.record({
        hash: fc.constant({ name: hash!, type: hashType }),
        sort: fc.constant({ name: sort!, type: sortType }),
        selections: fc.array(
          fc.record({
            hash: spelled(hashType),
            kind: fc.constantFrom("all", "one", "from", "to", "between"),
            ends: fc.tuple(spelled(sortType), spelled(sortType)),
          }),
          { minLength: 1, maxLength: 4 },
        ),
        items: fc.array(fc.tuple(spelled(hashType), spelled(sortType), fc.infiniteStream(fc.nat(99))), {
          maxLength: 20,
        }),
      }),
    );
    return fc.assert(
      fc.property(scenario, ({ hash, sort, selections, items }) => {
        const place = (at: number) => order[sort.type].indexOf(at);
        const value = (kind: KeyType, { text }: { text: string }) => ({ [kind]: text }) as KeyValue;
        const only = selections.map(({ hash: wanted, kind, ends: [a, b] }): KeySelection => {
          const range: KeyRange = {
            ...(kind !== "to" && { from: value(sort.type, a) }),
            ...(kind !== "from" && { to: value(sort.type, b) }),
          };
          return {
            ...(kind !== "all" && { [sort.name]: kind === "one" ? value(sort.type, a) : range }),
            [hash.name]: value(hash.type, wanted),
          };
        });
        const isSelected = openKeyFilter(only, [hash, sort]);
        for (const [h, s] of items) {
          const expected = selections.some(({ hash: wanted, kind, ends: [a, b] }) => {
            if (wanted.at !== h.at) return false;
            if (kind === "all") return true;
            if (kind === "one") return s.at === a.at;
            return (
              (kind === "to" || place(s.at) >= place(a.at)) && (kind === "from" || place(s.at) <= place(b.at))
            );
          });
          const [written] = fc.sample(
            oddJson(
              fc.constant({
                x: { S: 'pk":{"S":"a"}' },
                [hash.name]: { [hash.type]: h.text },
                deep: { M: { [hash.name]: { S: "a" } } },
                [sort.name]: { [sort.type]: s.text },
              }),
            ),
            1,
          );
          expect(isSelected(encode(`${written!.text}}`))).toBe(expected);
        }
      }),
    );
  });

  test("reads an item no further than its key", () => {
    const only = [{ pk: { S: "a" } }];
    expect(selects(only, '{"pk":{"S":"a"},broken')).toBe(true);
    expect(selects(only, '{"x":[1,{"y":"}"}],"pk":{"S":"b"},broken')).toBe(false);
    expect(() => selects(only, '{broken,"pk":{"S":"a"}}')).toThrow(SyntaxError);
  });

  test.each([
    ["{}", "it has no key attribute pk (S)"],
    ['{"sk":{"N":"1"}}', "it has no key attribute pk (S)"],
    ['{"pk":{"N":"1"}}', "it has the key attribute pk of type N, but the table's is of type S"],
    ['{"pk":{"S":"a"}}', "it has no key attribute sk (N)"],
    ['{"pk":{"S":"a"},"sk":{"N":"x"}}', '"x" is not a number'],
  ])("of %s is an error", (item, message) => {
    expect(() => selects([{ pk: { S: "a" }, sk: { from: { N: "1" } } }], item)).toThrow(
      new SyntaxError(message),
    );
  });

  test("an attribute inside a value is not a key", () => {
    const only = [{ pk: { S: "a" } }];
    expect(selects(only, '{"m":{"M":{"pk":{"S":"a"}}},"pk":{"S":"b"}}')).toBe(false);
    expect(selects(only, '{"s":{"S":"\\"pk\\":{\\"S\\":\\"a\\"}"},"pk":{"S":"b"}}')).toBe(false);
  });

  test("a partition key that is selected whole includes what another selection selects of it", () => {
    const only = [{ pk: { S: "a" }, sk: { N: "1" } }, { pk: { S: "a" } }, { pk: { S: "a" }, sk: { N: "2" } }];
    expect(selects(only, '{"pk":{"S":"a"},"sk":{"N":"3"}}')).toBe(true);
  });
});

describe("a selection that does not fit the table's keys is named", () => {
  const has = "; the table's keys are pk (S), sk (N)";
  test.each<[Only, string]>([
    [
      [{ pk: { S: "a" } }, { sk: { N: "1" } }],
      `only[1] has no value of the partition key pk: got {"sk":{"N":"1"}}${has}`,
    ],
    [[{ pk: { S: "a" }, other: { S: "b" } }], `only[0] has other, which is not a key attribute${has}`],
    [[{ pk: { N: "1" } }], `only[0] has pk of type N, but the table's is of type S${has}`],
    [
      [{ pk: { S: "a" }, sk: { from: { N: "1" }, to: { S: "2" } } }],
      `only[0] has sk of type S, but the table's is of type N${has}`,
    ],
    [
      [{ pk: { from: { S: "a" } }, sk: { N: "1" } }],
      `only[0] has a range of pk, but a partition key must have one value${has}`,
    ],
  ])("%j", (only, message) => {
    expect(onlyMismatch(only, keys)).toBe(message);
  });

  test("others fit", () => {
    expect(
      onlyMismatch([{ pk: { S: "a" } }, { sk: { to: { N: "1" } }, pk: { S: "a" } }], keys),
    ).toBeUndefined();
    expect(onlyMismatch([{ pk: { S: "a" }, sk: { N: "1" } }], [keys[0]])).toContain(
      "sk, which is not a key attribute",
    );
  });
});
