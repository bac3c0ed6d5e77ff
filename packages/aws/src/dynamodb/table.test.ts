import { elements } from "@ferry/core/archive/cutter";
import { cutPage } from "@ferry/core/archive/page";
import type { TableData, Write } from "@ferry/core/ports";
import type { DynamoKey } from "@ferry/core/table/dynamo-key";
import { itemsArbitrary, oddJson } from "@ferry/core/testing/odd-json";
import { itemTexts } from "@ferry/core/testing/page-items";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createTable, REGION, rawClient, startDynamoDb } from "../testing/dynamodb.ts";
import { type Listening, type Stub, startStub } from "../testing/stub-server.ts";
import { tableData } from "./table.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

describe("tables on a DynamoDB engine", () => {
  let engine: Listening;
  let tables: TableData;
  let made = 0;

  beforeAll(async () => {
    engine = await startDynamoDb();
    const client = () => rawClient(engine.endpoint);
    tables = tableData(client, client);
  });
  afterAll(() => engine.close());

  async function freshTable(keys: Readonly<Record<string, "S" | "N" | "B">> = { id: "S" }) {
    const name = `table-${made++}`;
    await createTable(rawClient(engine.endpoint), name, keys);
    return { region: REGION, name };
  }
  async function scanned(table: { region: string; name: string }, limit?: number): Promise<string[]> {
    const found: string[] = [];
    let after: DynamoKey | undefined;
    do {
      const page = cutPage(
        await tables.scan({
          table,
          segment: 0,
          totalSegments: 1,
          consistent: true,
          ...(after !== undefined && { after }),
          ...(limit !== undefined && { limit }),
        }),
      );
      found.push(...itemTexts(page));
      after = page.lastEvaluatedKey;
    } while (after !== undefined);
    return found;
  }
  async function throughTable(items: readonly Uint8Array[]): Promise<string[]> {
    const table = await freshTable();
    if (items.length > 0)
      await tables.write(
        table,
        items.map((put) => ({ put })),
      );
    return scanned(table);
  }
  const parsed = (texts: readonly string[]) => texts.map((text) => JSON.parse(text));

  /** dynalite ignores attributes that are named `__proto__`. */
  const storable = itemsArbitrary(8)
    .map(canonicalBinary)
    .filter((items) => !JSON.stringify(items).includes('"__proto__"'));

  it("items of any JSON form survive a write and a scan, and a second round returns identical bytes", async () => {
    await fc.assert(
      fc.asyncProperty(oddJson(storable), async ({ value, text }) => {
        const bytes = encoder.encode(text);
        const items = elements(bytes, 0).map(({ start, end }) => bytes.subarray(start, end));
        const once = await throughTable(items);
        expect(comparable(parsed(once))).toEqual(comparable(value));
        expect(await throughTable(once.map((item) => encoder.encode(item)))).toEqual(once);
      }),
      { numRuns: 12 },
    );
  });

  it("given odd white space, key order, escapes and 38 digits, the values are kept exactly", async () => {
    const table = await freshTable();
    const put = encoder.encode(
      '\t{ "z" : {"N":"12345678901234567890123456789012345678"} ,\r\n"s":{"S":"\\u0061\\ud83d\\ude80\\"]}{[\\\\"},' +
        '"big":{"N":"-9.9999999999999999999999999999999999999E+125"},"b":{"B":"AP/+"},' +
        '"m":{"M":{"k,}":{"L":[{"NULL":true},{"BOOL":false}]}}},"id":{"S":"one"}\n}',
    );
    expect(await tables.write(table, [{ put }])).toMatchObject({ unprocessed: [] });
    const [item] = parsed(await scanned(table));
    expect(item).toMatchObject({
      id: { S: "one" },
      z: { N: "12345678901234567890123456789012345678" },
      s: { S: 'a🚀"]}{[\\' },
      b: { B: "AP/+" },
      m: { M: { "k,}": { L: [{ NULL: true }, { BOOL: false }] } } },
    });
  });

  it("given binary and number keys, a scan continues page by page", async () => {
    const table = await freshTable({ b: "B", n: "N" });
    const writes: Write[] = Array.from({ length: 20 }, (_, i) => ({
      put: encoder.encode(`{"b":{"B":"${Buffer.from([0, 255, i]).toString("base64")}"},"n":{"N":"${i}.5"}}`),
    }));
    await tables.write(table, writes);
    const all = parsed(await scanned(table, 3));
    expect(new Set(all.map((item) => item.n.N))).toEqual(
      new Set(Array.from({ length: 20 }, (_, i) => `${i}.5`)),
    );
  });

  it("given a put and a delete, both take effect", async () => {
    const table = await freshTable();
    await tables.write(table, [{ put: encoder.encode('{"id":{"S":"a"}}') }]);
    const result = await tables.write(table, [
      { remove: encoder.encode('{"id":{"S":"a"}}') },
      { put: encoder.encode('{"id":{"S":"b"}}') },
    ]);
    expect(result.unprocessed).toEqual([]);
    expect(result.units).toBeGreaterThan(0);
    expect(parsed(await scanned(table))).toEqual([{ id: { S: "b" } }]);
  });

  it("given a stored item with the key, insert stores nothing", async () => {
    const table = await freshTable({ "odd name": "S", r: "N" });
    const item = (v: string) => encoder.encode(`{"v":{"S":"${v}"},"odd name":{"S":"x"},"r":{"N":"1"}}`);
    expect(await tables.insert(table, [item("first")], ["odd name", "r"])).toEqual({
      outcomes: ["stored"],
      units: 1,
    });
    expect(await tables.insert(table, [item("second")], ["odd name", "r"])).toEqual({
      outcomes: ["exists"],
      units: 1,
    });
    expect(parsed(await scanned(table))).toMatchObject([{ v: { S: "first" } }]);
  });

  it("a table's description has keys, types and plain settings", async () => {
    const table = await freshTable({ h: "S", r: "B" });
    const description = await tables.describe(table);
    expect(description).toMatchObject({ keys: ["h", "r"], keyTypes: { h: "S", r: "B" }, status: "ACTIVE" });
    expect(description.arn).toContain(table.name);
    expect(description.provisioned).toBeUndefined();
    expect(await tables.settings(table)).toMatchObject({
      Table: { CreationDateTime: expect.stringMatching(/^\d{4}-.*Z$/), TableName: table.name },
      TimeToLiveDescription: { TimeToLiveStatus: "DISABLED" },
      Tags: [],
    });
  });

  it.each([
    ["DescribeTable", () => tables.describe({ region: REGION, name: "no-such" })],
    ["Scan", () => scanned({ region: REGION, name: "no-such" })],
    [
      "BatchWriteItem",
      () => tables.write({ region: REGION, name: "no-such" }, [{ put: encoder.encode('{"id":{"S":"a"}}') }]),
    ],
    [
      "PutItem",
      () => tables.insert({ region: REGION, name: "no-such" }, [encoder.encode('{"id":{"S":"a"}}')], ["id"]),
    ],
  ])("given no such table, the error of %s has a hint", async (operation, call) => {
    await expect(call()).rejects.toMatchObject({
      kind: "permanent",
      code: "no-such-table",
      operation,
      resource: `table no-such in ${REGION}`,
      hint: expect.stringContaining("table-name"),
    });
  });

  it("given an item without its key, the write fails permanently", async () => {
    const table = await freshTable();
    await expect(tables.write(table, [{ put: encoder.encode('{"x":{"S":"a"}}') }])).rejects.toMatchObject({
      kind: "permanent",
      code: "invalid-request",
    });
  });
});

describe("the requests of tables", () => {
  let stub: Stub;
  afterEach(() => stub.close());
  const table = { region: REGION, name: "orders" };
  const page = { table, segment: 3, totalSegments: 7, consistent: false };

  /** Tables whose clients record each call's region, kind and input; all calls are answered with `answer`. */
  async function tablesOn(answer: object) {
    stub = await startStub(() => ({ body: JSON.stringify(answer) }));
    const calls: { kind: string; region: string; input: object }[] = [];
    const clients = (kind: string) => (region: string) => {
      const client = rawClient(stub.endpoint);
      return Object.assign(Object.create(client), {
        send: (command: Parameters<typeof client.send>[0]) => {
          calls.push({ kind, region, input: command.input });
          return client.send(command);
        },
      }) as typeof client;
    };
    return { tables: tableData(clients("once"), clients("retrying")), calls };
  }
  const bodies = () => stub.requests.map(({ body }) => JSON.parse(body.toString()) as object);

  it("a scan names the table, the segment, the start key and the limit, and asks for the units", async () => {
    const { tables } = await tablesOn({});
    const after = { id: { B: "AP8=" } };
    await tables.scan(page);
    await tables.scan({ ...page, consistent: true, after, limit: 5 });
    const shared = { TableName: "orders", Segment: 3, TotalSegments: 7, ReturnConsumedCapacity: "TOTAL" };
    expect(bodies()).toEqual([
      { ...shared, ConsistentRead: false },
      { ...shared, ConsistentRead: true, ExclusiveStartKey: after, Limit: 5 },
    ]);
  });

  it("a scan returns the response's bytes", async () => {
    const { tables } = await tablesOn({ Items: [{ id: { S: "a" } }] });
    expect(decoder.decode(await tables.scan(page))).toBe('{"Items":[{"id":{"S":"a"}}]}');
  });

  it("a count is the same request without the items", async () => {
    const { tables } = await tablesOn({ Count: 4 });
    await tables.scan(page);
    await tables.count(page);
    const [scan, count] = bodies();
    expect(count).toEqual({ ...scan, Select: "COUNT" });
  });

  it.each([
    ["with a key", { LastEvaluatedKey: { id: { N: "1.0" } } }, { after: { id: { N: "1.0" } }, units: 0 }],
    ["with null for a key", { LastEvaluatedKey: null, ConsumedCapacity: null }, { units: 0 }],
    ["with units", { ConsumedCapacity: { CapacityUnits: 2.5 } }, { units: 2.5 }],
    ["without the number of units", { ConsumedCapacity: { TableName: "orders" } }, { units: 0 }],
  ])("a count's response %s is read", async (_, more, expected) => {
    const { tables } = await tablesOn({ Count: 4, ScannedCount: 9, ...more });
    expect(await tables.count(page)).toStrictEqual({ items: 4, ...expected });
  });

  it("descriptions are retried by the SDK, other calls are not; each goes to the table's region", async () => {
    const { tables, calls } = await tablesOn({
      Count: 0,
      Table: { TableArn: "arn:x", TableId: "id", KeySchema: [{ AttributeName: "id", KeyType: "HASH" }] },
      Responses: [{}],
    });
    const item = encoder.encode('{"id":{"S":"a"}}');
    const at = (region: string) => ({ region, name: "orders" });
    await tables.describe(at("a"));
    calls.splice(1);
    await tables.identify(at("b"));
    await tables.scan({ ...page, table: at("c") });
    await tables.count({ ...page, table: at("d") });
    await tables.write(at("e"), [{ put: item }]);
    await tables.insert(at("f"), [item], ["id"]);
    expect(calls.map(({ kind, region }) => `${kind} ${region}`)).toEqual([
      "retrying a",
      "retrying b",
      "once c",
      "once d",
      "once e",
      "once f",
    ]);
  });

  it("the input that the SDK sees names only the table, by which it finds the endpoint", async () => {
    const { tables, calls } = await tablesOn({ Count: 0 });
    await tables.scan(page);
    await tables.write(table, [{ put: encoder.encode('{"id":{"S":"a"}}') }]);
    expect(calls.map(({ input }) => JSON.parse(JSON.stringify(input)))).toEqual([
      { TableName: "orders" },
      { RequestItems: { orders: [] } },
    ]);
  });

  it("a write sends its items and reads what was not written", async () => {
    const put = { PutRequest: { Item: { id: { S: "a" } } } };
    const { tables } = await tablesOn({
      UnprocessedItems: { orders: [put] },
      ConsumedCapacity: [{ TableName: "orders", CapacityUnits: 3 }],
    });
    const item = encoder.encode('{"id":{"S":"a"}}');
    const { unprocessed, units } = await tables.write(table, [{ put: item }]);
    expect(unprocessed.map((write) => "put" in write && decoder.decode(write.put))).toEqual([
      '{"id":{"S":"a"}}',
    ]);
    expect(units).toBe(3);
    expect(bodies()).toEqual([{ RequestItems: { orders: [put] }, ReturnConsumedCapacity: "TOTAL" }]);
  });
});

/** The engine formats numbers and orders sets differently: this makes equal values comparable. */
function comparable(value: unknown): unknown {
  if (Array.isArray(value))
    return value.map(comparable).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([name, one]) => [
    name,
    name === "N" && typeof one === "string"
      ? Number(one)
      : name === "NS"
        ? one.map(Number).sort()
        : comparable(one),
  ]);
  return Object.fromEntries(entries.sort());
}

/** fast-check's base64 may have unused bits set in its last character, which DynamoDB refuses. */
function canonicalBinary(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (name, one) =>
    name === "B" && typeof one === "string" ? Buffer.from(one, "base64").toString("base64") : one,
  );
}
