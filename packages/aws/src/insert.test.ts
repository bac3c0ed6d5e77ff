import { elements, members } from "@ferry/core/archive/cutter";
import { itemsArbitrary, oddJson } from "@ferry/core/testing/odd-json";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { tableData } from "./table.ts";
import { REGION, rawClient } from "./testing/dynamodb.ts";
import { type Stub, type StubAnswer, type StubRequest, startStub } from "./testing/stub-server.ts";

const table = { region: REGION, name: "orders" };
const encoder = new TextEncoder();
const itemOf = (id: string, bytes = 1) =>
  encoder.encode(`{"id":{"S":"${id}"},"x":{"S":"${"x".repeat(bytes)}"}}`);
const refusal = (type: string): StubAnswer => ({
  status: 400,
  body: JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${type}`, message: "because" }),
});
const error = (Code: string) => ({ Error: { Code, Message: "because" } });

type Answer = (body: string, n: number) => StubAnswer | object;

describe("given a server that answers as DynamoDB may", () => {
  let stub: Stub;
  afterEach(() => stub.close());

  /** Tables on a server that answers each operation as it is told; any other with an empty object. */
  async function tablesOn(answers: Readonly<Record<string, Answer>>) {
    const asked = new Map<string, number>();
    stub = await startStub((request) => {
      const operation = operationOf(request);
      const n = asked.get(operation) ?? 0;
      asked.set(operation, n + 1);
      const answer = answers[operation]?.(request.body.toString(), n) ?? {};
      return "status" in answer ? (answer as StubAnswer) : { body: JSON.stringify(answer) };
    });
    const client = () => rawClient(stub.endpoint);
    return tableData(client, client);
  }
  const operationOf = ({ headers }: StubRequest) => String(headers["x-amz-target"]).split(".")[1]!;
  const operations = () => stub.requests.map(operationOf);

  it("a statement carries each value as the bytes that it is, and names its attribute", async () => {
    const tables = await tablesOn({ BatchExecuteStatement: () => ({ Responses: [{}] }) });
    await fc.assert(
      fc.asyncProperty(oddJson(itemsArbitrary(1)), async ({ text }) => {
        const bytes = encoder.encode(text);
        const [span] = elements(bytes, 0);
        if (span === undefined) return;
        const item = bytes.subarray(span.start, span.end);
        const before = stub.requests.length;
        await tables.insert(table, [item], ["id"]).catch(() => {});
        const [request] = stub.requests.slice(before);
        const attributes = members(item);
        const names = attributes.map(({ name }) => name);
        if (operationOf(request!) !== "BatchExecuteStatement") {
          expect(new Set(names).size === names.length && names.length > 0).toBe(false);
          return;
        }
        const { body } = request!;
        const statements = members(body).find(({ name }) => name === "Statements")!;
        const [first] = elements(body, statements.start);
        const [statement, parameters] = members(body, first!.start);
        const fields = names.map((name) => `'${name.replaceAll("'", "''")}': ?`).join(", ");
        expect(JSON.parse(body.subarray(statement!.start, statement!.end).toString())).toBe(
          `INSERT INTO "orders" VALUE {${fields}}`,
        );
        const sent = elements(body, parameters!.start).map(({ start, end }) => body.subarray(start, end));
        expect(sent.map(String)).toEqual(
          attributes.map(({ start, end }) => Buffer.from(item.subarray(start, end)).toString()),
        );
      }),
      { numRuns: 100 },
    );
  });

  it("an item whose key is taken is compared with the one that is there", async () => {
    const tables = await tablesOn({
      BatchExecuteStatement: () => ({
        Responses: [{}, error("DuplicateItem"), error("DuplicateItem"), error("DuplicateItem")],
      }),
      BatchGetItem: () => ({
        Responses: { orders: [{ x: { S: "x" }, id: { S: "same" } }, { id: { S: "other" } }] },
      }),
    });
    const items = ["new", "same", "other", "gone"].map((id) => itemOf(id));
    expect((await tables.insert(table, items, ["id"])).outcomes).toEqual([
      "stored",
      "same",
      "exists",
      "exists",
    ]);
    expect(JSON.parse(stub.requests[1]!.body.toString())).toEqual({
      RequestItems: {
        orders: {
          Keys: [{ id: { S: "same" } }, { id: { S: "other" } }, { id: { S: "gone" } }],
          ConsistentRead: true,
        },
      },
    });
  });

  it.each([
    ["one number a table", [{ CapacityUnits: 9 }], 9],
    ["one number a statement", [{ CapacityUnits: 2 }, { CapacityUnits: 5 }], 7],
    // The items have 2 and 3 KiB; the one that is there has 8.
    ["nothing", undefined, 10],
    ["less than a unit for each statement", [{ CapacityUnits: 1 }], 10],
  ])("given that DynamoDB reports %s, it charges what is known", async (_, ConsumedCapacity, expected) => {
    const tables = await tablesOn({
      BatchExecuteStatement: () => ({ Responses: [{}, error("DuplicateItem")], ConsumedCapacity }),
      BatchGetItem: () => ({
        Responses: { orders: [{ id: { S: "b" }, x: { S: "x".repeat(8000) } }] },
      }),
    });
    const { units } = await tables.insert(table, [itemOf("a", 1500), itemOf("b", 2500)], ["id"]);
    expect(units).toBe(expected);
  });

  it.each([
    "ProvisionedThroughputExceeded",
    "ThrottlingError",
    "RequestLimitExceeded",
    "InternalServerError",
  ])("a statement that fails with %s is unprocessed, and the others are not repeated", async (code) => {
    const tables = await tablesOn({ BatchExecuteStatement: () => ({ Responses: [{}, error(code)] }) });
    const { outcomes, units } = await tables.insert(table, [itemOf("a"), itemOf("b")], ["id"]);
    expect(outcomes).toEqual(["stored", "unprocessed"]);
    // What an internal error consumed is not known.
    expect(units).toBe(code === "InternalServerError" ? 2 : 1);
    expect(operations()).toEqual(["BatchExecuteStatement"]);
  });

  it.each([
    ["ThrottlingError", "throttled"],
    ["InternalServerError", "transient"],
  ])("a call of which every statement fails with %s is %s", async (code, kind) => {
    const tables = await tablesOn({
      BatchExecuteStatement: () => ({ Responses: [error(code), error(code)] }),
    });
    await expect(tables.insert(table, [itemOf("a"), itemOf("b")], ["id"])).rejects.toMatchObject({ kind });
  });

  it("an item whose statement is refused for good is put alone, and the put's error is thrown", async () => {
    const answers = {
      BatchExecuteStatement: () => ({ Responses: [{}, error("ValidationError")] }),
      PutItem: () => refusal("ValidationException"),
    };
    const tables = await tablesOn(answers);
    await expect(tables.insert(table, [itemOf("a"), itemOf("b")], ["id"])).rejects.toMatchObject({
      ...{ kind: "permanent", code: "invalid-request", operation: "PutItem" },
    });
    expect(operations()).toEqual(["BatchExecuteStatement", "PutItem"]);
    expect(JSON.parse(stub.requests[1]!.body.toString()).Item.id).toEqual({ S: "b" });
  });

  it.each(["UnknownOperationException", "AccessDeniedException"])(
    "after a %s its items are put alone, and so are all later ones of the table",
    async (type) => {
      const tables = await tablesOn({ BatchExecuteStatement: () => refusal(type) });
      for (const id of ["a", "b"])
        expect((await tables.insert(table, [itemOf(id)], ["id"])).outcomes).toEqual(["stored"]);
      expect(operations()).toEqual(["BatchExecuteStatement", "PutItem", "PutItem"]);
    },
  );

  it("so they are after a statement whose table denies access", async () => {
    const tables = await tablesOn({
      BatchExecuteStatement: () => ({ Responses: [error("AccessDenied"), error("AccessDenied")] }),
    });
    await tables.insert(table, [itemOf("a"), itemOf("b")], ["id"]);
    await tables.insert(table, [itemOf("c")], ["id"]);
    expect(operations()).toEqual(["BatchExecuteStatement", "PutItem", "PutItem", "PutItem"]);
  });

  it("a call that is invalid as a whole is made as puts, and the next one by statements", async () => {
    const tables = await tablesOn({
      BatchExecuteStatement: (_, n) => (n === 0 ? refusal("ValidationException") : { Responses: [{}, {}] }),
    });
    const items = [itemOf("a"), itemOf("b")];
    for (let n = 0; n < 2; n++)
      expect((await tables.insert(table, items, ["id"])).outcomes).toEqual(["stored", "stored"]);
    expect(operations()).toEqual(["BatchExecuteStatement", "PutItem", "PutItem", "BatchExecuteStatement"]);
  });

  it.each([
    ["has two attributes of one name", table, '{"id":{"S":"a"},"x":{"S":"1"},"x":{"S":"2"}}'],
    [
      "is for a table that is named by its ARN",
      { ...table, name: "arn:aws:dynamodb:x:1:table/y" },
      '{"id":{"S":"a"}}',
    ],
    ["has a name of 8,192 characters", table, `{"id":{"S":"a"},"${"n".repeat(8192)}":{"S":"1"}}`],
    ["is no JSON", table, '{"id":{"S":"a"}'],
  ])("an item that %s is put alone, as it is", async (_, address, item) => {
    const tables = await tablesOn({});
    expect((await tables.insert(address, [encoder.encode(item)], ["id"])).outcomes).toEqual(["stored"]);
    expect(operations()).toEqual(["PutItem"]);
    expect(stub.requests[0]!.body.toString()).toContain(`"Item":${item}}`);
  });

  it("of puts the throttled ones are unprocessed, and one that is refused is charged by the larger item", async () => {
    const tables = await tablesOn({
      BatchExecuteStatement: () => refusal("UnknownOperationException"),
      PutItem: (body) => {
        if (body.includes('"throttled"')) return refusal("ThrottlingException");
        if (body.includes('"there"')) return refusal("ConditionalCheckFailedException");
        return { ConsumedCapacity: { CapacityUnits: 4 } };
      },
      BatchGetItem: () => ({
        Responses: { orders: [{ id: { S: "there" }, x: { S: "x".repeat(8000) } }] },
      }),
    });
    const items = ["throttled", "there", "new"].map((id) => itemOf(id));
    expect(await tables.insert(table, items, ["id"])).toEqual({
      outcomes: ["unprocessed", "exists", "stored"],
      units: 12,
    });
  });

  it.each([
    ["is throttled", () => refusal("ThrottlingException")],
    [
      "leaves keys unprocessed",
      () => ({ Responses: { orders: [] }, UnprocessedKeys: { orders: { Keys: [{ id: { S: "a" } }] } } }),
    ],
  ])(
    "where the read of what is there %s, the item is unprocessed, and its statement is charged",
    async (_, answer) => {
      const tables = await tablesOn({
        BatchExecuteStatement: () => ({ Responses: [error("DuplicateItem")] }),
        BatchGetItem: answer,
      });
      expect(await tables.insert(table, [itemOf("a", 1500)], ["id"])).toEqual({
        outcomes: ["unprocessed"],
        units: 2,
      });
    },
  );

  it("where that read fails otherwise, the call fails", async () => {
    const tables = await tablesOn({
      BatchExecuteStatement: () => ({ Responses: [error("DuplicateItem")] }),
      BatchGetItem: () => refusal("AccessDeniedException"),
    });
    await expect(tables.insert(table, [itemOf("a")], ["id"])).rejects.toMatchObject({
      ...{ code: "access-denied", operation: "BatchGetItem" },
    });
  });

  it("an answer that does not tell of each statement is an error that passes", async () => {
    const tables = await tablesOn({ BatchExecuteStatement: () => ({ Responses: [{}] }) });
    await expect(tables.insert(table, [itemOf("a"), itemOf("b")], ["id"])).rejects.toMatchObject({
      kind: "transient",
    });
  });

  it("two items of one key are refused before anything is asked", async () => {
    const tables = await tablesOn({});
    await expect(
      tables.insert(table, [itemOf("a"), itemOf("b"), encoder.encode('{"id":{"S":"\\u0061"}}')], ["id"]),
    ).rejects.toMatchObject({
      code: "invalid-request",
      message: expect.stringContaining('{"id":{"S":"\\u0061"}}'),
    });
    expect(stub.requests).toEqual([]);
  });
});
