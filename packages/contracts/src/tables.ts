/**
 * The contract suite of the port TableData.
 */

import { cutPage, type Page } from "@ferry/core/archive/page";
import type { KeyNames } from "@ferry/core/events/events";
import type { ScanPage, TableData, Write } from "@ferry/core/ports";
import type { TableAddress } from "@ferry/core/request/addresses";
import type { DynamoKey } from "@ferry/core/table/dynamo-key";
import { itemTexts } from "@ferry/core/testing/page-items";
import { expectPermanent } from "@ferry/core/testing/refused";
import type { KeyAttributes } from "@ferry/memory/item-key";
import { valuesOf } from "@ferry/memory/item-values";
import { beforeAll, describe, expect, it } from "vitest";
import { oddItems } from "./odd-items.ts";
import { type Closable, portSuite } from "./port-suite.ts";

export interface TablesSubject extends Closable {
  readonly tables: TableData;
  readonly region: string;
  /** `bytes` if items are read as the written bytes, `values` if the engine formats them again. */
  readonly keeps: "bytes" | "values";
  /** Features of DynamoDB that the engine lacks, with the reason for which their tests are skipped. */
  readonly lacks?: Readonly<Partial<Record<"units of consistent reads" | "table ids", string>>>;
  /** Creates an empty table and returns when it is usable. */
  create(name: string, keys: KeyAttributes): Promise<TableAddress>;
  /** Deletes a table and creates it again, empty; returns when it is usable. */
  recreate(table: TableAddress, keys: KeyAttributes): Promise<void>;
}

/** By default the whole table, in one consistent scan. */
type ScanOptions = Partial<ScanPage> & Pick<ScanPage, "table">;

const bytesOf = (item: string) => new TextEncoder().encode(item);
const put = (item: string): Write => ({ put: bytesOf(item) });
const remove = (key: DynamoKey): Write => ({ remove: bytesOf(JSON.stringify(key)) });

/** Items of a table with the keys PAIR. */
const inPartitions = (partitions: number, count: number) =>
  Array.from({ length: count }, (_, i) => {
    const partition = i % partitions;
    return `{"pk":{"S":"partition ${partition}"},"sk":{"N":"${Math.floor(i / partitions)}"},"x":{"N":"${i}"}}`;
  });
/** Items of a table with the key HASH. `more`: other members. */
const numbered = (count: number, more = "") =>
  Array.from({ length: count }, (_, i) => `{"pk":{"S":"item ${i}"}${more}}`);

const HASH: KeyAttributes = [{ name: "pk", type: "S" }];
const PAIR: KeyAttributes = [
  { name: "pk", type: "S" },
  { name: "sk", type: "N" },
];

/** Declares the tests of one host of TableData. */
export function tablesContract(name: string, open: () => Promise<TablesSubject>): void {
  portSuite("TableData", name, open, (subject) => {
    let made = 0;

    /** A new table with these items. */
    const given = async (keys: KeyAttributes, items: readonly string[] = []): Promise<TableAddress> => {
      made++;
      const table = await subject().create(`contract-${made}`, keys);
      await writeAll(subject().tables, table, items.map(put));
      return table;
    };
    const insert = (table: TableAddress, items: readonly string[], keys: KeyNames) =>
      subject().tables.insert(table, items.map(bytesOf), keys);
    const comparable = (item: string) => (subject().keeps === "bytes" ? item : valuesOf(item));
    /** The result of `comparable`, as values. */
    const normal = (item: string) => (subject().keeps === "bytes" ? valuesOf(item) : item);
    const scanned = async (options: ScanOptions): Promise<string[]> =>
      (await scanAll(subject().tables, options)).map(comparable);
    /** All segments of a parallel scan, one after another. */
    const scannedInSegments = async (totalSegments: number, options: ScanOptions): Promise<string[]> => {
      const read: string[] = [];
      for (let segment = 0; segment < totalSegments; segment++)
        read.push(...(await scanned({ ...options, segment, totalSegments })));
      return read.sort();
    };

    describe("given items in rare forms of JSON", () => {
      it.each(Object.entries(oddItems))("a write and a scan keep %s", async (_, item) => {
        const table = await given(PAIR, [item]);
        expect(await scanned({ table })).toEqual([comparable(item)]);
      });

      it("one write and one scan keep all of them together", async () => {
        const items = Object.values(oddItems);
        const table = await given(PAIR, items);
        expect((await scanned({ table })).sort()).toEqual(items.map(comparable).sort());
      });

      it.each(Object.entries(oddItems))("insert keeps %s", async (_, item) => {
        const table = await given(PAIR);
        const first = await insert(table, [item], ["pk", "sk"]);
        expect(first.outcomes).toEqual(["stored"]);
        expect(first.units).toBeGreaterThan(0);
        // A statement formats the attributes' names again, but keeps their values.
        expect((await scanned({ table })).map(normal)).toEqual([valuesOf(item)]);
        const again = await insert(table, [item], ["pk", "sk"]);
        expect(again.outcomes).toEqual(["same"]);
      });

      it("one insert keeps all of them together", async () => {
        const items = Object.values(oddItems);
        const table = await given(PAIR);
        const answer = await insert(table, items, ["pk", "sk"]);
        expect(answer.outcomes).toEqual(items.map(() => "stored"));
        expect((await scanned({ table })).map(normal).sort()).toEqual(items.map(valuesOf).sort());
      });

      it("the key of each can be a start key", async () => {
        const items = Object.values(oddItems);
        const table = await given(PAIR, items);
        expect((await scanned({ table, limit: 1 })).sort()).toEqual(items.map(comparable).sort());
      });
    });

    describe("given many items, several to a partition", () => {
      const items = inPartitions(24, 120);
      let table: TableAddress;
      beforeAll(async () => {
        table = await given(PAIR, items);
      });

      it.each([1, 2, 7, 64])(
        "a parallel scan of %i segments reads each item exactly once",
        async (totalSegments) => {
          expect(await scannedInSegments(totalSegments, { table })).toEqual(items.map(comparable).sort());
        },
      );

      it.each([2, 7])(
        "pages of 4 items in each of %i segments read each item exactly once",
        async (totalSegments) => {
          const read = await scannedInSegments(totalSegments, { table, limit: 4 });
          expect(read).toEqual(items.map(comparable).sort());
        },
      );

      it("a page has at most `limit` items and returns the key after which to continue", async () => {
        const page = await onePage(subject().tables, { table, limit: 7 });
        expect(page.count).toBe(7);
        expect(page.lastEvaluatedKey).toEqual(keyOf(itemTexts(page).at(-1)!, ["pk", "sk"]));
      });

      it("two scans read in the same order", async () => {
        expect(await scanned({ table })).toEqual(await scanned({ table, limit: 11 }));
      });

      it("a consistent scan reads the same", async () => {
        const eventually = await scanned({ table, consistent: false });
        expect(await scanned({ table, consistent: true })).toEqual(eventually);
      });
    });

    describe("given items to count", () => {
      const items = inPartitions(24, 120);
      let counted: TableAddress;
      beforeAll(async () => {
        counted = await given(PAIR, items);
      });

      it.each([
        [1, undefined],
        [7, undefined],
        [1, 4],
        [7, 4],
      ])(
        "the counts of %i segments' pages, of limit %s, add up to the items",
        async (totalSegments, limit) => {
          let sum = 0;
          for (let segment = 0; segment < totalSegments; segment++) {
            let after: DynamoKey | undefined;
            do {
              const options = { table: counted, segment, totalSegments, consistent: true };
              const page = await subject().tables.count({
                ...options,
                ...(limit !== undefined && { limit }),
                ...(after !== undefined && { after }),
              });
              if (limit !== undefined) expect(page.items).toBeLessThanOrEqual(limit);
              expect(page.units).toBeGreaterThanOrEqual(0);
              sum += page.items;
              after = page.after;
            } while (after !== undefined);
          }
          expect(sum).toBe(items.length);
        },
      );

      it("a count continues after a binary key", async () => {
        const keys: KeyAttributes = [{ name: "id", type: "B" }];
        const table = await given(
          keys,
          ["AA==", "AAE=", "/w==", "gA=="].map((id) => `{"id":{"B":"${id}"}}`),
        );
        const options = { table, segment: 0, totalSegments: 1, consistent: true };
        const first = await subject().tables.count({ ...options, limit: 1 });
        expect(first.items).toBe(1);
        expect(await subject().tables.count({ ...options, after: first.after! })).toMatchObject({ items: 3 });
      });

      it("the count of an empty table is 0", async () => {
        const table = await given(HASH);
        const page = await subject().tables.count({ table, segment: 0, totalSegments: 1, consistent: true });
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
        // With one item per page, each key is a start key.
        for (const limit of [1, 100]) {
          const read = (await scanAll(subject().tables, { table, limit })).map(
            (item) => JSON.parse(item).sk[type],
          );
          if (type === "N") expect(read.map(Number)).toEqual(ascending.map(Number));
          else expect(read).toEqual(ascending);
        }
      });

      it.each(["N", "B"] as const)("a hash key may be of type %s", async (type) => {
        const values = type === "N" ? ["-1", "0", "1e20", "3.25"] : ["AA==", "AAE=", "/w=="];
        const items = values.map((value) => `{"id":{"${type}":"${value}"}}`);
        const table = await given([{ name: "id", type }], items);
        expect((await scanned({ table, limit: 1 })).sort()).toEqual(items.map(comparable).sort());
      });
    });

    describe("given a scan in progress", () => {
      it("it continues after an item that was deleted meanwhile, without losing or repeating items", async () => {
        const items = numbered(30);
        const table = await given(HASH, items);
        const first = await onePage(subject().tables, { table, limit: 10 });
        const after = first.lastEvaluatedKey!;
        await subject().tables.write(table, [remove(after)]);
        const rest = await scanAll(subject().tables, { table, after });
        expect([...itemTexts(first), ...rest].map(comparable).sort()).toEqual(items.map(comparable).sort());
      });

      it.each([1, 3])(
        "it does so in partitions of several items, in each of %i segments",
        async (totalSegments) => {
          const items = inPartitions(9, 60);
          const table = await given(PAIR, items);
          const read: string[] = [];
          for (let segment = 0; segment < totalSegments; segment++) {
            let after: DynamoKey | undefined;
            do {
              const options = {
                table,
                segment,
                totalSegments,
                limit: 4,
                ...(after !== undefined && { after }),
              };
              const page = await onePage(subject().tables, options);
              read.push(...itemTexts(page));
              after = page.lastEvaluatedKey;
              if (after !== undefined) await subject().tables.write(table, [remove(after)]);
            } while (after !== undefined);
          }
          expect(read.map(comparable).sort()).toEqual(items.map(comparable).sort());
        },
      );

      it("it can continue after a key that never existed", async () => {
        const table = await given(HASH, numbered(30));
        const whole = await scanned({ table });
        let readAfter = 0;
        for (let i = 0; i < 8; i++) {
          const rest = await scanned({ table, after: { pk: { S: `never ${i}` } } });
          expect(whole.slice(whole.length - rest.length)).toEqual(rest);
          readAfter += rest.length;
        }
        // The chance that all eight keys are after all items, or all before them, is one in 30 to the eighth.
        expect(readAfter).toBeGreaterThan(0);
        expect(readAfter).toBeLessThan(8 * whole.length);
      });

      it("it refuses a start key of another segment or another schema", async () => {
        const items = numbered(20);
        const table = await given(HASH, items);
        const [other] = await scanAll(subject().tables, { table, segment: 1, totalSegments: 2 });
        const options = { table, segment: 0, totalSegments: 2, consistent: false };
        for (const after of [keyOf(other!, ["pk"]), { pk: { S: "item 1" }, x: { S: "more" } }])
          await expectPermanent(subject().tables.scan({ ...options, after }), { resource: table.name });
      });

      it("after the last item, it returns an empty last page", async () => {
        const table = await given(HASH, numbered(3));
        const whole = await scanAll(subject().tables, { table });
        const page = await onePage(subject().tables, { table, after: keyOf(whole.at(-1)!, ["pk"]) });
        expect(page).toMatchObject({ count: 0 });
        expect(page.lastEvaluatedKey).toBeUndefined();
      });

      it("a page of all items may have a key, after which there is nothing", async () => {
        const table = await given(HASH, numbered(3));
        // The limit is the number of items: whether or not the page has a key, nothing follows.
        const page = await onePage(subject().tables, { table, limit: 3 });
        expect(page.count).toBe(3);
        if (page.lastEvaluatedKey === undefined) return;
        expect(await scanned({ table, after: page.lastEvaluatedKey })).toEqual([]);
      });

      it("a scan of an empty table returns one empty page", async () => {
        const table = await given(HASH);
        for (const segment of [0, 1, 2]) {
          const page = await onePage(subject().tables, { table, segment, totalSegments: 3 });
          expect(page.count).toBe(0);
          expect(page.lastEvaluatedKey).toBeUndefined();
        }
      });

      it("a page is limited by size", async () => {
        const items = numbered(12, `,"x":{"S":"${"x".repeat(250_000)}"}`);
        const table = await given(HASH, items);
        const page = await onePage(subject().tables, { table });
        expect(page.count).toBeLessThan(items.length);
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

      it("a write reports one unit per KiB of the larger of the new and the replaced item", async () => {
        const other = await given(HASH);
        expect(await subject().tables.write(other, items.slice(0, 3).map(put))).toMatchObject({ units: 30 });
        const smaller = await subject().tables.write(other, [
          put('{"pk":{"S":"0"}}'),
          put('{"pk":{"S":"z"}}'),
        ]);
        expect(smaller.units).toBe(11);
        for (const outcome of ["stored", "same"])
          expect(await insert(other, [items[5]!], ["pk"])).toEqual({
            outcomes: [outcome],
            units: 10,
          });
        const small = '{"pk":{"S":"5"}}';
        expect(await insert(other, [small, '{"pk":{"S":"y"}}'], ["pk"])).toEqual({
          outcomes: ["exists", "stored"],
          units: 11,
        });
      });

      // DynamoDB may round up for each of a table's partitions.
      const ROUNDED_MAX = 2;
      it("a scan reports half a unit per 4 KiB of the page", async () => {
        const { units } = await onePage(subject().tables, { table, consistent: false });
        expect(units).toBeGreaterThanOrEqual(12.5);
        expect(units).toBeLessThanOrEqual(12.5 + ROUNDED_MAX);
      });

      it("a consistent scan reports one unit per 4 KiB of the page", async ({ skip }) => {
        const instead = subject().lacks?.["units of consistent reads"];
        if (instead !== undefined) return skip(instead);
        const { units } = await onePage(subject().tables, { table, consistent: true });
        expect(units).toBeGreaterThanOrEqual(25);
        expect(units).toBeLessThanOrEqual(25 + 2 * ROUNDED_MAX);
      });
    });

    describe("given writes", () => {
      it("a call takes 25, also large ones", async () => {
        const items = numbered(25, `,"x":{"S":"${"é".repeat(100_000)}"}`);
        const table = await given(HASH);
        const result = await subject().tables.write(table, items.map(put));
        expect(result.unprocessed).toEqual([]);
        expect(result.units).toBeGreaterThanOrEqual(0);
        expect((await scanned({ table })).sort()).toEqual(items.map(comparable).sort());
      });

      it("a call with 26 is refused", async () => {
        const table = await given(HASH);
        const writes = numbered(26).map(put);
        await expectPermanent(subject().tables.write(table, writes), { resource: table.name });
      });

      it.each([
        ["two puts", [put('{"pk":{"S":"a"}}'), put('{"x":{"S":"y"},"pk":{"S":"\\u0061"}}')]],
        ["a put and a delete", [put('{"pk":{"S":"a"}}'), remove({ pk: { S: "a" } })]],
        ["two deletes", [remove({ pk: { S: "a" } }), remove({ pk: { S: "a" } })]],
      ])("%s with the same key are refused, and the call writes nothing", async (_, writes) => {
        const table = await given(HASH);
        await expectPermanent(subject().tables.write(table, [put('{"pk":{"S":"b"}}'), ...writes]), {
          resource: table.name,
        });
        expect(await scanned({ table })).toEqual([]);
      });

      it("two notations of a number are the same key", async () => {
        const table = await given([{ name: "id", type: "N" }]);
        const duplicates = [put('{"id":{"N":"1"}}'), put('{"id":{"N":"1.0"}}')];
        await expectPermanent(subject().tables.write(table, duplicates), { resource: table.name });
        await writeAll(subject().tables, table, [duplicates[0]!]);
        const late = '{"id":{"N":"10e-1"}}';
        expect((await insert(table, [late], ["id"])).outcomes).toEqual(["same"]);
      });

      it("a put replaces the whole item, a delete removes it, and both may be repeated", async () => {
        const table = await given(HASH, ['{"pk":{"S":"a"},"x":{"S":"old"}}', '{"pk":{"S":"b"}}']);
        const writes = [
          put('{"pk":{"S":"a"},"y":{"S":"new"}}'),
          remove({ pk: { S: "b" } }),
          remove({ pk: { S: "c" } }),
        ];
        for (const _ of ["once", "again"]) {
          expect((await subject().tables.write(table, writes)).unprocessed).toEqual([]);
          expect(await scanned({ table })).toEqual([comparable('{"pk":{"S":"a"},"y":{"S":"new"}}')]);
        }
      });

      it("a call may have only deletes, by keys of two attributes", async () => {
        const table = await given(PAIR, [
          '{"pk":{"S":"a"},"sk":{"N":"1"}}',
          '{"pk":{"S":"a"},"sk":{"N":"2"}}',
        ]);
        await subject().tables.write(table, [remove({ pk: { S: "a" }, sk: { N: "1.0" } })]);
        expect(await scanned({ table })).toEqual([comparable('{"pk":{"S":"a"},"sk":{"N":"2"}}')]);
      });

      it.each([
        ["without its key", '{"x":{"S":"a"}}'],
        ["with a key of another type", '{"pk":{"N":"1"}}'],
        ["with an empty key", '{"pk":{"S":""}}'],
        ["with a key of more than 2,048 bytes", `{"pk":{"S":"${"x".repeat(2049)}"}}`],
        ["of more than 400 KiB", `{"pk":{"S":"a"},"x":{"S":"${"x".repeat(410_000)}"}}`],
      ])("an item %s is refused together with the whole call", async (_, item) => {
        const table = await given(HASH);
        const writes = [put('{"pk":{"S":"good"}}'), put(item)];
        await expectPermanent(subject().tables.write(table, writes), { resource: table.name });
        expect(await scanned({ table })).toEqual([]);
        await expectPermanent(insert(table, [item], ["pk"]), {
          resource: table.name,
        });
      });
    });

    describe("given inserts", () => {
      it("an insert never overwrites", async () => {
        const table = await given(PAIR, ['{"pk":{"S":"a"},"sk":{"N":"1"},"x":{"S":"stored"}}']);
        const late = '{"pk":{"S":"a"},"sk":{"N":"1.0"},"x":{"S":"late"}}';
        const answer = await insert(table, [late], ["pk", "sk"]);
        expect(answer.outcomes).toEqual(["exists"]);
        expect(await scanned({ table })).toEqual([
          comparable('{"pk":{"S":"a"},"sk":{"N":"1"},"x":{"S":"stored"}}'),
        ]);
      });

      it("an insert compares the whole key", async () => {
        const table = await given(PAIR, ['{"pk":{"S":"a"},"sk":{"N":"1"}}']);
        const other = '{"pk":{"S":"a"},"sk":{"N":"2"}}';
        expect((await insert(table, [other], ["pk", "sk"])).outcomes).toEqual(["stored"]);
      });

      it("of concurrent inserts with the same key, exactly one is stored", async () => {
        const table = await given(HASH);
        const answers = await Promise.all(
          Array.from({ length: 8 }, (_, i) => insert(table, [`{"pk":{"S":"a"},"i":{"N":"${i}"}}`], ["pk"])),
        );
        expect(answers.filter(({ outcomes }) => outcomes[0] === "stored")).toHaveLength(1);
        const winner = answers.findIndex(({ outcomes }) => outcomes[0] === "stored");
        expect(await scanned({ table })).toEqual([comparable(`{"pk":{"S":"a"},"i":{"N":"${winner}"}}`)]);
      });

      it("a call takes 25, also large ones, and each has its own outcome", async () => {
        const items = numbered(25, `,"x":{"S":"${"é".repeat(100_000)}"}`);
        const other = '{"pk":{"S":"item 7"},"x":{"S":"stored"}}';
        const table = await given(HASH, [items[3]!, other]);
        const { outcomes } = await insert(table, items, ["pk"]);
        expect(outcomes).toEqual(items.map((_, i) => (i === 3 ? "same" : i === 7 ? "exists" : "stored")));
        expect((await scanned({ table })).map(normal).sort()).toEqual(
          items.with(7, other).map(valuesOf).sort(),
        );
      });

      it("two items with the same key are refused, and the call stores nothing", async () => {
        const table = await given([{ name: "id", type: "N" }]);
        const items = ['{"id":{"N":"2"}}', '{"id":{"N":"1"}}', '{"x":{"S":"y"},"id":{"N":"1.0"}}'];
        await expectPermanent(insert(table, items, ["id"]), {
          code: "invalid-request",
          resource: table.name,
        });
        expect(await scanned({ table })).toEqual([]);
      });

      it("an item with more names than fit in a statement is stored together with others", async () => {
        const many = Array.from({ length: 400 }, (_, i) => `"attribute-of-a-long-name-${i}":{"N":"${i}"}`);
        const items = ['{"pk":{"S":"a"}}', `{"pk":{"S":"b"},${many.join(",")}}`, '{"pk":{"S":"c"}}'];
        const table = await given(HASH);
        for (const outcome of ["stored", "same"]) {
          const { outcomes } = await insert(table, items, ["pk"]);
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
      ])("%j may be the name of a key and a part of other attributes' names", async (name) => {
        const written = JSON.stringify(name);
        const table = await given([{ name, type: "S" }]);
        const item = `{${written}:{"S":"a"},${JSON.stringify(`${name}2`)}:{"N":"1"}}`;
        expect((await insert(table, [item], [name])).outcomes).toEqual(["stored"]);
        expect((await scanned({ table })).map(normal)).toEqual([valuesOf(item)]);
        const other = `{${written}:{"S":"a"}}`;
        expect((await insert(table, [other], [name])).outcomes).toEqual(["exists"]);
      });

      it("keys may have names that are reserved words or contain dots", async () => {
        const table = await given([
          { name: "timestamp", type: "S" },
          { name: "a.b-c", type: "N" },
        ]);
        const item = '{"timestamp":{"S":"a"},"a.b-c":{"N":"1"}}';
        const names: KeyNames = ["timestamp", "a.b-c"];
        expect((await insert(table, [item], names)).outcomes).toEqual(["stored"]);
        expect((await insert(table, [item], names)).outcomes).toEqual(["same"]);
      });
    });

    describe("given a table's description", () => {
      it("it has the keys in order, with their types", async () => {
        const table = await given([
          { name: "z-hash", type: "B" },
          { name: "a-range", type: "N" },
        ]);
        const description = await subject().tables.describe(table);
        expect(description).toMatchObject({
          status: "ACTIVE",
          keys: ["z-hash", "a-range"],
          keyTypes: { "z-hash": "B", "a-range": "N" },
        });
        expect(description.arn).toContain(table.name);
        expect(description.sizeBytes).toBeGreaterThanOrEqual(0);
      });

      it("its id belongs to the table that has the name now", async ({ skip }) => {
        const instead = subject().lacks?.["table ids"];
        if (instead !== undefined) return skip(instead);
        const table = await given(HASH);
        const id = await subject().tables.identify(table);
        expect(id).toMatch(/./);
        expect((await subject().tables.describe(table)).id).toBe(id);
        expect(await subject().tables.identify(table)).toBe(id);
        expect(await subject().tables.identify(await given(HASH))).not.toBe(id);
        await subject().recreate(table, HASH);
        const other = await subject().tables.identify(table);
        expect(other).toMatch(/./);
        expect(other).not.toBe(id);
      });

      it("its settings are plain JSON, so that table.json can store them", async () => {
        const table = await given(HASH);
        const settings = await subject().tables.settings(table);
        expect(settings).toMatchObject({ Table: { TableName: table.name } });
        expect(JSON.parse(JSON.stringify(settings))).toEqual(settings);
      });
    });

    describe("given no such table", () => {
      const item = '{"pk":{"S":"a"}}';
      const calls: Record<string, (table: TableAddress) => Promise<unknown>> = {
        describe: (table) => subject().tables.describe(table),
        settings: (table) => subject().tables.settings(table),
        identify: (table) => subject().tables.identify(table),
        scan: (table) => subject().tables.scan({ table, segment: 0, totalSegments: 1, consistent: false }),
        count: (table) => subject().tables.count({ table, segment: 0, totalSegments: 1, consistent: false }),
        write: (table) => subject().tables.write(table, [put(item)]),
        insert: (table) => insert(table, [item], ["pk"]),
      };
      it.each(Object.keys(calls))("%s fails with no-such-table and a hint", async (method) => {
        const table = { region: subject().region, name: "contract-missing" };
        await expectPermanent(calls[method]!(table), { code: "no-such-table", resource: table.name });
      });
    });
  });
}

/** By default consistent: on AWS too, the page has what the test has just written. */
async function onePage(tables: TableData, options: ScanOptions): Promise<Page> {
  return cutPage(await tables.scan({ segment: 0, totalSegments: 1, consistent: true, ...options }));
}

/** The text of every item of a segment, read page by page. */
async function scanAll(tables: TableData, options: ScanOptions): Promise<string[]> {
  const items: string[] = [];
  let after = options.after;
  for (;;) {
    const page = await onePage(tables, { ...options, ...(after !== undefined && { after }) });
    items.push(...itemTexts(page));
    if (page.lastEvaluatedKey === undefined) return items;
    after = page.lastEvaluatedKey;
  }
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
