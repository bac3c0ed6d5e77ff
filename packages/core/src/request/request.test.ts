import { describe, expect, test } from "vitest";
import { quoted } from "../errors/quote.ts";
import { expandPrefix, parseRequest } from "./request.ts";

const options = {
  requestTimeMs: Date.UTC(2026, 10, 23, 8, 5, 9),
  maximumSegments: 1000,
  compression: "gzip",
} as const;
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
  const parsed = parseRequest(input, options);
  return "issues" in parsed ? parsed.issues : [];
};

describe("a valid request", () => {
  test("has the earlier tool's seven fields, with the prefix expanded without colons or a trailing slash", () => {
    expect(parseRequest(backup, options)).toEqual({
      request: { ...backup, "bucket-prefix": "nightly/cities/2026-11-23T08-05-09" },
    });
  });

  test("may have a table's ARN, whose name the prefix uses", () => {
    const arn = "arn:aws:dynamodb:us-east-1:123456789012:table/cities";
    expect(parseRequest({ ...backup, "table-name": arn, "bucket-prefix": "{table}" }, options)).toMatchObject(
      {
        request: { "table-name": arn, "bucket-prefix": "cities" },
      },
    );
  });

  test("of a restore may have a mode", () => {
    const restore = { ...backup, action: "restore", "restore-mode": "merge", "write-units": 100 };
    expect(parseRequest(restore, options)).toHaveProperty("request");
  });
});

describe("a field of a request", () => {
  const MIB = 1024 * 1024;
  const restore = { ...backup, action: "restore" };
  const region = "an AWS region such as us-east-1";
  const table = "a table name (3 to 255 of A-Z a-z 0-9 _ . -) or a table's ARN";
  const prefix =
    "a key prefix of 1 to 700 of A-Z a-z 0-9 ! - _ . * ' ( ) & $ @ = ; : + , ~ { } space and /, not starting with /";
  const regions = [
    ["us-east-1", "us-gov-west-1", "cn-north-9"],
    [
      "us-east-12",
      "us-east",
      "us-1",
      "US-east-1",
      "us-eAst-1",
      "u-east-1",
      "us-east-1x",
      "xus-east-1",
      "us--1",
      "",
    ],
  ] as const;
  const arn = (account: string, name = "abc") => `arn:aws:dynamodb:us-east-1:${account}:table/${name}`;

  test.each<[object, string, string, readonly [readonly unknown[], readonly unknown[]]]>([
    [backup, "table-region", region, regions],
    [backup, "bucket-region", region, regions],
    [
      backup,
      "table-name",
      table,
      [
        ["abc", "a".repeat(255), "aZ_0.9-", arn("123456789012")],
        [
          "ab",
          "a".repeat(256),
          "a b",
          "abc!",
          "!abc",
          arn("12345678901"),
          arn("1234567890123"),
          arn("123456789012", "ab"),
          `x${arn("123456789012")}`,
        ],
      ],
    ],
    [
      backup,
      "bucket-name",
      "a bucket name (3 to 63 of a-z 0-9 . -)",
      [
        ["abc", "a".repeat(63), "9.a-0"],
        ["ab", "a".repeat(64), "-ab", "ab-", ".ab", "ab.", "aBc", "a_c"],
      ],
    ],
    [
      backup,
      "bucket-prefix",
      prefix,
      [
        ["a", "-", "a".repeat(700), "Az09!_.*'()&$@=;:+,~-/ b"],
        ["", "/a", " a", "a".repeat(701), 'a"', '"a', "a\\", "é"],
      ],
    ],
    [
      backup,
      "bucket-owner",
      "an account id of 12 digits",
      [["123456789012"], ["12345678901", "1234567890123", "12345678901x", "x23456789012"]],
    ],
    [
      backup,
      "kms-key-id",
      "a KMS key id, ARN or alias",
      [
        ["a", "alias/Key_9", arn("123456789012"), "a".repeat(2048)],
        ["", "a b", " a", "a ", "a".repeat(2049)],
      ],
    ],
  ])("%j: %s must be %s", (request, field, expected, [good, bad]) => {
    for (const value of good) expect(issuesOf({ ...request, [field]: value })).toEqual([]);
    for (const value of bad)
      expect(issuesOf({ ...request, [field]: value }).map(({ message }) => message)).toContainEqual(
        expect.stringContaining(`${field} must be ${expected}: got ${quoted(value)}`),
      );
    expect(issuesOf({ ...request, [field]: 7 })).toEqual([
      { field, message: `${field} must be a string: got 7` },
    ]);
  });

  test.each<[object, string, number, string]>([
    [backup, "total-segments", 1000, ", the setting maximumSegments (at most 4000)"],
    [backup, "batch-bytes", 256 * MIB, " (256 MiB)"],
    [{ ...backup, compression: "zstd" }, "compression-level", 19, " (zstd; 9 for gzip)"],
    [backup, "read-units", 10_000_000, ""],
    [restore, "write-units", 10_000_000, ""],
    [restore, "total-segments", 1000, ", the setting maximumSegments (at most 4000)"],
  ])("%j: %s is a whole number from 1 to %i", (request, field, max, explanation) => {
    const messages = (value: unknown) =>
      issuesOf({ ...request, [field]: value }).map(({ message }) => message);
    for (const value of [1, max]) expect(messages(value)).toEqual([]);
    expect(messages(0)).toEqual([`${field} must be at least 1: got 0`]);
    expect(messages(max + 1)).toEqual([`${field} must be at most ${max}${explanation}: got ${max + 1}`]);
    for (const odd of [1.5, "8", null])
      expect(messages(odd)).toEqual([`${field} must be a whole number: got ${quoted(odd)}`]);
  });

  test.each<[object, string, readonly unknown[], string]>([
    [backup, "compression", ["gzip", "zstd"], "gzip or zstd"],
    [backup, "consistent-read", [true, false], "true or false"],
    [restore, "restore-mode", ["empty-only", "merge", "if-absent"], "empty-only, merge or if-absent"],
    [restore, "manifest-keys", ["own", "rebase", "as-listed"], "own, rebase or as-listed"],
    [restore, "out-of-order", [true, false], "true or false"],
  ])("%j: %s is one of %j", (request, field, values, words) => {
    for (const value of values)
      expect(parseRequest({ ...request, [field]: value }, options)).toMatchObject({
        request: { [field]: value },
      });
    for (const odd of ["other", 7, ""])
      expect(issuesOf({ ...request, [field]: odd })).toEqual([
        { field, message: `${field} must be ${words}: got ${quoted(odd)}` },
      ]);
  });

  test.each(["table-region", "table-name", "bucket-region", "bucket-name", "bucket-prefix"])(
    "%s is required for both actions",
    (field) => {
      for (const { [field as "action"]: _, ...rest } of [backup, restore])
        expect(issuesOf(rest)).toEqual([{ field, message: `${field} is required but missing` }]);
    },
  );
});

describe("a prefix", () => {
  const expanded = (text: string, name = "cities") => expandPrefix(text, name, options.requestTimeMs);

  test("has every placeholder expanded, and no trailing slash", () => {
    expect(expanded("{table}/{table}-{date}.{date}T{time}_{time}///")).toBe(
      "cities/cities-2026-11-23.2026-11-23T08-05-09_08-05-09",
    );
    expect(expanded("a//b")).toBe("a//b");
    expect(expanded("{table}", "arn:aws:dynamodb:us-east-1:123456789012:table/cities")).toBe("cities");
  });

  test.each([
    ["a/{day}", "{day}"],
    ["a/{day", "{day"],
    ["{tables}", "{tables}"],
    ["{table", "{table"],
    ["{", "{"],
    ["a}", "}"],
    ["{table}}", "}"],
    ["}{date}", "}"],
    ["{}", "{}"],
  ])("of %s is refused with %s in the message", (given, what) => {
    expect(issuesOf({ ...backup, "bucket-prefix": given })).toEqual([
      {
        field: "bucket-prefix",
        message: `bucket-prefix may contain {table}, {date} and {time}: got ${what}`,
      },
    ]);
  });

  test("expands to at most 700 characters", () => {
    const of = (length: number) => ({
      ...backup,
      "table-name": "t".repeat(200),
      "bucket-prefix": `{table}{table}{table}${"x".repeat(length - 600)}`,
    });
    expect(issuesOf(of(700))).toEqual([]);
    expect(issuesOf(of(701))).toEqual([
      { field: "bucket-prefix", message: "bucket-prefix must expand to at most 700 characters: got 701" },
    ]);
  });
});

test("an ARN must be in the table's region", () => {
  const arn = (region: string, partition = "aws") => ({
    ...backup,
    "table-name": `arn:${partition}:dynamodb:${region}:123456789012:table/cities`,
  });
  expect(issuesOf(arn("us-east-1"))).toEqual([]);
  expect(issuesOf(arn("us-east-1", "aws-us-gov"))).toEqual([]);
  expect(issuesOf(arn("eu-west-1", "aws-cn"))).toEqual([
    {
      field: "table-name",
      message: "table-name must be an ARN in table-region: expected us-east-1, got eu-west-1",
    },
  ]);
});

describe("the fields of a table that the restore creates", () => {
  const restore = { ...backup, action: "restore" };
  const fields = {
    "table-settings": "keys",
    "billing-mode": "on-demand",
    "table-class": "standard-infrequent-access",
  };

  test("are valid with create-table true", () => {
    expect(issuesOf({ ...restore, "create-table": true, ...fields })).toEqual([]);
    expect(issuesOf({ ...restore, "create-table": true })).toEqual([]);
    expect(issuesOf({ ...restore, "create-table": false })).toEqual([]);
  });

  test.each([{}, { "create-table": false }])("are refused with %j, each with what to do", (without) => {
    expect(issuesOf({ ...restore, ...fields, ...without })).toEqual(
      Object.keys(fields).map((field) => ({
        field,
        message: `${field} is for a table that the restore creates: add create-table true, or remove ${field}`,
      })),
    );
  });

  test("have few values", () => {
    const wrong = {
      "create-table": "yes",
      "table-settings": "some",
      "billing-mode": "free",
      "table-class": "",
    };
    expect(issuesOf({ ...restore, ...wrong }).map(({ message }) => message)).toEqual([
      'create-table must be true or false: got "yes"',
      'table-settings must be none, keys or all: got "some"',
      'billing-mode must be on-demand or provisioned: got "free"',
      'table-class must be standard or standard-infrequent-access: got ""',
    ]);
  });

  test("need the table's name, because a table of another account cannot be created", () => {
    const arn = "arn:aws:dynamodb:us-east-1:123456789012:table/cities";
    expect(issuesOf({ ...restore, "create-table": true, "table-name": arn })).toEqual([
      {
        field: "table-name",
        message: `table-name must be a name if create-table is true, because a table is created in Ferry's own account: got "${arn}"`,
      },
    ]);
  });
});

describe("a compression level", () => {
  const messages = (fields: object, compression: "gzip" | "zstd") => {
    const parsed = parseRequest({ ...backup, ...fields }, { ...options, compression });
    return "issues" in parsed ? parsed.issues : [];
  };

  test.each([
    [{ compression: "gzip" }, "zstd", "gzip", 9],
    [{ compression: "zstd" }, "gzip", "zstd", 19],
    [{}, "gzip", "gzip", 9],
    [{}, "zstd", "zstd", 19],
  ] as const)(
    "of a request with %j, on a stage with %s, is one of %s: at most %i",
    (fields, stage, name, max) => {
      expect(messages({ ...fields, "compression-level": max }, stage)).toEqual([]);
      const issues = messages({ ...fields, "compression-level": max + 1 }, stage);
      expect(issues).toEqual([
        {
          field: "compression-level",
          message:
            name === "zstd"
              ? "compression-level must be at most 19 (zstd; 9 for gzip): got 20"
              : "compression-level must be at most 9 for gzip: got 10",
        },
      ]);
    },
  );
});

describe("a series of exports", () => {
  const series = (fields: object) => parseRequest({ ...backup, action: "restore", ...fields }, options);

  test("is a list of prefixes, without trailing slashes, or the time until which Ferry finds them", () => {
    expect(series({ increments: ["AWSDynamoDB/01/", "AWSDynamoDB/02"] })).toMatchObject({
      request: { increments: ["AWSDynamoDB/01", "AWSDynamoDB/02"] },
    });
    for (const until of ["2026-11-01T02:00Z", "2026-11-01T02:00:00Z", "2026-11-01T02:00:00.123Z"])
      expect(series({ until })).toMatchObject({ request: { until } });
  });

  test.each<[object, string, string]>([
    [
      { increments: "AWSDynamoDB/01" },
      "increments",
      "increments must be a list of prefixes of incremental exports: got ",
    ],
    [{ increments: [] }, "increments", "increments must have at least one prefix: got "],
    [
      { increments: Array.from({ length: 101 }, (_, n) => `x${n}`) },
      "increments",
      "increments must have at most 100 prefixes: got ",
    ],
    [{ increments: ["/x"] }, "increments.0", "increments must be a key prefix of 1 to 700"],
    [{ increments: [7] }, "increments.0", "increments must be a string: got 7"],
    [{ increments: ["x", "y", "x/"] }, "increments", "increments must list each export once: got x twice"],
    [{ increments: ["x"], until: "2026-11-01T02:00Z" }, "until", "until and increments exclude each other"],
    [
      { until: "yesterday" },
      "until",
      'until must be a time in UTC such as 2026-11-01T02:00:00Z: got "yesterday"',
    ],
    [{ until: "2026-11-01T02:00:00+01:00" }, "until", "until must be a time in UTC"],
    [
      { until: "2026-13-01T02:00:00Z" },
      "until",
      "until must be a time that exists: got 2026-13-01T02:00:00Z",
    ],
  ])("with %j is refused", (fields, field, message) => {
    expect(series(fields)).toMatchObject({ issues: [{ field, message: expect.stringContaining(message) }] });
  });
});

describe("an invalid request", () => {
  test("has all its issues reported at once, each with the field, the expected value and the received value", () => {
    const issues = issuesOf({
      ...backup,
      "total-segments": 1001,
      "table-name": "x",
      "bucket-region": 7,
      "bucket-name": undefined,
      compression: "brotli",
      "create-table": true,
      extra: 1,
    });
    expect(Object.fromEntries(issues.map(({ field, message }) => [field, message]))).toEqual({
      "total-segments":
        "total-segments must be at most 1000, the setting maximumSegments (at most 4000): got 1001",
      "table-name":
        'table-name must be a table name (3 to 255 of A-Z a-z 0-9 _ . -) or a table\'s ARN: got "x"',
      "bucket-region": "bucket-region must be a string: got 7",
      "bucket-name": "bucket-name must be a string: got nothing",
      compression: 'compression must be gzip or zstd: got "brotli"',
      "create-table": "create-table is not a field of this request: remove it, or check its spelling",
      extra: "extra is not a field of this request: remove it, or check its spelling",
    });
  });

  test.each([
    [null, "request", "request must be an object: got null"],
    [undefined, "request", "request must be an object: got nothing"],
    ["backup", "request", 'request must be an object: got "backup"'],
    [{}, "action", "action is required but missing"],
    [
      { ...backup, "request-id": "r-1" },
      "request-id",
      'request-id must be beside the request: {"request": {…}, "request-id": …}',
    ],
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
      "may contain {table}, {date} and {time}: got {day}",
    ],
    [
      { ...backup, "table-name": "t".repeat(255), "bucket-prefix": "{table}/".repeat(4) },
      "bucket-prefix",
      "bucket-prefix must expand to at most 700 characters",
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

  test("has names of unknown fields cut to 120 characters", () => {
    const cut = `${"x".repeat(119)}…`;
    expect(issuesOf({ ...backup, ["x".repeat(121)]: 1 })).toEqual([
      { field: cut, message: `${cut} is not a field of this request: remove it, or check its spelling` },
    ]);
  });

  test("with another action may have the fields of both actions", () => {
    const both = { ...backup, action: "copy", "read-units": 1, "write-units": 1 };
    expect(issuesOf(both).map(({ field }) => field)).toEqual(["action"]);
  });

  test("with another action has its other issues reported too", () => {
    expect(issuesOf({ action: "copy", "table-region": "mars" }).map(({ field }) => field)).toEqual(
      expect.arrayContaining(["action", "table-region", "table-name", "bucket-name"]),
    );
  });
});
