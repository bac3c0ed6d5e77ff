import { crc32 } from "node:zlib";
import {
  BatchExecuteStatementCommand,
  BatchGetItemCommand,
  BatchWriteItemCommand,
  GetItemCommand,
  ScanCommand,
} from "@aws-sdk/client-dynamodb";
import { elements } from "@ferry/core/archive/cutter";
import { itemsArbitrary, oddJson } from "@ferry/core/testing/odd-json";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { tableData } from "../dynamodb/table.ts";
import { statusReader } from "../status/status-store.ts";
import { REGION, rawClient } from "../testing/dynamodb.ts";
import { type Stub, type StubAnswer, type StubRequest, startStub } from "../testing/stub-server.ts";
import { rawBodyOf, withRawBody } from "./raw-protocol.ts";

const table = { region: REGION, name: "orders" };
const page = { table, segment: 0, totalSegments: 1, consistent: false };
const encoder = new TextEncoder();

/** A response with the checksum that DynamoDB sends. */
function withChecksum(body: string | Uint8Array): StubAnswer {
  const bytes = typeof body === "string" ? encoder.encode(body) : body;
  return { headers: { "x-amz-crc32": String(crc32(bytes)) }, body: bytes };
}

function failure(status: number, type: string, message = "because"): StubAnswer {
  return { status, body: JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${type}`, message }) };
}

describe("RawProtocol on a stub of DynamoDB", () => {
  let stub: Stub;
  afterEach(() => stub.close());

  async function tablesOn(answer: (request: StubRequest, n: number) => StubAnswer, maxAttempts = 1) {
    stub = await startStub(answer);
    const client = () => rawClient(stub.endpoint, maxAttempts);
    return tableData(client, client);
  }

  it("a scan returns a page's bytes unchanged", async () => {
    let body = new Uint8Array();
    const tables = await tablesOn(() => withChecksum(body));
    await fc.assert(
      fc.asyncProperty(
        oddJson(fc.record({ Items: itemsArbitrary(5), Count: fc.nat() })),
        async ({ text }) => {
          body = encoder.encode(text);
          expect(Buffer.compare(await tables.scan(page), body)).toBe(0);
        },
      ),
      { numRuns: 25 },
    );
  });

  it("a scan requests its segment and sends the start key exactly as the last page returned it", async () => {
    const tables = await tablesOn(() => withChecksum("{}"));
    const after = { id: { B: "AP/+" }, n: { N: "1.50" } };
    await tables.scan({ table, segment: 3, totalSegments: 8, consistent: true, limit: 7, after });
    await tables.scan(page);
    expect(stub.requests.map(({ body }) => JSON.parse(body.toString()))).toEqual([
      {
        TableName: "orders",
        Segment: 3,
        TotalSegments: 8,
        ConsistentRead: true,
        Limit: 7,
        ExclusiveStartKey: after,
        ReturnConsumedCapacity: "TOTAL",
      },
      {
        TableName: "orders",
        Segment: 0,
        TotalSegments: 1,
        ConsistentRead: false,
        ReturnConsumedCapacity: "TOTAL",
      },
    ]);
  });

  it("a task's row is read consistently", async () => {
    stub = await startStub(() => withChecksum("{}"));
    const reader = statusReader(rawClient(stub.endpoint), { backup: "backups" });
    expect(await reader.read({ action: "backup", key: "k", timestamp: 1 })).toBeUndefined();
    expect(JSON.parse(stub.requests[0]!.body.toString())).toMatchObject({ ConsistentRead: true });
  });

  it("a write sends items as unchanged bytes and returns unprocessed ones as unchanged bytes", async () => {
    let unprocessed = "";
    const tables = await tablesOn(() => withChecksum(`{ "UnprocessedItems" : {"orders":[${unprocessed}]} }`));
    await fc.assert(
      fc.asyncProperty(oddJson(itemsArbitrary(5).filter((items) => items.length > 0)), async ({ text }) => {
        const bytes = encoder.encode(text);
        const items = elements(bytes, 0).map(({ start, end }) => bytes.subarray(start, end));
        const asText = items.map((item) => Buffer.from(item).toString());
        unprocessed = asText.map((item) => `{"PutRequest": {"Item" :\n${item}}}`).join(" ,");
        const result = await tables.write(
          table,
          items.map((put) => ({ put })),
        );
        const sent = stub.requests.at(-1)!.body.toString();
        expect(sent).toBe(
          `{"RequestItems":{"orders":[${asText.map((item) => `{"PutRequest":{"Item":${item}}}`).join(",")}]},` +
            '"ReturnConsumedCapacity":"TOTAL"}',
        );
        expect(
          result.unprocessed.map((write) => "put" in write && Buffer.from(write.put).toString()),
        ).toEqual(asText);
      }),
      { numRuns: 25 },
    );
  });

  it("a retried write sends the same bytes with a new signature", async () => {
    const tables = await tablesOn(
      (_, n) => (n < 2 ? failure(500, "InternalServerError") : withChecksum("{}")),
      3,
    );
    await tables.write(table, [{ put: encoder.encode('{ "id":{"S":"é"}}') }]);
    expect(stub.requests).toHaveLength(3);
    const [first, ...others] = stub.requests.map(({ body }) => body.toString("hex"));
    expect(others).toEqual([first, first]);
    for (const { headers, body } of stub.requests) {
      expect(headers["content-length"]).toBe(String(body.length));
      expect(headers.authorization).toContain("AWS4-HMAC-SHA256");
      expect(headers["x-amz-target"]).toBe("DynamoDB_20120810.BatchWriteItem");
      expect(headers["content-type"]).toBe("application/x-amz-json-1.0");
    }
  });

  it("a call whose response does not match its CRC-32 is retried", async () => {
    const good = '{"Items":[],"Count":0}';
    const tables = await tablesOn(
      (_, n) => (n === 0 ? { ...withChecksum(good), body: '{"Items":[],"Count":1}' } : withChecksum(good)),
      2,
    );
    expect(Buffer.from(await tables.scan(page)).toString()).toBe(good);
    expect(stub.requests).toHaveLength(2);
  });

  it("a response that never matches its CRC-32 is a transient error, also of operations with parsed bodies", async () => {
    const tables = await tablesOn(() => ({ headers: { "x-amz-crc32": "1" }, body: "{}" }), 2);
    await expect(tables.scan(page)).rejects.toMatchObject({
      kind: "transient",
      code: "service-error",
      message: expect.stringMatching(/ failed: ChecksumMismatch: /),
    });
    await expect(
      rawClient(stub.endpoint).send(new GetItemCommand({ TableName: "orders", Key: { id: { S: "a" } } })),
    ).rejects.toThrow("CRC-32");
  });

  it("a call whose response is truncated is retried", async () => {
    const good = '{"Items":[],"Count":0}';
    const tables = await tablesOn(
      (_, n) =>
        n === 0
          ? { headers: { "content-length": "22", connection: "close" }, body: good.slice(0, 9) }
          : withChecksum(good),
      2,
    );
    expect(Buffer.from(await tables.scan(page)).toString()).toBe(good);
  });

  it.each([
    [400, "ProvisionedThroughputExceededException", "throttled", "throttled"],
    [400, "ThrottlingException", "throttled", "throttled"],
    [400, "RequestLimitExceeded", "throttled", "throttled"],
    [503, "ServiceUnavailable", "throttled", "throttled"],
    [400, "ResourceNotFoundException", "permanent", "no-such-table"],
    [400, "AccessDeniedException", "permanent", "access-denied"],
    [400, "ValidationException", "permanent", "invalid-request"],
    [400, "UnrecognizedClientException", "permanent", "credentials-refused"],
    [400, "ExpiredTokenException", "transient", "service-error"],
    [500, "InternalServerError", "transient", "service-error"],
    [400, "SomethingNew", "transient", "service-error"],
  ])("%i %s of a scan, a write and an insert is %s", async (status, type, kind, code) => {
    const tables = await tablesOn(() => failure(status, type));
    const item = encoder.encode('{"id":{"S":"a"}}');
    const resource = `table orders in ${REGION}`;
    const expected = { kind, code, resource, message: expect.stringContaining("because") };
    await expect(tables.scan(page)).rejects.toMatchObject({ ...expected, operation: "Scan" });
    await expect(tables.write(table, [{ put: item }])).rejects.toMatchObject({
      ...expected,
      operation: "BatchWriteItem",
    });
    // Items of a call that is invalid or denied are put alone: see insert.test.ts.
    const isPut = code === "access-denied" || code === "invalid-request";
    await expect(tables.insert(table, [item], ["id"])).rejects.toMatchObject({
      ...expected,
      operation: isPut ? "PutItem" : "BatchExecuteStatement",
    });
  });

  it("an input with a raw body keeps its fields and is a copy", () => {
    const input = { TableName: "orders" };
    const raw = withRawBody(input, encoder.encode("{}"));
    expect(raw.TableName).toBe("orders");
    expect(raw).not.toBe(input);
    expect(Object.getOwnPropertySymbols(input)).toEqual([]);
  });

  it.each([
    ["Scan", new ScanCommand({ TableName: "orders" })],
    ["BatchWriteItem", new BatchWriteItemCommand({ RequestItems: {} })],
    ["BatchExecuteStatement", new BatchExecuteStatementCommand({ Statements: [] })],
    ["BatchGetItem", new BatchGetItemCommand({ RequestItems: {} })],
  ])(
    "%s returns the raw response and its metadata, and is sent as the SDK builds it if there is no raw body",
    async (_, command) => {
      const body = '{ "Count" : 1 }';
      stub = await startStub(() => ({ ...withChecksum(body), status: 200 }));
      const output = (await rawClient(stub.endpoint).send(command as ScanCommand)) as object;
      expect(Buffer.from(rawBodyOf(output)).toString()).toBe(body);
      expect(output).toMatchObject({ $metadata: { httpStatusCode: 200 } });
      expect(output).not.toHaveProperty("Count");
      expect(JSON.parse(stub.requests[0]!.body.toString())).toEqual(command.input);
    },
  );

  it("another operation's response is parsed, and has no raw body", async () => {
    stub = await startStub(() => withChecksum('{"Item":{"id":{"S":"a"}}}'));
    const output = await rawClient(stub.endpoint).send(
      new GetItemCommand({ TableName: "orders", Key: { id: { S: "a" } } }),
    );
    expect(output.Item).toEqual({ id: { S: "a" } });
    expect(() => rawBodyOf(output)).toThrow(TypeError);
  });

  it("a response without a CRC-32 is accepted", async () => {
    const tables = await tablesOn(() => ({ body: '{"Count":0}' }));
    expect(Buffer.from(await tables.scan(page)).toString()).toBe('{"Count":0}');
  });

  it("a status of 300 is an error", async () => {
    const tables = await tablesOn(() => ({ status: 300, body: "{}" }));
    await expect(tables.scan(page)).rejects.toMatchObject({ kind: "transient" });
  });

  it("a 502 whose body is not JSON is a transient error", async () => {
    const tables = await tablesOn(() => ({ status: 502, body: "<html>Bad Gateway</html>" }));
    await expect(tables.scan(page)).rejects.toMatchObject({ kind: "transient" });
  });

  it("a refused connection is a transient error", async () => {
    const tables = await tablesOn(() => ({}));
    await stub.close();
    await expect(tables.scan(page)).rejects.toMatchObject({ kind: "transient", operation: "Scan" });
  });

  it("given a missing permission, the hint names it", async () => {
    const answer = JSON.stringify({
      Table: { TableArn: "arn", KeySchema: [{ AttributeName: "id", KeyType: "HASH" }] },
    });
    const tables = await tablesOn(({ headers }) =>
      String(headers["x-amz-target"]).endsWith("DescribeTable")
        ? { body: answer }
        : failure(400, "AccessDeniedException"),
    );
    await expect(tables.settings(table)).rejects.toMatchObject({
      kind: "permanent",
      hint: expect.stringMatching(/dynamodb:(DescribeTimeToLive|ListTagsOfResource)/),
    });
  });
});
