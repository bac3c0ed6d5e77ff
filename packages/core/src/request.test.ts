import { describe, expect, test } from "vitest";
import { parseRequest } from "./request.ts";

const about = { requestTimeMs: Date.UTC(2026, 10, 23, 8, 5, 9), maximumSegments: 1000 };
const backup = {
  action: "backup",
  "total-segments": 8,
  "table-region": "us-east-1",
  "table-name": "cities",
  "bucket-region": "eu-west-1",
  "bucket-name": "archives",
  "bucket-prefix": "nightly/{table}/{date}T{time}/",
};
const issuesOf = (input: unknown) => {
  const parsed = parseRequest(input, about);
  return "issues" in parsed ? parsed.issues : [];
};

describe("a valid request", () => {
  test("is the older tool's seven fields, its prefix expanded without colons and without trailing slash", () => {
    expect(parseRequest(backup, about)).toEqual({
      request: { ...backup, "bucket-prefix": "nightly/cities/2026-11-23T08-05-09" },
    });
  });

  test("may name another account's table by its ARN, of which the prefix takes the name", () => {
    const arn = "arn:aws:dynamodb:us-east-1:123456789012:table/cities";
    expect(parseRequest({ ...backup, "table-name": arn, "bucket-prefix": "{table}" }, about)).toMatchObject({
      request: { "table-name": arn, "bucket-prefix": "cities" },
    });
  });

  test("of a restore takes a mode", () => {
    const restore = { ...backup, action: "restore", "restore-mode": "merge", "write-units": 100 };
    expect(parseRequest(restore, about)).toHaveProperty("request");
  });
});

describe("a bad request", () => {
  test("is told everything that is wrong with it at once, each by field, expectation and what came", () => {
    const issues = issuesOf({
      ...backup,
      "total-segments": 1001,
      "table-name": "x",
      "bucket-region": 7,
      "bucket-name": undefined,
      compression: "zstd",
      "create-table": true,
      extra: 1,
    });
    expect(Object.fromEntries(issues.map(({ field, message }) => [field, message]))).toEqual({
      "total-segments":
        "total-segments must be at most 1000, the setting maximumSegments (which is 4000 at most): got 1001",
      "table-name":
        'table-name must be a table name (3 to 255 of A-Z a-z 0-9 _ . -) or a table\'s ARN: got "x"',
      "bucket-region": "bucket-region must be a string: got 7",
      "bucket-name": "bucket-name must be a string: got nothing",
      compression: 'compression must be gzip: got "zstd"',
      "create-table": "create-table is not a field of this request: remove it, or check its spelling",
      extra: "extra is not a field of this request: remove it, or check its spelling",
    });
  });

  test.each([
    [null, "request", "request must be an object: got null"],
    ["backup", "request", 'request must be an object: got "backup"'],
    [{}, "action", "action is required but missing"],
    [{ ...backup, action: "copy" }, "action", 'action must be backup or restore: got "copy"'],
    [{ ...backup, "total-segments": 0 }, "total-segments", "total-segments must be at least 1: got 0"],
    [
      { ...backup, "total-segments": 1.5 },
      "total-segments",
      "total-segments must be a whole number: got 1.5",
    ],
    [
      { ...backup, "total-segments": "8" },
      "total-segments",
      'total-segments must be a whole number: got "8"',
    ],
    [{ ...backup, "restore-mode": "merge" }, "restore-mode", "restore-mode is not a field of this request"],
    [
      { ...backup, action: "restore", "read-units": 5 },
      "read-units",
      "read-units is not a field of this request",
    ],
    [{ ...backup, "bucket-prefix": "/x" }, "bucket-prefix", "bucket-prefix must be a key prefix"],
    [
      { ...backup, "bucket-prefix": "a/{day}" },
      "bucket-prefix",
      "may hold {table}, {date} and {time}: got {day}",
    ],
    [
      { ...backup, "table-name": "t".repeat(255), "bucket-prefix": "{table}/".repeat(4) },
      "bucket-prefix",
      "bucket-prefix must come to 700 characters at most",
    ],
    [{ ...backup, "bucket-prefix": 'a"b' }, "bucket-prefix", "bucket-prefix must be a key prefix"],
    [
      { ...backup, "table-name": "arn:aws:dynamodb:eu-west-1:123456789012:table/cities" },
      "table-name",
      "must be an ARN in table-region: expected us-east-1, got eu-west-1",
    ],
  ])("%j is refused: %s", (input, field, message) => {
    const issue = issuesOf(input).find((one) => one.field === field);
    expect(issue?.message).toContain(message);
  });

  test("of no known action is told its other faults too", () => {
    expect(issuesOf({ action: "copy", "table-region": "mars" }).map(({ field }) => field)).toEqual(
      expect.arrayContaining(["action", "table-region", "table-name", "bucket-name"]),
    );
  });
});
