import { tables } from "@ferry/core/topology";
import { beforeEach, describe, expect, test } from "vitest";
import { createDynamoDb, type DynamoDb } from "./dynamodb.ts";
import { withStatements } from "./statements.ts";
import { type StreamRecord, withStreams } from "./streams.ts";

const region = "eu-west-1";
let dynamodb: DynamoDb;
beforeEach(async () => {
  dynamodb = createDynamoDb();
  await createTable("songs", "id");
});

async function createTable(TableName: string, ...keys: readonly string[]) {
  await dynamodb.call(region, "CreateTable", {
    TableName,
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: keys.map((name) => ({ AttributeName: name, AttributeType: "S" })),
    KeySchema: keys.map((name, i) => ({ AttributeName: name, KeyType: i === 0 ? "HASH" : "RANGE" })),
  });
  await expect
    .poll(() => dynamodb.call(region, "DescribeTable", { TableName }))
    .toMatchObject({ Table: { TableStatus: "ACTIVE" } });
}

const requestOf = (operation: string, body: string) => ({
  method: "POST",
  url: "/",
  headers: {
    "content-type": "application/x-amz-json-1.0",
    "x-amz-target": `DynamoDB_20120810.${operation}`,
    "x-amz-date": "20000101T000000Z",
    authorization: `AWS4-HMAC-SHA256 Credential=local/20000101/${region}/dynamodb/aws4_request, SignedHeaders=host, Signature=0`,
  },
  body: Buffer.from(body),
});

async function send(body: string, handle: DynamoDb["handle"] = dynamodb.handle) {
  const { status, body: text } = await withStatements(handle)(
    region,
    requestOf("BatchExecuteStatement", body),
  );
  return { status, answer: JSON.parse(text) as Record<string, unknown> };
}
const execute = (statements: readonly object[], more: object = {}) =>
  send(JSON.stringify({ Statements: statements, ...more }));

/** `{"Statement":…,"Parameters":…}` that inserts the item. */
const insertOf = (item: Readonly<Record<string, unknown>>, table = "songs") => ({
  Statement: `INSERT INTO "${table}" VALUE {${Object.keys(item)
    .map((name) => `'${name.replaceAll("'", "''")}': ?`)
    .join(", ")}}`,
  Parameters: Object.values(item),
});
const song = (id: string, text = "") => ({ id: { S: id }, text: { S: text } });

async function stored(TableName = "songs") {
  const { Items } = await dynamodb.call(region, "Scan", { TableName });
  return Items as Record<string, unknown>[];
}

describe("INSERT", () => {
  test("stores the attributes with their names, order and values", async () => {
    const item = {
      z: { N: "001.50" },
      "it's": { SS: ["b", "a"] },
      "}, 'x': ?": { M: { é: { NULL: true }, a: { L: [{ BOOL: false }] } } },
      id: { S: "\u2028 \u{1f600}" },
      __proto__x: { B: "AP8=" },
      "line\nbreak": { S: "" },
    };
    expect(await execute([insertOf(item)])).toEqual({
      status: 200,
      answer: { Responses: [{ TableName: "songs" }] },
    });
    const [only] = await stored();
    // Dynalite itself normalizes numbers.
    expect(JSON.stringify(only)).toBe(JSON.stringify({ ...item, z: { N: "1.5" } }));
  });

  test("passes each value on as the same bytes", async () => {
    const bodies: string[] = [];
    const value = '{ "M" : {"\\u00e9":{"N":"1"},  "b":{"S":"\\/"}} }';
    const statement = `INSERT INTO \\"songs\\" VALUE {'id': ?, 'x': ?}`;
    await send(
      `{"Statements":[{"Parameters":[{"S":"a"} , ${value}],"Statement":"${statement}"}]}`,
      (region, request) => {
        bodies.push(request.body.toString());
        return dynamodb.handle(region, request);
      },
    );
    expect(bodies.at(-1)).toContain(`"Item":{"id":{"S":"a"},"x":${value}}`);
  });

  test("given items whose keys exist, each has DuplicateItem, and the others are stored", async () => {
    await execute([insertOf(song("b", "first"))]);
    const { status, answer } = await execute(["a", "b", "c"].map((id) => insertOf(song(id, "second"))));
    expect(status).toBe(200);
    expect(answer["Responses"]).toEqual([
      { TableName: "songs" },
      {
        TableName: "songs",
        Error: { Code: "DuplicateItem", Message: "Duplicate primary key exists in table" },
      },
      { TableName: "songs" },
    ]);
    const texts = (await stored()).map(({ id, text }) => [id, text] as const);
    expect(new Map(texts.map(([id, text]) => [JSON.stringify(id), text]))).toEqual(
      new Map([
        ['{"S":"a"}', { S: "second" }],
        ['{"S":"b"}', { S: "first" }],
        ['{"S":"c"}', { S: "second" }],
      ]),
    );
  });

  test("compares the whole key of a table with two key attributes", async () => {
    await createTable("pairs", "pk", "sk");
    const item = (sk: string) => insertOf({ sk: { S: sk }, pk: { S: "a" } }, "pairs");
    const { answer } = await execute([item("1"), item("2")]);
    expect(answer["Responses"]).toEqual([{ TableName: "pairs" }, { TableName: "pairs" }]);
    expect((await execute([item("1")])).answer["Responses"]).toMatchObject([
      { Error: { Code: "DuplicateItem" } },
    ]);
  });

  test("a statement that cannot be executed has its own error", async () => {
    const { status, answer } = await execute([
      insertOf({ text: { S: "no key" } }),
      insertOf(song("a"), "no-such-table"),
      { ...insertOf(song("b")), Parameters: [{ S: "b" }] },
      { Statement: `INSERT INTO "songs" VALUE {}` },
      insertOf(song("c")),
    ]);
    expect(status).toBe(200);
    expect(answer["Responses"]).toEqual([
      {
        TableName: "songs",
        Error: { Code: "ValidationError", Message: expect.stringContaining("Missing the key id") },
      },
      { TableName: "no-such-table", Error: { Code: "ResourceNotFound", Message: expect.any(String) } },
      {
        TableName: "songs",
        Error: { Code: "ValidationError", Message: expect.stringContaining("Number of") },
      },
      { TableName: "songs", Error: { Code: "ValidationError", Message: expect.any(String) } },
      { TableName: "songs" },
    ]);
    expect(await stored()).toEqual([song("c")]);
  });

  test("an error of the engine is an InternalServerError of the statement", async () => {
    const { answer } = await send(JSON.stringify({ Statements: [insertOf(song("a"))] }), (region, request) =>
      request.headers["x-amz-target"] === "DynamoDB_20120810.PutItem"
        ? Promise.resolve({ status: 500, headers: {}, body: '{"__type":"x#Broken"}' })
        : dynamodb.handle(region, request),
    );
    expect(answer["Responses"]).toEqual([
      { TableName: "songs", Error: { Code: "InternalServerError", Message: "Broken" } },
    ]);
  });
});

describe("consumed units", () => {
  const total = { ReturnConsumedCapacity: "TOTAL" };
  const large = insertOf(song("large", "x".repeat(3000)));

  test("are reported for each statement, in order", async () => {
    const { answer } = await execute([insertOf(song("a")), large], total);
    expect(answer["ConsumedCapacity"]).toEqual([
      { TableName: "songs", CapacityUnits: 1 },
      { TableName: "songs", CapacityUnits: 3 },
    ]);
  });

  test.each([
    ["if the request does not ask for them", [large], {}],
    ["if one statement was not executed", [large, large], total],
  ])("are absent %s", async (_, statements, more) => {
    expect((await execute(statements, more)).answer).not.toHaveProperty("ConsumedCapacity");
  });
});

describe("a whole call is refused, and nothing is stored, if", () => {
  const good = insertOf(song("good"));
  const songs = (count: number) => Array.from({ length: count }, (_, i) => insertOf(song(`${i}`)));
  /** A statement of `length` characters. */
  const long = (length: number) => {
    const name = "n".repeat(length - insertOf({ id: 1, "": 1 }).Statement.length);
    return insertOf({ id: { S: "long" }, [name]: { S: "x" } });
  };
  const parameters = [{ S: "a" }];
  test.each<[string, readonly object[], string]>([
    ["it has no statement", [], "got 0"],
    ["it has 26 statements", songs(26), "got 26"],
    [
      "a statement has 8,193 characters",
      [good, long(8193)],
      "'statements.2.member.statement' failed to satisfy constraint",
    ],
    ["it selects", [good, { Statement: `SELECT * FROM "songs"` }], `statement 2 is SELECT * FROM "songs"`],
    ["it deletes", [{ Statement: `DELETE FROM "songs" WHERE id = 'a'` }], "statement 1 is DELETE"],
    ["it updates", [{ Statement: `UPDATE "songs" SET a = 1 WHERE id = 'a'` }], "statement 1 is UPDATE"],
    ["it has no text", [{ Parameters: parameters }], "statement 1 is "],
    [
      "a value is a literal",
      [{ Statement: `INSERT INTO "songs" VALUE {'id': 'a'}` }],
      "statement 1 is INSERT",
    ],
    [
      "a field has no separator",
      [{ Statement: `INSERT INTO "songs" VALUE {'id': ? 'x': ?}`, Parameters: parameters }],
      "statement 1 is INSERT",
    ],
    [
      "the last field ends with a comma",
      [{ Statement: `INSERT INTO "songs" VALUE {'id': ?,}`, Parameters: parameters }],
      "statement 1 is INSERT",
    ],
    [
      "a name is not closed",
      [{ Statement: `INSERT INTO "songs" VALUE {'id: ?}`, Parameters: parameters }],
      "statement 1 is INSERT",
    ],
    [
      "the table is not in quotes",
      [{ Statement: "INSERT INTO songs VALUE {'id': ?}", Parameters: parameters }],
      "statement 1 is INSERT",
    ],
    [
      "a name occurs twice",
      [
        {
          Statement: `INSERT INTO "songs" VALUE {'id': ?, 'id': ?}`,
          Parameters: [...parameters, ...parameters],
        },
      ],
      "has a name twice",
    ],
    [
      "a statement has a member that the host ignores",
      [{ ...good, ReturnValuesOnConditionCheckFailure: "ALL_OLD" }],
      "statement 1 has ReturnValuesOnConditionCheckFailure",
    ],
  ])("%s", async (_, statements, message) => {
    expect(await execute(statements)).toEqual({
      status: 400,
      answer: {
        __type: "com.amazon.coral.validate#ValidationException",
        message: expect.stringContaining(message),
      },
    });
    expect(await stored()).toEqual([]);
  });

  test("its body is not JSON", async () => {
    expect(await send('{"Statements":[')).toMatchObject({
      status: 400,
      answer: { __type: expect.stringContaining("SerializationException") },
    });
  });

  test("25 statements, one of 8,192 characters, are accepted", async () => {
    const { status, answer } = await execute([...songs(24), long(8192)]);
    expect(status).toBe(200);
    expect(answer["Responses"]).toEqual(Array.from({ length: 25 }, () => ({ TableName: "songs" })));
    expect(await stored()).toHaveLength(25);
  });
});

test("an insert into a streamed table is in the stream", async () => {
  const records: StreamRecord[] = [];
  const spec = tables["segment-table"];
  await createTable("streamed", spec.hash.name, spec.range.name);
  const handle = withStreams({
    dynamodb,
    region,
    tables: new Map([["streamed", spec]]),
    emit: (_, record) => records.push(record),
  });
  const item = { [spec.hash.name]: { S: "a" }, [spec.range.name]: { S: "b" } };
  const body = JSON.stringify({ Statements: [insertOf(item, "streamed"), insertOf(item, "streamed")] });
  const { answer } = await send(body, handle);
  expect(answer["Responses"]).toMatchObject([{}, { Error: { Code: "DuplicateItem" } }]);
  expect(records).toMatchObject([{ eventName: "INSERT", dynamodb: { NewImage: item } }]);
});

test("other operations are passed on", async () => {
  const handle = withStatements(dynamodb.handle);
  const { status } = await handle(
    region,
    requestOf("PutItem", JSON.stringify({ TableName: "songs", Item: song("a") })),
  );
  expect(status).toBe(200);
  expect(await stored()).toEqual([song("a")]);
  expect((await handle(region, requestOf("ExecuteStatement", "{}"))).body).toContain("UnknownOperation");
});
