import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { withOtherDynamoDb } from "./other-dynamodb.ts";

const received: { request: IncomingMessage; body: string }[] = [];
const server = createServer(async (request, response) => {
  received.push({ request, body: (await buffer(request)).toString() });
  response.writeHead(400, { "x-amz-crc32": "7", "content-type": "application/x-amz-json-1.0" });
  response.end('{"from":"the other engine \u{1F600}"}');
});
let handle: ReturnType<typeof withOtherDynamoDb>;
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  handle = withOtherDynamoDb({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    own: async () => ({ status: 200, headers: {}, body: "own" }),
    region: "eu-central-2",
    ownTables: new Set(["ferry-rows", "ferry-work"]),
  });
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => void received.splice(0));

const call = (body: object | string, region = "eu-central-2") =>
  handle(region, {
    method: "POST",
    url: "/",
    headers: { host: "127.0.0.1:4650", "x-amz-target": "DynamoDB_20120810.Any", authorization: "signed" },
    body: Buffer.from(typeof body === "string" ? body : JSON.stringify(body)),
  });

describe("with another DynamoDB engine", () => {
  test.each([
    { TableName: "ferry-rows" },
    { RequestItems: { "ferry-rows": [], "ferry-work": [] } },
    { TransactItems: [{ Put: { TableName: "ferry-work" } }] },
  ])("%j is a call on Ferry's own tables", async (input) => {
    expect((await call(input)).body).toBe("own");
    expect(received).toEqual([]);
  });

  test.each([
    { TableName: "cities" },
    { RequestItems: { cities: [{ PutRequest: { Item: { id: { S: "ferry-rows" } } } }] } },
    {},
    "no JSON",
  ])("%j goes to the engine as it is, and its response comes back as it is", async (input) => {
    const reply = await call(input);
    expect(reply).toMatchObject({ status: 400, headers: { "x-amz-crc32": "7" } });
    expect(reply.body).toBe('{"from":"the other engine \u{1F600}"}');
    const [{ request, body }] = received as [(typeof received)[0]];
    expect(body).toBe(typeof input === "string" ? input : JSON.stringify(input));
    expect(request.headers).toMatchObject({
      "x-amz-target": "DynamoDB_20120810.Any",
      authorization: "signed",
    });
    expect(request.headers.host).not.toBe("127.0.0.1:4650");
  });

  test("in another region a table may have the name of one of Ferry's", async () => {
    expect((await call({ TableName: "ferry-rows" }, "us-east-1")).status).toBe(400);
  });

  test("a call on tables of both is refused", async () => {
    const reply = await call({ RequestItems: { "ferry-rows": [], cities: [] } });
    expect(reply.status).toBe(400);
    expect(JSON.parse(reply.body)).toMatchObject({
      message: expect.stringContaining("Ferry's own tables (ferry-rows) together with others"),
    });
    expect(received).toEqual([]);
  });
});
