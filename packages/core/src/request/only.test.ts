import { restoreRequest } from "@ferry/memory/testing/tasks";
import { describe, expect, test } from "vitest";
import { ONLY_BYTES_MAX, ONLY_MAX } from "./only.ts";
import { parseRequest } from "./request.ts";

const parsed = (only: unknown) =>
  parseRequest({ ...restoreRequest, only }, { requestTimeMs: 1, maximumSegments: 1000, compression: "gzip" });
const messages = (only: unknown) => {
  const result = parsed(only);
  return "issues" in result ? result.issues.map(({ message }) => message) : [];
};

describe("only", () => {
  test("takes partition keys, whole keys and ranges of the sort key, and is passed on unchanged", () => {
    const only = JSON.parse(`[
      {"id":{"S":"a"}},
      {"id":{"S":"a"},"n":{"N":"-1.50E+2"}},
      {"n":{"from":{"N":"9"},"to":{"N":"10"}},"id":{"S":"\\u0000\\ud83d\\ude00"}},
      {"id":{"B":"AQ=="},"n":{"from":{"N":".5"}}},
      {"constructor":{"S":"a"},"__proto__":{"to":{"S":"b"}}}
    ]`);
    expect(parsed(only)).toMatchObject({ request: { only } });
    expect(JSON.stringify((parsed(only) as { request: { only: unknown } }).request.only)).toBe(
      JSON.stringify(only),
    );
  });

  test.each<[unknown, string]>([
    ["a", 'only must be a list of keys: got "a"'],
    [[], "only must have at least one key: got []"],
    [["a"], 'only[0] must be an object: got "a"'],
    [[{}], "only[0] must be an object with one or two key attributes: got {}"],
    [[{ a: { S: "1" }, b: { S: "1" }, c: { S: "1" } }], "only[0] must be an object with one or two key"],
    [[{ id: "a" }], 'only[0].id must be a value in DynamoDB JSON, {"S":…}'],
    [[{ id: { S: "a", N: "1" } }], "only[0].id must be a value in DynamoDB JSON"],
    [[{ id: { BOOL: true } }], "only[0].id must be a value in DynamoDB JSON"],
    [[{ id: {} }], "only[0].id must be a value in DynamoDB JSON"],
    [[{ id: { S: "" } }], 'only[0].id.S must be not empty: got ""'],
    [[{ id: { S: 1 } }], "only[0].id.S must be a string: got 1"],
    [[{ id: { S: "\ud800" } }], "only[0].id.S must be well-formed Unicode"],
    [[{ id: { N: "1e" } }], "only[0].id.N must be a number of at most 38 digits"],
    [[{ id: { N: "1".repeat(39) } }], "only[0].id.N must be a number of at most 38 digits"],
    [[{ id: { B: "AR==" } }], 'only[0].id.B must be base64: got "AR=="'],
    [[{ id: { B: "AQ" } }], "only[0].id.B must be base64"],
    [[{ id: { from: { S: "a" } } }], "only[0] must be an object with the partition key's value"],
    [[{ id: { S: "a" }, n: { from: { S: "" } } }], "only[0].n.from.S must be not empty"],
    [
      [{ id: { S: "a" }, n: { from: { S: "a" }, to: { N: "1" } } }],
      "only[0].n must be a range between values of one type",
    ],
    [
      [{ id: { S: "a" }, n: { from: { N: "10" }, to: { N: "9" } } }],
      "only[0].n must be a range whose from is not after its to",
    ],
    [Array.from({ length: ONLY_MAX + 1 }, () => ({ id: { S: "a" } })), "only must have at most 100 keys"],
    [
      [{ id: { S: "a".repeat(ONLY_BYTES_MAX) } }],
      `only must be at most ${ONLY_BYTES_MAX} bytes of JSON: got ${ONLY_BYTES_MAX + 17}`,
    ],
  ])("an invalid one is refused by name, case %$", (only, message) => {
    expect(messages(only)).toEqual([expect.stringContaining(message)]);
  });

  test("limits the number of segments", () => {
    const restore = { ...restoreRequest, only: [{ id: { S: "a" } }], "total-segments": 1001 };
    const options = { requestTimeMs: 1, maximumSegments: 4000, compression: "gzip" } as const;
    expect(parseRequest(restore, options)).toEqual({
      issues: [
        {
          field: "total-segments",
          message: "total-segments must be at most 1000 for a restore with only: got 1001",
        },
      ],
    });
    expect(parseRequest({ ...restore, "total-segments": 1000 }, options)).toHaveProperty("request");
    expect(parseRequest({ ...restore, only: undefined }, options)).toHaveProperty("request");
  });

  test("reports every wrong key at once", () => {
    expect(messages([{ a: { S: "" } }, { a: { S: "ok" } }, { a: { N: "x" } }])).toEqual([
      expect.stringContaining("only[0].a.S"),
      expect.stringContaining("only[2].a.N"),
    ]);
  });
});
