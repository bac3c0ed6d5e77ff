import { elements, members } from "@ferry/core/archive/cutter";
import { itemsArbitrary, oddJson } from "@ferry/core/testing/odd-json";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { REGION, rawClient } from "../testing/dynamodb.ts";
import { type Stub, type StubAnswer, type StubRequest, startStub } from "../testing/stub-server.ts";
import { tableData } from "./table.ts";

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

describe("inserts on a stub of DynamoDB", () => {
  let stub: Stub;
  afterEach(() => stub.close());

  /** Tables on a stub that answers each operation with `answers`, and any other with an empty object. */
  async function tablesOn(answers: Readonly<Record<string, Answer>>) {
    const calls = new Map<string, number>();
    stub = await startStub((request) => {
      const operation = operationOf(request);
      const n = calls.get(operation) ?? 0;
      calls.set(operation, n + 1);
      const answer = answers[operation]?.(request.body.toString(), n) ?? {};
      return "status" in answer ? (answer as StubAnswer) : { body: JSON.stringify(answer) };
    });
    const client = () => rawClient(stub.endpoint);
    return tableData(client, client);
  }
  const operationOf = ({ headers }: StubRequest) => String(headers["x-amz-target"]).split(".")[1]!;
  const operations = () => stub.requests.map(operationOf);

  it("a statement names each attribute and carries its value as unchanged bytes", async () => {
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
      { numRuns: 50 },
    );
  });

  it("an item whose key exists is compared with the stored item", async () => {
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

  it("a stored item that was deleted since then did exist: DynamoDB left no key unprocessed", async () => {
    const tables = await tablesOn({
      BatchExecuteStatement: () => ({ Responses: [error("DuplicateItem")] }),
      BatchGetItem: () => ({ Responses: { orders: [] }, UnprocessedKeys: {} }),
    });
    expect((await tables.insert(table, [itemOf("a")], ["id"])).outcomes).toEqual(["exists"]);
  });

  it.each([
    ["one number per table", [{ CapacityUnits: 9 }], 9],
    ["one number per statement", [{ CapacityUnits: 2 }, { CapacityUnits: 5 }], 7],
    // The items have 2 and 3 KiB; the stored one has 8.
    ["nothing", undefined, 10],
    ["less than a unit for each statement", [{ CapacityUnits: 1 }], 10],
  ])(
    "given that DynamoDB reports %s as consumed, the units cover every statement",
    async (_, ConsumedCapacity, expected) => {
      const tables = await tablesOn({
        BatchExecuteStatement: () => ({ Responses: [{}, error("DuplicateItem")], ConsumedCapacity }),
        BatchGetItem: () => ({
          Responses: { orders: [{ id: { S: "b" }, x: { S: "x".repeat(8000) } }] },
        }),
      });
      const { units } = await tables.insert(table, [itemOf("a", 1500), itemOf("b", 2500)], ["id"]);
      expect(units).toBe(expected);
    },
  );

  it.each([
    "ProvisionedThroughputExceeded",
    "ThrottlingError",
    "RequestLimitExceeded",
    "InternalServerError",
  ])(
    "an item whose statement fails with %s is unprocessed, and the others are not repeated",
    async (code) => {
      const tables = await tablesOn({ BatchExecuteStatement: () => ({ Responses: [{}, error(code)] }) });
      const { outcomes, units } = await tables.insert(table, [itemOf("a"), itemOf("b")], ["id"]);
      expect(outcomes).toEqual(["stored", "unprocessed"]);
      // It is unknown what a statement with an internal error consumed.
      expect(units).toBe(code === "InternalServerError" ? 2 : 1);
      expect(operations()).toEqual(["BatchExecuteStatement"]);
    },
  );

  it.each([
    // The stored item's indexes consume a unit more than its size.
    ["ThrottlingError", 2, 2],
    ["InternalServerError", 1, 1],
  ])(
    "given a statement with %s, DynamoDB's units count if they cover the executed statements",
    async (code, reported, expected) => {
      const tables = await tablesOn({
        BatchExecuteStatement: () => ({
          Responses: [{}, error(code), error(code)],
          ConsumedCapacity: [{ CapacityUnits: reported }],
        }),
      });
      const items = ["a", "b", "c"].map((id) => itemOf(id));
      expect((await tables.insert(table, items, ["id"])).units).toBe(expected);
    },
  );

  it("given that no statement was executed and no units are reported, an internal error is charged", async () => {
    const tables = await tablesOn({
      BatchExecuteStatement: () => ({ Responses: [error("InternalServerError")] }),
      PutItem: () => ({ ConsumedCapacity: { CapacityUnits: 4 } }),
    });
    const alone = encoder.encode('{"id":{"S":"b"},"x":{"S":"1"},"x":{"S":"2"}}');
    expect((await tables.insert(table, [itemOf("a", 1500), alone], ["id"])).units).toBe(2 + 4);
  });

  it.each([
    ["ThrottlingError", "throttled"],
    ["InternalServerError", "transient"],
  ])("if every statement fails with %s, the call fails with a %s error", async (code, kind) => {
    const tables = await tablesOn({
      BatchExecuteStatement: () => ({ Responses: [error(code), error(code)] }),
    });
    await expect(tables.insert(table, [itemOf("a"), itemOf("b")], ["id"])).rejects.toMatchObject({
      kind,
      operation: "BatchExecuteStatement",
    });
  });

  it("an item whose statement has a permanent error is put alone, and the put's error is thrown", async () => {
    const answers = {
      BatchExecuteStatement: () => ({ Responses: [{}, error("ValidationError")] }),
      PutItem: () => refusal("ValidationException"),
    };
    const tables = await tablesOn(answers);
    await expect(tables.insert(table, [itemOf("a"), itemOf("b")], ["id"])).rejects.toMatchObject({
      kind: "permanent",
      code: "invalid-request",
      operation: "PutItem",
    });
    expect(operations()).toEqual(["BatchExecuteStatement", "PutItem"]);
    expect(JSON.parse(stub.requests[1]!.body.toString()).Item.id).toEqual({ S: "b" });
  });

  it.each(["UnknownOperationException", "AccessDeniedException"])(
    "after %s, the call's items and all later ones of the table are put alone",
    async (type) => {
      const tables = await tablesOn({ BatchExecuteStatement: () => refusal(type) });
      for (const id of ["a", "b"])
        expect((await tables.insert(table, [itemOf(id)], ["id"])).outcomes).toEqual(["stored"]);
      expect(operations()).toEqual(["BatchExecuteStatement", "PutItem", "PutItem"]);
    },
  );

  it("after a statement with AccessDenied, the call's items and all later ones of the table are put alone", async () => {
    const tables = await tablesOn({
      BatchExecuteStatement: () => ({ Responses: [error("AccessDenied"), error("AccessDenied")] }),
    });
    await tables.insert(table, [itemOf("a"), itemOf("b")], ["id"]);
    await tables.insert(table, [itemOf("c")], ["id"]);
    expect(operations()).toEqual(["BatchExecuteStatement", "PutItem", "PutItem", "PutItem"]);
  });

  it("after AccessDeniedException for one table, the items of another are inserted by statements", async () => {
    const tables = await tablesOn({
      BatchExecuteStatement: (_, n) => (n === 0 ? refusal("AccessDeniedException") : { Responses: [{}] }),
    });
    for (const name of ["orders", "customers"])
      await tables.insert({ ...table, name }, [itemOf("a")], ["id"]);
    expect(operations()).toEqual(["BatchExecuteStatement", "PutItem", "BatchExecuteStatement"]);
  });

  it("an item without its key is left for DynamoDB to refuse", async () => {
    const tables = await tablesOn({
      BatchExecuteStatement: () => ({ Responses: [error("ValidationError")] }),
      PutItem: () => refusal("ValidationException"),
    });
    await expect(tables.insert(table, [itemOf("a")], ["id", "range"])).rejects.toMatchObject({
      code: "invalid-request",
      operation: "PutItem",
    });
  });

  it.each([
    [8192, "BatchExecuteStatement"],
    [8193, "PutItem"],
  ])("an item whose statement has %i characters is inserted by %s", async (length, operation) => {
    const tables = await tablesOn({ BatchExecuteStatement: () => ({ Responses: [{}] }) });
    const name = "n".repeat(length - `INSERT INTO "orders" VALUE {'id': ?, '': ?}`.length);
    await tables.insert(table, [encoder.encode(`{"id":{"S":"a"},"${name}":{"S":"1"}}`)], ["id"]);
    expect(operations()).toEqual([operation]);
  });

  it("after a call that is invalid as a whole, its items are put alone, and the next call uses statements", async () => {
    const tables = await tablesOn({
      BatchExecuteStatement: (_, n) => (n === 0 ? refusal("ValidationException") : { Responses: [{}, {}] }),
    });
    const items = [itemOf("a"), itemOf("b")];
    for (let n = 0; n < 2; n++)
      expect((await tables.insert(table, items, ["id"])).outcomes).toEqual(["stored", "stored"]);
    expect(operations()).toEqual(["BatchExecuteStatement", "PutItem", "PutItem", "BatchExecuteStatement"]);
  });

  it.each([
    ["has two attributes with the same name", table, '{"id":{"S":"a"},"x":{"S":"1"},"x":{"S":"2"}}'],
    [
      "is for a table that is named by its ARN",
      { ...table, name: "arn:aws:dynamodb:x:1:table/y" },
      '{"id":{"S":"a"}}',
    ],
    ["has a name of 8,192 characters", table, `{"id":{"S":"a"},"${"n".repeat(8192)}":{"S":"1"}}`],
    ["has no attributes", table, "{}"],
    ["is not JSON", table, '{"id":{"S":"a"}'],
  ])("an item that %s is put alone, unchanged", async (_, address, item) => {
    const tables = await tablesOn({});
    expect((await tables.insert(address, [encoder.encode(item)], ["id"])).outcomes).toEqual(["stored"]);
    expect(operations()).toEqual(["PutItem"]);
    expect(stub.requests[0]!.body.toString()).toContain(`"Item":${item}}`);
  });

  it("a throttled put is unprocessed, and a refused put is charged by the larger of the two items", async () => {
    const tables = await tablesOn({
      BatchExecuteStatement: () => refusal("UnknownOperationException"),
      PutItem: (body) => {
        if (body.includes('"throttled"')) return refusal("ThrottlingException");
        if (body.includes('"stored"')) return refusal("ConditionalCheckFailedException");
        return { ConsumedCapacity: { CapacityUnits: 4 } };
      },
      BatchGetItem: () => ({
        Responses: { orders: [{ id: { S: "stored" }, x: { S: "x".repeat(8000) } }] },
      }),
    });
    const items = ["throttled", "stored", "new"].map((id) => itemOf(id));
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
    "if the read of the stored item %s, the item is unprocessed, and its statement is charged",
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

  it("if the read of the stored item fails permanently, the call fails", async () => {
    const tables = await tablesOn({
      BatchExecuteStatement: () => ({ Responses: [error("DuplicateItem")] }),
      BatchGetItem: () => refusal("AccessDeniedException"),
    });
    await expect(tables.insert(table, [itemOf("a")], ["id"])).rejects.toMatchObject({
      code: "access-denied",
      operation: "BatchGetItem",
    });
  });

  it.each([
    [{ Responses: [{}] }, "2 statements have 1 responses"],
    [{}, "2 statements have 0 responses"],
  ])("a response without a result for each statement is a transient error: %j", async (answer, message) => {
    const tables = await tablesOn({ BatchExecuteStatement: () => answer });
    await expect(tables.insert(table, [itemOf("a"), itemOf("b")], ["id"])).rejects.toMatchObject({
      kind: "transient",
      message: expect.stringContaining(message),
    });
  });

  it("two items with the same key are refused before any call", async () => {
    const tables = await tablesOn({});
    await expect(
      tables.insert(table, [itemOf("a"), itemOf("b"), encoder.encode('{"id":{"S":"\\u0061"}}')], ["id"]),
    ).rejects.toMatchObject({
      code: "invalid-request",
      operation: "insert",
      message: expect.stringContaining('{"id":{"S":"\\u0061"}}'),
    });
    expect(stub.requests).toEqual([]);
  });
});
