/**
 * What every host of the port TableData holds to.
 */
import { cutPage, type Page } from "@ferry/core/archive/page";
import type { DynamoKey, KeyNames } from "@ferry/core/events";
import type { ScanPage, TableAddress, TableData, Write } from "@ferry/core/ports";
import { expectPermanent } from "@ferry/core/testing/refused";
import type { KeyAttributes } from "@ferry/memory/item-key";
import { valuesOf } from "@ferry/memory/item-values";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { oddItems } from "./odd-items.ts";

export interface TablesSubject {
  readonly tables: TableData;
  readonly region: string;
  /** `bytes` where an item comes back as the bytes it went in, `values` where the engine writes it anew. */
  readonly keeps: "bytes" | "values";
  /** What the engine has not of DynamoDB, each with what it does instead: those tests are skipped, and say so. */
  readonly lacks?: Readonly<Partial<Record<"units of consistent reads" | "table ids", string>>>;
  /** Makes an empty table and returns when it can be used. */
  create(name: string, keys: KeyAttributes): Promise<TableAddress>;
  /** Deletes a table and creates it again, empty; returns when it can be used. */
  recreate(table: TableAddress, keys: KeyAttributes): Promise<void>;
  close?(): Promise<void>;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const bytesOf = (item: string) => encoder.encode(item);
const put = (item: string): Write => ({ put: bytesOf(item) });
const remove = (key: DynamoKey): Write => ({ remove: encoder.encode(JSON.stringify(key)) });

const HASH: KeyAttributes = [{ name: "pk", type: "S" }];
const PAIR: KeyAttributes = [
  { name: "pk", type: "S" },
  { name: "sk", type: "N" },
];

/** Declares the tests of one host of TableData. */
export function tablesContract(name: string, makeSubject: () => Promise<TablesSubject>): void {
  describe(`TableData over ${name}`, () => {
    let subject: TablesSubject;
    let made = 0;
    beforeAll(async () => {
      subject = await makeSubject();
    });
    afterAll(async () => subject?.close?.());

    /** A fresh table with these items. */
    const given = async (keys: KeyAttributes, items: readonly string[] = []): Promise<TableAddress> => {
      made++;
      const table = await subject.create(`contract-${made}`, keys);
      await writeAll(subject.tables, table, items.map(put));
      return table;
    };
    const comparable = (item: string) => (subject.keeps === "bytes" ? item : valuesOf(item));
    /** What `comparable` gave, as values. */
    const normal = (item: string) => (subject.keeps === "bytes" ? valuesOf(item) : item);
    const scanned = async (about: Partial<ScanPage> & Pick<ScanPage, "table">): Promise<string[]> =>
      (await scanAll(subject.tables, about)).map(comparable);

    describe("given items as JSON allows them", () => {
      it.each(Object.entries(oddItems))("a write and a scan keep %s", async (_, item) => {
        const table = await given(PAIR, [item]);
        expect(await scanned({ table })).toEqual([comparable(item)]);
      });

      it("one write and one scan keep them all, among each other", async () => {
        const items = Object.values(oddItems);
        const table = await given(PAIR, items);
        expect((await scanned({ table })).sort()).toEqual(items.map(comparable).sort());
      });

      it.each(Object.entries(oddItems))("insert keeps %s", async (_, item) => {
        const table = await given(PAIR);
        const first = await subject.tables.insert(table, [encoder.encode(item)], ["pk", "sk"]);
        expect(first.outcomes).toEqual(["stored"]);
        expect(first.units).toBeGreaterThan(0);
        // A statement names the attributes anew: their values are kept.
        expect((await scanned({ table })).map(normal)).toEqual([valuesOf(item)]);
        const again = await subject.tables.insert(table, [encoder.encode(item)], ["pk", "sk"]);
        expect(again.outcomes).toEqual(["same"]);
      });

      it("one insert keeps them all, among each other", async () => {
        const items = Object.values(oddItems);
        const table = await given(PAIR);
        const answer = await subject.tables.insert(table, items.map(bytesOf), ["pk", "sk"]);
        expect(answer.outcomes).toEqual(items.map(() => "stored"));
        expect((await scanned({ table })).map(normal).sort()).toEqual(items.map(valuesOf).sort());
      });

      it("each of them is the start key of the page behind it", async () => {
        const items = Object.values(oddItems);
        const table = await given(PAIR, items);
        expect((await scanned({ table, limit: 1 })).sort()).toEqual(items.map(comparable).sort());
      });
    });

    describe("given many items, several to a partition", () => {
      const items = Array.from(
        { length: 300 },
        (_, i) => `{"pk":{"S":"partition ${i % 60}"},"sk":{"N":"${Math.floor(i / 60)}"},"x":{"N":"${i}"}}`,
      );
      let table: TableAddress;
      beforeAll(async () => {
        table = await given(PAIR, items);
      });

      it.each([1, 2, 7, 64])(
        "a parallel scan of %i segments reads each item exactly once",
        async (totalSegments) => {
          const read: string[] = [];
          for (let segment = 0; segment < totalSegments; segment++)
            read.push(...(await scanned({ table, segment, totalSegments })));
          expect(read.sort()).toEqual(items.map(comparable).sort());
        },
      );

      it.each([2, 7])("so do pages of 4 items in each of %i segments", async (totalSegments) => {
        const read: string[] = [];
        for (let segment = 0; segment < totalSegments; segment++)
          read.push(...(await scanned({ table, segment, totalSegments, limit: 4 })));
        expect(read.sort()).toEqual(items.map(comparable).sort());
      });

      it("a page holds no more than its limit, and names where to go on", async () => {
        const page = await onePage(subject.tables, { table, limit: 7 });
        expect(page.items).toHaveLength(7);
        expect(page.lastEvaluatedKey).toEqual(keyOf(textsOf(page).at(-1)!, ["pk", "sk"]));
      });

      it("two scans read in one order", async () => {
        expect(await scanned({ table })).toEqual(await scanned({ table, limit: 11 }));
      });

      it("a consistent scan reads the same", async () => {
        const eventually = await scanned({ table, consistent: false });
        expect(await scanned({ table, consistent: true })).toEqual(eventually);
      });
    });

    describe("given items to count", () => {
      const items = Array.from(
        { length: 300 },
        (_, i) => `{"pk":{"S":"partition ${i % 60}"},"sk":{"N":"${Math.floor(i / 60)}"}}`,
      );

      it.each([
        [1, undefined],
        [7, undefined],
        [1, 4],
        [7, 4],
      ])(
        "the counts of %i segments' pages, of limit %s, add up to the items",
        async (totalSegments, limit) => {
          const table = await given(PAIR, items);
          let counted = 0;
          for (let segment = 0; segment < totalSegments; segment++) {
            let after: DynamoKey | undefined;
            do {
              const about = { table, segment, totalSegments, consistent: true };
              const page = await subject.tables.count({
                ...about,
                ...(limit !== undefined && { limit }),
                ...(after !== undefined && { after }),
              });
              if (limit !== undefined) expect(page.items).toBeLessThanOrEqual(limit);
              expect(page.units).toBeGreaterThanOrEqual(0);
              counted += page.items;
              after = page.after;
            } while (after !== undefined);
          }
          expect(counted).toBe(items.length);
        },
      );

      it("goes on after a key of binary, as a scan does", async () => {
        const keys: KeyAttributes = [{ name: "id", type: "B" }];
        const table = await given(
          keys,
          ["AA==", "AAE=", "/w==", "gA=="].map((id) => `{"id":{"B":"${id}"}}`),
        );
        const about = { table, segment: 0, totalSegments: 1, consistent: true };
        const first = await subject.tables.count({ ...about, limit: 1 });
        expect(first.items).toBe(1);
        expect(await subject.tables.count({ ...about, after: first.after! })).toMatchObject({ items: 3 });
      });

      it("of an empty table is none", async () => {
        const table = await given(HASH);
        const page = await subject.tables.count({ table, segment: 0, totalSegments: 1, consistent: true });
        expect(page.items).toBe(0);
        expect(page.after).toBeUndefined();
      });
    });

    describe("given a partition", () => {
      const orders: Record<string, { type: "S" | "N" | "B"; ascending: string[] }> = {
        "numbers by value": {
          type: "N",
          ascending: [
            "-9.9E+125",
            "-10",
            "-9",
            "-1.5",
            "-1e-130",
            "0",
            "1e-130",
            "2",
            "10",
            "1e38",
            "9.9e125",
          ],
        },
        "strings by their UTF-8 bytes": {
          type: "S",
          ascending: ["A", "a", "a ", "aa", "b", "é", "\uff5e", "\u{1f600}"],
        },
        "binaries by unsigned bytes": {
          type: "B",
          ascending: ["AA==", "AAA=", "fw==", "gA==", "/w==", "/wA="],
        },
      };
      it.each(Object.entries(orders))("a scan reads %s", async (_, { type, ascending }) => {
        const shuffled = [1, 0].flatMap((odd) => ascending.filter((_, i) => i % 2 === odd)).reverse();
        const table = await given(
          [
            { name: "pk", type: "S" },
            { name: "sk", type },
          ],
          shuffled.map((value, i) =>
            JSON.stringify({ pk: { S: "one" }, sk: { [type]: value }, i: { N: String(i) } }),
          ),
        );
        // One item a page: each is found again by its key.
        for (const limit of [1, 100]) {
          const read = (await scanAll(subject.tables, { table, limit })).map(
            (item) => JSON.parse(item).sk[type],
          );
          if (type === "N") expect(read.map(Number)).toEqual(ascending.map(Number));
          else expect(read).toEqual(ascending);
        }
      });

      it.each(["N", "B"] as const)("a hash key of type %s is a key like any other", async (type) => {
        const values = type === "N" ? ["-1", "0", "1e20", "3.25"] : ["AA==", "AAE=", "/w=="];
        const items = values.map((value) => `{"id":{"${type}":"${value}"}}`);
        const table = await given([{ name: "id", type }], items);
        expect((await scanned({ table, limit: 1 })).sort()).toEqual(items.map(comparable).sort());
      });
    });

    describe("given a scan under way", () => {
      it("goes on behind an item that is deleted meanwhile, losing and repeating none", async () => {
        const items = Array.from({ length: 30 }, (_, i) => `{"pk":{"S":"item ${i}"}}`);
        const table = await given(HASH, items);
        const first = await onePage(subject.tables, { table, limit: 10 });
        const after = first.lastEvaluatedKey!;
        await subject.tables.write(table, [remove(after)]);
        const rest = await scanAll(subject.tables, { table, after });
        expect([...textsOf(first), ...rest].map(comparable).sort()).toEqual(items.map(comparable).sort());
      });

      it.each([1, 3])("so in partitions of several items, in each of %i segments", async (totalSegments) => {
        const items = Array.from(
          { length: 60 },
          (_, i) => `{"pk":{"S":"partition ${i % 9}"},"sk":{"N":"${Math.floor(i / 9)}"}}`,
        );
        const table = await given(PAIR, items);
        const read: string[] = [];
        for (let segment = 0; segment < totalSegments; segment++) {
          let after: DynamoKey | undefined;
          do {
            const about = { table, segment, totalSegments, limit: 4, ...(after !== undefined && { after }) };
            const page = await onePage(subject.tables, about);
            read.push(...textsOf(page));
            after = page.lastEvaluatedKey;
            if (after !== undefined) await subject.tables.write(table, [remove(after)]);
          } while (after !== undefined);
        }
        expect(read.map(comparable).sort()).toEqual(items.map(comparable).sort());
      });

      it("may be told to go on from a key that never was: what lies behind it comes", async () => {
        const table = await given(
          HASH,
          Array.from({ length: 30 }, (_, i) => `{"pk":{"S":"item ${i}"}}`),
        );
        const whole = await scanned({ table });
        let behind = 0;
        for (let i = 0; i < 8; i++) {
          const rest = await scanned({ table, after: { pk: { S: `never ${i}` } } });
          expect(whole.slice(whole.length - rest.length)).toEqual(rest);
          behind += rest.length;
        }
        // Eight keys that all lie behind all items, or all before them: one chance in 30 to the eighth.
        expect(behind).toBeGreaterThan(0);
        expect(behind).toBeLessThan(8 * whole.length);
      });

      it("is refused a start key of another segment, or of another shape", async () => {
        const items = Array.from({ length: 20 }, (_, i) => `{"pk":{"S":"item ${i}"}}`);
        const table = await given(HASH, items);
        const [theirs] = await scanAll(subject.tables, { table, segment: 1, totalSegments: 2 });
        const foreign = { table, segment: 0, totalSegments: 2, consistent: false };
        for (const after of [keyOf(theirs!, ["pk"]), { pk: { S: "item 1" }, x: { S: "more" } }])
          await expectPermanent(subject.tables.scan({ ...foreign, after }), { resource: table.name });
      });

      it("goes on behind the last item of all with nothing", async () => {
        const table = await given(
          HASH,
          ["a", "b", "c"].map((pk) => `{"pk":{"S":"${pk}"}}`),
        );
        const whole = await scanAll(subject.tables, { table });
        const page = await onePage(subject.tables, { table, after: keyOf(whole.at(-1)!, ["pk"]) });
        expect(page).toMatchObject({ items: [] });
        expect(page.lastEvaluatedKey).toBeUndefined();
      });

      it("may be told to go on where nothing lies any more", async () => {
        const table = await given(
          HASH,
          ["a", "b", "c"].map((pk) => `{"pk":{"S":"${pk}"}}`),
        );
        // As many as there are: whether the page says so or not, nothing lies behind.
        const page = await onePage(subject.tables, { table, limit: 3 });
        expect(page.items).toHaveLength(3);
        if (page.lastEvaluatedKey === undefined) return;
        expect(await scanned({ table, after: page.lastEvaluatedKey })).toEqual([]);
      });

      it("of an empty table is one empty page", async () => {
        const table = await given(HASH);
        for (const segment of [0, 1, 2]) {
          const page = await onePage(subject.tables, { table, segment, totalSegments: 3 });
          expect(page.items).toEqual([]);
          expect(page.lastEvaluatedKey).toBeUndefined();
        }
      });

      it("cuts a page by size", async () => {
        const items = Array.from(
          { length: 12 },
          (_, i) => `{"pk":{"S":"${i}"},"x":{"S":"${"x".repeat(250_000)}"}}`,
        );
        const table = await given(HASH, items);
        const page = await onePage(subject.tables, { table });
        expect(page.items.length).toBeLessThan(items.length);
        expect(page.units).toBeGreaterThanOrEqual(0);
        expect((await scanned({ table })).sort()).toEqual(items.map(comparable).sort());
      });
    });

    describe("given items of 10,000 bytes", () => {
      const items = Array.from(
        { length: 10 },
        (_, i) => `{"pk":{"S":"${i}"},"x":{"S":"${"x".repeat(10_000)}"}}`,
      );
      let table: TableAddress;
      beforeAll(async () => {
        table = await given(HASH, items);
      });

      it("a write tells its units: one for each KiB of an item, of the larger where one is replaced", async () => {
        const other = await given(HASH);
        expect(await subject.tables.write(other, items.slice(0, 3).map(put))).toMatchObject({ units: 30 });
        const smaller = await subject.tables.write(other, [put('{"pk":{"S":"0"}}'), put('{"pk":{"S":"z"}}')]);
        expect(smaller.units).toBe(11);
        for (const outcome of ["stored", "same"])
          expect(await subject.tables.insert(other, [bytesOf(items[5]!)], ["pk"])).toEqual({
            outcomes: [outcome],
            units: 10,
          });
        const small = bytesOf('{"pk":{"S":"5"}}');
        expect(await subject.tables.insert(other, [small, bytesOf('{"pk":{"S":"y"}}')], ["pk"])).toEqual({
          outcomes: ["exists", "stored"],
          units: 11,
        });
      });

      // DynamoDB may round the share of each of a table's partitions up.
      const ROUNDED_MAX = 2;
      it("a scan tells its units: half a one for each 4 KiB of the page", async () => {
        const { units } = await onePage(subject.tables, { table, consistent: false });
        expect(units).toBeGreaterThanOrEqual(12.5);
        expect(units).toBeLessThanOrEqual(12.5 + ROUNDED_MAX);
      });

      it("and twice as many when it is consistent", async ({ skip }) => {
        const instead = subject.lacks?.["units of consistent reads"];
        if (instead !== undefined) return skip(instead);
        const { units } = await onePage(subject.tables, { table, consistent: true });
        expect(units).toBeGreaterThanOrEqual(25);
        expect(units).toBeLessThanOrEqual(25 + 2 * ROUNDED_MAX);
      });
    });

    describe("given writes", () => {
      it("25 are taken at once, large ones too", async () => {
        const items = Array.from(
          { length: 25 },
          (_, i) => `{"pk":{"S":"${i}"},"x":{"S":"${"é".repeat(150_000)}"}}`,
        );
        const table = await given(HASH);
        const result = await subject.tables.write(table, items.map(put));
        expect(result.unprocessed).toEqual([]);
        expect(result.units).toBeGreaterThanOrEqual(0);
        expect((await scanned({ table })).sort()).toEqual(items.map(comparable).sort());
      });

      it("26 are refused", async () => {
        const table = await given(HASH);
        const writes = Array.from({ length: 26 }, (_, i) => put(`{"pk":{"S":"${i}"}}`));
        await expectPermanent(subject.tables.write(table, writes), { resource: table.name });
      });

      it.each([
        ["two puts", [put('{"pk":{"S":"a"}}'), put('{"x":{"S":"y"},"pk":{"S":"\\u0061"}}')]],
        ["a put and a removal", [put('{"pk":{"S":"a"}}'), remove({ pk: { S: "a" } })]],
        ["two removals", [remove({ pk: { S: "a" } }), remove({ pk: { S: "a" } })]],
      ])("%s of one key are refused, and nothing of the call is written", async (_, twins) => {
        const table = await given(HASH);
        await expectPermanent(subject.tables.write(table, [put('{"pk":{"S":"b"}}'), ...twins]), {
          resource: table.name,
        });
        expect(await scanned({ table })).toEqual([]);
      });

      it("two spellings of one number are one key", async () => {
        const table = await given([{ name: "id", type: "N" }]);
        const twins = [put('{"id":{"N":"1"}}'), put('{"id":{"N":"1.0"}}')];
        await expectPermanent(subject.tables.write(table, twins), { resource: table.name });
        await writeAll(subject.tables, table, [twins[0]!]);
        const late = bytesOf('{"id":{"N":"10e-1"}}');
        expect((await subject.tables.insert(table, [late], ["id"])).outcomes).toEqual(["same"]);
      });

      it("a put replaces the whole item, a removal removes it, and both may be repeated", async () => {
        const table = await given(HASH, ['{"pk":{"S":"a"},"x":{"S":"old"}}', '{"pk":{"S":"b"}}']);
        const writes = [
          put('{"pk":{"S":"a"},"y":{"S":"new"}}'),
          remove({ pk: { S: "b" } }),
          remove({ pk: { S: "c" } }),
        ];
        for (const _ of ["once", "again"]) {
          expect((await subject.tables.write(table, writes)).unprocessed).toEqual([]);
          expect(await scanned({ table })).toEqual([comparable('{"pk":{"S":"a"},"y":{"S":"new"}}')]);
        }
      });

      it("removals alone are taken, by keys of two attributes", async () => {
        const table = await given(PAIR, [
          '{"pk":{"S":"a"},"sk":{"N":"1"}}',
          '{"pk":{"S":"a"},"sk":{"N":"2"}}',
        ]);
        await subject.tables.write(table, [remove({ pk: { S: "a" }, sk: { N: "1.0" } })]);
        expect(await scanned({ table })).toEqual([comparable('{"pk":{"S":"a"},"sk":{"N":"2"}}')]);
      });

      it.each([
        ["without its key", '{"x":{"S":"a"}}'],
        ["with a key of another type", '{"pk":{"N":"1"}}'],
        ["with an empty key", '{"pk":{"S":""}}'],
        ["with a key of more than 2,048 bytes", `{"pk":{"S":"${"x".repeat(2049)}"}}`],
        ["of more than 400 KiB", `{"pk":{"S":"a"},"x":{"S":"${"x".repeat(410_000)}"}}`],
      ])("an item %s is refused, and whatever is written with it", async (_, item) => {
        const table = await given(HASH);
        const writes = [put('{"pk":{"S":"good"}}'), put(item)];
        await expectPermanent(subject.tables.write(table, writes), { resource: table.name });
        expect(await scanned({ table })).toEqual([]);
        await expectPermanent(subject.tables.insert(table, [encoder.encode(item)], ["pk"]), {
          resource: table.name,
        });
      });
    });

    describe("given insert", () => {
      it("never overwrites", async () => {
        const table = await given(PAIR, ['{"pk":{"S":"a"},"sk":{"N":"1"},"x":{"S":"there"}}']);
        const late = encoder.encode('{"pk":{"S":"a"},"sk":{"N":"1.0"},"x":{"S":"late"}}');
        const answer = await subject.tables.insert(table, [late], ["pk", "sk"]);
        expect(answer.outcomes).toEqual(["exists"]);
        expect(await scanned({ table })).toEqual([
          comparable('{"pk":{"S":"a"},"sk":{"N":"1"},"x":{"S":"there"}}'),
        ]);
      });

      it("looks at the whole key", async () => {
        const table = await given(PAIR, ['{"pk":{"S":"a"},"sk":{"N":"1"}}']);
        const other = encoder.encode('{"pk":{"S":"a"},"sk":{"N":"2"}}');
        expect((await subject.tables.insert(table, [other], ["pk", "sk"])).outcomes).toEqual(["stored"]);
      });

      it("stores exactly one of many at once", async () => {
        const table = await given(HASH);
        const answers = await Promise.all(
          Array.from({ length: 8 }, (_, i) =>
            subject.tables.insert(table, [encoder.encode(`{"pk":{"S":"a"},"i":{"N":"${i}"}}`)], ["pk"]),
          ),
        );
        expect(answers.filter(({ outcomes }) => outcomes[0] === "stored")).toHaveLength(1);
        const winner = answers.findIndex(({ outcomes }) => outcomes[0] === "stored");
        expect(await scanned({ table })).toEqual([comparable(`{"pk":{"S":"a"},"i":{"N":"${winner}"}}`)]);
      });

      it("25 are taken at once, large ones too, and each is answered for itself", async () => {
        const items = Array.from(
          { length: 25 },
          (_, i) => `{"pk":{"S":"${i}"},"x":{"S":"${"é".repeat(150_000)}"}}`,
        );
        const other = '{"pk":{"S":"7"},"x":{"S":"there"}}';
        const table = await given(HASH, [items[3]!, other]);
        const { outcomes } = await subject.tables.insert(table, items.map(bytesOf), ["pk"]);
        expect(outcomes).toEqual(items.map((_, i) => (i === 3 ? "same" : i === 7 ? "exists" : "stored")));
        expect((await scanned({ table })).map(normal).sort()).toEqual(
          items.with(7, other).map(valuesOf).sort(),
        );
      });

      it("two items of one key are refused, and nothing of the call is stored", async () => {
        const table = await given([{ name: "id", type: "N" }]);
        const twins = ['{"id":{"N":"2"}}', '{"id":{"N":"1"}}', '{"x":{"S":"y"},"id":{"N":"1.0"}}'];
        await expectPermanent(subject.tables.insert(table, twins.map(bytesOf), ["id"]), {
          code: "invalid-request",
          resource: table.name,
        });
        expect(await scanned({ table })).toEqual([]);
      });

      it("an item of more names than a statement has room for is stored, among others", async () => {
        const many = Array.from({ length: 400 }, (_, i) => `"attribute-of-a-long-name-${i}":{"N":"${i}"}`);
        const items = ['{"pk":{"S":"a"}}', `{"pk":{"S":"b"},${many.join(",")}}`, '{"pk":{"S":"c"}}'];
        const table = await given(HASH);
        for (const outcome of ["stored", "same"]) {
          const { outcomes } = await subject.tables.insert(table, items.map(bytesOf), ["pk"]);
          expect(outcomes).toEqual([outcome, outcome, outcome]);
        }
        expect((await scanned({ table })).map(normal).sort()).toEqual(items.map(valuesOf).sort());
      });

      it.each([
        "it's",
        "''",
        '"',
        "a.b[0]",
        "\u{1f600}",
        "back\\slash",
        "?",
        "{}",
        ":x",
        "--",
        "名前",
        "a\nb",
        " ",
      ])("takes %j as the name of a key and in the names of other attributes", async (name) => {
        const written = JSON.stringify(name);
        const table = await given([{ name, type: "S" }]);
        const item = `{${written}:{"S":"a"},${JSON.stringify(`${name}2`)}:{"N":"1"}}`;
        expect((await subject.tables.insert(table, [bytesOf(item)], [name])).outcomes).toEqual(["stored"]);
        expect((await scanned({ table })).map(normal)).toEqual([valuesOf(item)]);
        const other = `{${written}:{"S":"a"}}`;
        expect((await subject.tables.insert(table, [bytesOf(other)], [name])).outcomes).toEqual(["exists"]);
      });

      it("takes keys whose names are reserved words, or hold dots", async () => {
        const table = await given([
          { name: "timestamp", type: "S" },
          { name: "a.b-c", type: "N" },
        ]);
        const item = encoder.encode('{"timestamp":{"S":"a"},"a.b-c":{"N":"1"}}');
        const names: KeyNames = ["timestamp", "a.b-c"];
        expect((await subject.tables.insert(table, [item], names)).outcomes).toEqual(["stored"]);
        expect((await subject.tables.insert(table, [item], names)).outcomes).toEqual(["same"]);
      });
    });

    describe("given a table's description", () => {
      it("it names the keys in order, with their types", async () => {
        const table = await given([
          { name: "z-hash", type: "B" },
          { name: "a-range", type: "N" },
        ]);
        const description = await subject.tables.describe(table);
        expect(description).toMatchObject({
          status: "ACTIVE",
          keys: ["z-hash", "a-range"],
          keyTypes: { "z-hash": "B", "a-range": "N" },
        });
        expect(description.arn).toContain(table.name);
        expect(description.sizeBytes).toBeGreaterThanOrEqual(0);
      });

      it("its id is that of the table which has the name now", async ({ skip }) => {
        const instead = subject.lacks?.["table ids"];
        if (instead !== undefined) return skip(instead);
        const table = await given(HASH);
        const id = await subject.tables.identify(table);
        expect(id).toMatch(/./);
        expect((await subject.tables.describe(table)).id).toBe(id);
        expect(await subject.tables.identify(table)).toBe(id);
        expect(await subject.tables.identify(await given(HASH))).not.toBe(id);
        await subject.recreate(table, HASH);
        const other = await subject.tables.identify(table);
        expect(other).toMatch(/./);
        expect(other).not.toBe(id);
      });

      it("its settings are plain JSON: table.json keeps them", async () => {
        const { settings } = await subject.tables.describe(await given(HASH));
        expect(JSON.parse(JSON.stringify(settings))).toEqual(settings);
      });
    });

    describe("given no such table", () => {
      const item = encoder.encode('{"pk":{"S":"a"}}');
      const calls: Record<string, (table: TableAddress) => Promise<unknown>> = {
        describe: (table) => subject.tables.describe(table),
        identify: (table) => subject.tables.identify(table),
        scan: (table) => subject.tables.scan({ table, segment: 0, totalSegments: 1, consistent: false }),
        count: (table) => subject.tables.count({ table, segment: 0, totalSegments: 1, consistent: false }),
        write: (table) => subject.tables.write(table, [{ put: item }]),
        insert: (table) => subject.tables.insert(table, [item], ["pk"]),
      };
      it.each(Object.keys(calls))("%s says so, and what to do", async (method) => {
        const table = { region: subject.region, name: "contract-missing" };
        await expectPermanent(calls[method]!(table), { code: "no-such-table", resource: table.name });
      });
    });
  });
}

/** Consistent, unless it is told otherwise: what a test has just written is there, on AWS too. */
async function onePage(tables: TableData, about: Partial<ScanPage> & Pick<ScanPage, "table">): Promise<Page> {
  return cutPage(await tables.scan({ segment: 0, totalSegments: 1, consistent: true, ...about }));
}

/** Every item of a segment, page by page, as the bytes they came in. */
async function scanAll(
  tables: TableData,
  about: Partial<ScanPage> & Pick<ScanPage, "table">,
): Promise<string[]> {
  const items: string[] = [];
  let after = about.after;
  for (;;) {
    const page = await onePage(tables, { ...about, ...(after !== undefined && { after }) });
    items.push(...textsOf(page));
    if (page.lastEvaluatedKey === undefined) return items;
    after = page.lastEvaluatedKey;
  }
}

function textsOf(page: Page): string[] {
  return page.items.map(({ start, end }) => decoder.decode(page.body.subarray(start, end)));
}

function keyOf(item: string, names: KeyNames): DynamoKey {
  const parsed = JSON.parse(item) as DynamoKey;
  return Object.fromEntries(names.map((name) => [name, parsed[name]!]));
}

async function writeAll(tables: TableData, table: TableAddress, writes: readonly Write[]): Promise<void> {
  for (let at = 0; at < writes.length; ) {
    const { unprocessed } = await tables.write(table, writes.slice(at, at + 25));
    expect(unprocessed).toEqual([]);
    at += 25;
  }
}
