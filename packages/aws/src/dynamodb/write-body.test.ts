import { describe, expect, it } from "vitest";
import { readWriteAnswer, reuseBody, writeBody } from "./write-body.ts";

const encoder = new TextEncoder();
const texts = (answer: ReturnType<typeof readWriteAnswer>) =>
  answer.unprocessed.map((write) =>
    "put" in write ? `put ${Buffer.from(write.put)}` : `remove ${Buffer.from(write.remove)}`,
  );

describe("the body of a write", () => {
  it("holds puts and deletes in order", () => {
    const body = writeBody("a", [
      { put: encoder.encode('{"id":1}') },
      { remove: encoder.encode('{"id":2}') },
    ]);
    expect(JSON.parse(Buffer.from(body).toString())).toEqual({
      RequestItems: { a: [{ PutRequest: { Item: { id: 1 } } }, { DeleteRequest: { Key: { id: 2 } } }] },
      ReturnConsumedCapacity: "TOTAL",
    });
  });
});

describe("the memory of a body", () => {
  const put = (n: number, bytes: number) => [
    { put: encoder.encode(`{"n":${n},"x":"${"x".repeat(bytes)}"}`) },
  ];
  const textOf = (n: number, bytes: number) =>
    `{"RequestItems":{"a":[{"PutRequest":{"Item":{"n":${n},"x":"${"x".repeat(bytes)}"}}}]},"ReturnConsumedCapacity":"TOTAL"}`;

  it("is used again for the next one that fits, once it is given back", () => {
    const first = writeBody("a", put(1, 1000));
    const second = writeBody("a", put(2, 1000));
    expect(second.buffer).not.toBe(first.buffer);
    reuseBody(first);
    const third = writeBody("a", put(3, 1100));
    expect(third.buffer).toBe(first.buffer);
    expect(Buffer.from(third).toString()).toBe(textOf(3, 1100));
    expect(Buffer.from(second).toString()).toBe(textOf(2, 1000));
    reuseBody(third);
    const longer = writeBody("a", put(4, 10_000));
    expect(longer.buffer).not.toBe(first.buffer);
    expect(Buffer.from(longer).toString()).toBe(textOf(4, 10_000));
  });

  it("is kept for a limited number", () => {
    const bodies = Array.from({ length: 40 }, (_, n) => writeBody("a", put(n, 10)));
    for (const body of bodies) reuseBody(body);
    const kept = new Set(bodies.map(({ buffer }) => buffer));
    const again = Array.from({ length: 40 }, (_, n) => writeBody("a", put(n, 10)));
    expect(again.filter(({ buffer }) => kept.has(buffer))).toHaveLength(16);
  });
});

describe("the body of a write, as text", () => {
  it.each([
    [
      "one put",
      [{ put: encoder.encode("{ }") }],
      '{"RequestItems":{"a":[{"PutRequest":{"Item":{ }}}]},"ReturnConsumedCapacity":"TOTAL"}',
    ],
    [
      "three writes",
      [{ remove: encoder.encode("{1}") }, { put: encoder.encode("{2}") }, { put: encoder.encode("{3}") }],
      '{"RequestItems":{"a":[{"DeleteRequest":{"Key":{1}}},{"PutRequest":{"Item":{2}}},{"PutRequest":{"Item":{3}}}]},"ReturnConsumedCapacity":"TOTAL"}',
    ],
  ])("given %s", (_, writes, expected) => {
    expect(Buffer.from(writeBody("a", writes)).toString()).toBe(expected);
  });
});

describe("the response to a write", () => {
  it.each([
    ["nothing", "{}"],
    ["no unprocessed items", '{"UnprocessedItems":{}}'],
    ["an empty list for the table", '{"UnprocessedItems":{"a":[]},"ConsumedCapacity":null}'],
  ])("given %s, every write was taken", (_, body) => {
    expect(readWriteAnswer(encoder.encode(body))).toEqual({ unprocessed: [], units: 0 });
  });

  it("given unprocessed puts and deletes under an ARN, they are cut out unchanged", () => {
    const answer = readWriteAnswer(
      encoder.encode(
        '{"ConsumedCapacity":[{"CapacityUnits":2.5},{"CapacityUnits":1}],\n "UnprocessedItems":{"arn:aws:x":' +
          '[{"PutRequest":{"Item":{ "s":{"S":"\\"}]"} }}}, {"DeleteRequest":{"Key":{"id":{"N":"1.0"}}}}]}}',
      ),
    );
    expect(answer.units).toBe(3.5);
    expect(texts(answer)).toEqual(['put { "s":{"S":"\\"}]"} }', 'remove {"id":{"N":"1.0"}}']);
  });

  it("given an unprocessed request that is neither a put nor a delete, it throws", () => {
    const body = encoder.encode('{"UnprocessedItems":{"a":[{"UpdateRequest":{}}]}}');
    expect(() => readWriteAnswer(body)).toThrow(SyntaxError);
  });

  it.each([
    '{"PutRequest":{"Key":{}}}',
    '{"DeleteRequest":{"Item":{}}}',
    '{"UpdateRequest":{"Item":{}}}',
    '{"UpdateRequest":{"Key":{}}}',
    '{"PutRequest":{}}',
    "{}",
  ])("given the unprocessed request %s, it throws", (request) => {
    const body = encoder.encode(`{"UnprocessedItems":{"a":[${request}]}}`);
    expect(() => readWriteAnswer(body)).toThrow("neither a PutRequest nor a DeleteRequest");
  });

  it("given other members, they are ignored", () => {
    const request = '{"PutRequest":{"Other":{"x":"y"},"Item":{"id":1}}}';
    const body = `{"Other":[{"CapacityUnits":9}],"UnprocessedItems":{"a":[${request}]}}`;
    const answer = readWriteAnswer(encoder.encode(body));
    expect(texts(answer)).toEqual(['put {"id":1}']);
    expect(answer.units).toBe(0);
  });

  it("given a table without CapacityUnits, the others are summed", () => {
    const body = '{"ConsumedCapacity":[{"TableName":"a"},{"CapacityUnits":2},{"CapacityUnits":0.5}]}';
    expect(readWriteAnswer(encoder.encode(body)).units).toBe(2.5);
  });
});
