import { afterEach, describe, expect, it } from "vitest";
import { rawClient } from "../testing/dynamodb.ts";
import { type Stub, type StubAnswer, startStub } from "../testing/stub-server.ts";
import { workerTableItems } from "./worker-table.ts";

const change = { set: "SET #a = :a", condition: "#a < :a", names: { "#a": "a" }, values: { ":a": 2 } };

describe("an update of an item of the worker table", () => {
  let stub: Stub;
  afterEach(() => stub.close());

  async function updating(answer: StubAnswer) {
    stub = await startStub(() => answer);
    return workerTableItems(rawClient(stub.endpoint), "ferry-worker-table");
  }
  const refusal = (type: string): StubAnswer => ({ status: 400, body: JSON.stringify({ __type: type }) });

  it("is one conditional call that asks for all attributes", async () => {
    const update = await updating({ body: '{"Attributes":{"a":{"N":"2"},"b":{"S":"x"}}}' });
    expect(await update("some key", change)).toEqual({ a: 2, b: "x" });
    expect(stub.requests.map(({ body }) => JSON.parse(body.toString()))).toEqual([
      {
        TableName: "ferry-worker-table",
        Key: { key: { S: "some key" } },
        UpdateExpression: "SET #a = :a",
        ConditionExpression: "#a < :a",
        ExpressionAttributeNames: { "#a": "a" },
        ExpressionAttributeValues: { ":a": { N: "2" } },
        ReturnValues: "ALL_NEW",
      },
    ]);
  });

  it("without values has none, because DynamoDB refuses an empty map", async () => {
    const update = await updating({ body: "{}" });
    expect(await update("k", { ...change, values: {} })).toEqual({});
    expect(JSON.parse(stub.requests[0]!.body.toString())).not.toHaveProperty("ExpressionAttributeValues");
  });

  it("returns undefined if its condition does not hold", async () => {
    const update = await updating(refusal("ConditionalCheckFailedException"));
    expect(await update("k", change)).toBeUndefined();
  });

  it("throws any other error, with the table and the key", async () => {
    const update = await updating(refusal("ResourceNotFoundException"));
    await expect(update("some key", change)).rejects.toMatchObject({
      code: "no-such-table",
      operation: "UpdateItem",
      resource: "table ferry-worker-table, some key",
    });
  });
});
