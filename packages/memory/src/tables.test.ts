/**
 * Tests of the faults that memory tables inject. The behaviour that all hosts share is in packages/contracts/src/tables.ts.
 */
import { cutPage } from "@ferry/core/archive/page";
import { isThrottled } from "@ferry/core/errors/errors";
import { seeded } from "@ferry/core/hash";
import type { ScanPage } from "@ferry/core/ports";
import type { DynamoKey } from "@ferry/core/table/dynamo-key";
import { itemTexts } from "@ferry/core/testing/page-items";
import { expectPermanent } from "@ferry/core/testing/refused";
import { describe, expect, it } from "vitest";
import { type MemoryTables, type MemoryTablesOptions, memoryTables } from "./tables.ts";

const table = { region: "eu-west-1", name: "orders" };
const put = (pk: string) => ({ put: new TextEncoder().encode(`{"pk":{"S":"${pk}"}}`) });
const whole = { table, segment: 0, totalSegments: 1, consistent: false };

function given(items: number, options: MemoryTablesOptions = {}): MemoryTables {
  const tables = memoryTables(options);
  tables.create(table, { keys: [{ name: "pk", type: "S" }] });
  tables.put(table, ...Array.from({ length: items }, (_, i) => `{"pk":{"S":"${i}"}}`));
  return tables;
}

async function scan(tables: MemoryTables, options: Partial<ScanPage> = {}) {
  const page = cutPage(await tables.scan({ ...whole, ...options }));
  return { count: page.count, after: page.lastEvaluatedKey };
}

describe("a scan of tables in memory", () => {
  it("returns a last key at the limit, even if nothing follows", async () => {
    const tables = given(3);
    const page = await scan(tables, { limit: 3 });
    expect(page).toMatchObject({ count: 3, after: expect.anything() });
    expect(await scan(tables, { after: page.after! })).toEqual({ count: 0, after: undefined });
  });

  it("ends a page after the item that reaches the size limit", async () => {
    // Each item is 16 bytes.
    expect((await scan(given(9), {})).count).toBe(9);
    expect((await scan(given(9, { pageBytes: 33 }))).count).toBe(3);
    expect((await scan(given(9, { pageBytes: 1 }))).count).toBe(1);
  });

  it("returns short and empty pages on request, and continues after them", async () => {
    const random = seeded(3);
    const tables = given(40, { faults: { scan: () => ({ itemsMax: Math.floor(random() * 3) }) } });
    tables.remove(table, { pk: { S: "7" } });
    let [read, empty] = [0, 0];
    let after: DynamoKey | undefined;
    do {
      const page = await scan(tables, after && { after });
      read += page.count;
      if (page.count === 0 && page.after !== undefined) empty++;
      after = page.after;
    } while (after !== undefined);
    expect(read).toBe(39);
    expect(empty).toBeGreaterThan(3);
  });

  it("is throttled on request", async () => {
    const error = await given(1, { faults: { scan: () => "throttled" } })
      .scan(whole)
      .catch((thrown: unknown) => thrown);
    expect(isThrottled(error)).toBe(true);
  });

  it("refuses a start key of another segment or schema, and an invalid segment", async () => {
    const tables = given(20);
    const { after } = await scan(tables, { segment: 1, totalSegments: 4, limit: 1 });
    for (const options of [
      { after: after!, segment: 2, totalSegments: 4 },
      { after: { pk: { N: "1" } } },
      { after: { pk: { S: "1" }, sk: { S: "1" } } },
      { segment: 4, totalSegments: 4 },
      { totalSegments: 1_000_001 },
      { limit: 0 },
    ])
      await expectPermanent(scan(tables, options), { resource: "orders" });
  });

  it("with a layout, varies in order and white space, identically for the same seed", async () => {
    const bodies = async (seed: number) => {
      const tables = given(5, { layout: seeded(seed) });
      return [await tables.scan({ ...whole, limit: 4 }), await tables.scan({ ...whole, limit: 4 })].map(
        (body) => new TextDecoder().decode(body),
      );
    };
    const [first, second] = await bodies(1);
    expect(first).not.toBe(second);
    expect(JSON.parse(first!)).toEqual(JSON.parse(second!));
    expect(await bodies(1)).toEqual([first, second]);
  });
});

describe("a write to tables in memory", () => {
  it("leaves the last writes unprocessed on request, but never all", async () => {
    for (const [unprocessed, left] of [
      [1, ["c"]],
      [9, ["b", "c"]],
    ] as const) {
      const tables = given(0, { faults: { write: () => ({ unprocessed }) } });
      const result = await tables.write(table, ["a", "b", "c"].map(put));
      expect(result.unprocessed).toEqual(left.map(put));
      expect(tables.items(table)).toHaveLength(3 - left.length);
    }
  });

  it("writes nothing when it is throttled on request", async () => {
    const tables = given(0, { faults: { write: () => "throttled" } });
    for (const call of [tables.write(table, [put("a")]), tables.insert(table, [put("a").put], ["pk"])])
      expect(isThrottled(await call.catch((thrown: unknown) => thrown))).toBe(true);
    expect(tables.items(table)).toEqual([]);
  });

  it("refuses an empty call, and an item above 400 KiB", async () => {
    const tables = given(0);
    const sized = (pk: string, bytes: number) => ({
      put: new TextEncoder().encode(`{"pk":{"S":"${pk}"},"x":{"S":"${"x".repeat(bytes)}"}}`),
    });
    await expectPermanent(tables.write(table, []));
    await expectPermanent(tables.write(table, [sized("a", 400 * 1024)]));
    expect((await tables.write(table, [sized("a", 399 * 1024)])).units).toBeGreaterThanOrEqual(399);
  });

  it("reaches a table by name and by ARN, but not a table that is being created", async () => {
    const tables = given(1);
    const { arn } = await tables.describe(table);
    expect((await scan(tables, { table: { ...table, name: arn } })).count).toBe(1);
    const creating = { ...table, name: "creating" };
    tables.create(creating, { keys: [{ name: "pk", type: "S" }], status: "CREATING" });
    expect((await tables.describe(creating)).status).toBe("CREATING");
    await expectPermanent(tables.write(creating, [put("a")]), { code: "no-such-table" });
  });
});

describe("an eventually consistent scan of tables in memory", () => {
  const item = (version: string) => `{"pk":{"S":"a"},"v":{"S":"${version}"}}`;
  let nowMs = 0;
  const staleTables = () => {
    nowMs = 0;
    const tables = memoryTables({ staleness: { now: () => nowMs, msMax: 1000, random: seeded(1) } });
    tables.create(table, { keys: [{ name: "pk", type: "S" }] });
    return tables;
  };
  /** The versions of the one item that many scans return. */
  async function seen(tables: MemoryTables, consistent: boolean): Promise<string[]> {
    const texts = new Set<string>();
    for (let i = 0; i < 50; i++) {
      texts.add(itemTexts(cutPage(await tables.scan({ ...whole, consistent }))).join());
    }
    return [...texts].sort();
  }

  it("returns any version of the window, also a missing item; a consistent scan returns the latest", async () => {
    const tables = staleTables();
    nowMs = 100;
    tables.put(table, item("1"));
    nowMs = 900;
    tables.put(table, item("2"));
    expect(await seen(tables, false)).toEqual(["", item("1"), item("2")]);
    expect(await seen(tables, true)).toEqual([item("2")]);
    nowMs = 1100;
    expect(await seen(tables, false)).toEqual([item("1"), item("2")]);
    nowMs = 1900;
    expect(await seen(tables, false)).toEqual([item("2")]);
  });

  it("may return an item that was deleted within the window", async () => {
    const tables = staleTables();
    tables.put(table, item("1"));
    nowMs = 5000;
    tables.remove(table, { pk: { S: "a" } });
    nowMs = 5999;
    expect(await seen(tables, false)).toEqual(["", item("1")]);
    expect(await seen(tables, true)).toEqual([""]);
    nowMs = 6000;
    expect(await seen(tables, false)).toEqual([""]);
  });

  it("may also miss an item that the engine wrote", async () => {
    const tables = staleTables();
    await tables.write(table, [{ put: new TextEncoder().encode(item("1")) }]);
    expect(await seen(tables, false)).toEqual(["", item("1")]);
  });
});
