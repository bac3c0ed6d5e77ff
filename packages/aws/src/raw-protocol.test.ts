import { crc32 } from "node:zlib";
import { GetItemCommand } from "@aws-sdk/client-dynamodb";
import { elements } from "@ferry/core/archive/cutter";
import { itemsArbitrary, oddJson } from "@ferry/core/testing/odd-json";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { statusReader } from "./status-store.ts";
import { tableData } from "./table.ts";
import { REGION, rawClient } from "./testing/dynamodb.ts";
import { type Stub, type StubAnswer, type StubRequest, startStub } from "./testing/stub-server.ts";

const table = { region: REGION, name: "orders" };
const page = { table, segment: 0, totalSegments: 1, consistent: false };
const encoder = new TextEncoder();

/** An answer with the checksum that DynamoDB sends. */
function sealed(body: string | Uint8Array): StubAnswer {
  const bytes = typeof body === "string" ? encoder.encode(body) : body;
  return { headers: { "x-amz-crc32": String(crc32(bytes)) }, body: bytes };
}

function failure(status: number, type: string, message = "because"): StubAnswer {
  return { status, body: JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${type}`, message }) };
}

describe("given a server that answers as DynamoDB may", () => {
  let stub: Stub;
  afterEach(() => stub.close());

  async function tablesOn(answer: (request: StubRequest, n: number) => StubAnswer, maxAttempts = 1) {
    stub = await startStub(answer);
    const client = () => rawClient(stub.endpoint, maxAttempts);
    return tableData(client, client);
  }

  it("a page's bytes are handed over as they came", async () => {
    let body = new Uint8Array();
    const tables = await tablesOn(() => sealed(body));
    await fc.assert(
      fc.asyncProperty(
        oddJson(fc.record({ Items: itemsArbitrary(5), Count: fc.nat() })),
        async ({ text }) => {
          body = encoder.encode(text);
          expect(Buffer.compare(await tables.scan(page), body)).toBe(0);
        },
      ),
      { numRuns: 50 },
    );
  });

  it("a scan asks for its segment from behind a key, in the words the last page said it", async () => {
    const tables = await tablesOn(() => sealed("{}"));
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
    stub = await startStub(() => sealed("{}"));
    const reader = statusReader(rawClient(stub.endpoint), { backup: "backups" });
    expect(await reader.read({ action: "backup", key: "k", timestamp: 1 })).toBeUndefined();
    expect(JSON.parse(stub.requests[0]!.body.toString())).toMatchObject({ ConsistentRead: true });
  });

  it("items are sent as the bytes they are, and what was not taken is returned as the bytes that came", async () => {
    let unprocessed = "";
    const tables = await tablesOn(() => sealed(`{ "UnprocessedItems" : {"orders":[${unprocessed}]} }`));
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
      { numRuns: 50 },
    );
  });

  it("a retried write is the same bytes, signed anew", async () => {
    const tables = await tablesOn((_, n) => (n < 2 ? failure(500, "InternalServerError") : sealed("{}")), 3);
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

  it("a body that does not match its CRC-32 is asked for again", async () => {
    const good = '{"Items":[],"Count":0}';
    const tables = await tablesOn(
      (_, n) => (n === 0 ? { ...sealed(good), body: '{"Items":[],"Count":1}' } : sealed(good)),
      2,
    );
    expect(Buffer.from(await tables.scan(page)).toString()).toBe(good);
    expect(stub.requests).toHaveLength(2);
  });

  it("a body that never matches is an error that passes, of ordinary operations too", async () => {
    const tables = await tablesOn(() => ({ headers: { "x-amz-crc32": "1" }, body: "{}" }), 2);
    await expect(tables.scan(page)).rejects.toMatchObject({
      kind: "transient",
      code: "service-error",
      message: expect.stringMatching(/^ChecksumMismatch: /),
    });
    await expect(
      rawClient(stub.endpoint).send(new GetItemCommand({ TableName: "orders", Key: { id: { S: "a" } } })),
    ).rejects.toThrow("CRC-32");
  });

  it("a body cut off on its way is asked for again", async () => {
    const good = '{"Items":[],"Count":0}';
    const tables = await tablesOn(
      (_, n) =>
        n === 0
          ? { headers: { "content-length": "22", connection: "close" }, body: good.slice(0, 9) }
          : sealed(good),
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
    // A call that is refused for what it asks is made as conditional puts: see insert.test.ts.
    const isPut = code === "access-denied" || code === "invalid-request";
    await expect(tables.insert(table, [item], ["id"])).rejects.toMatchObject({
      ...expected,
      operation: isPut ? "PutItem" : "BatchExecuteStatement",
    });
  });

  it("a 502 whose body is no JSON passes", async () => {
    const tables = await tablesOn(() => ({ status: 502, body: "<html>Bad Gateway</html>" }));
    await expect(tables.scan(page)).rejects.toMatchObject({ kind: "transient" });
  });

  it("a connection that is refused passes", async () => {
    const tables = await tablesOn(() => ({}));
    await stub.close();
    await expect(tables.scan(page)).rejects.toMatchObject({ kind: "transient", operation: "Scan" });
  });

  it("a missing permission is named", async () => {
    const answer = JSON.stringify({
      Table: { TableArn: "arn", KeySchema: [{ AttributeName: "id", KeyType: "HASH" }] },
    });
    const tables = await tablesOn(({ headers }) =>
      String(headers["x-amz-target"]).endsWith("DescribeTable")
        ? { body: answer }
        : failure(400, "AccessDeniedException"),
    );
    await expect(tables.describe(table)).rejects.toMatchObject({
      kind: "permanent",
      hint: expect.stringMatching(/dynamodb:(DescribeTimeToLive|ListTagsOfResource)/),
    });
  });
});
