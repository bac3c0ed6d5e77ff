import { describe, expect, it } from "vitest";
import { readWriteAnswer, writeBody } from "./write-body.ts";

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
});
