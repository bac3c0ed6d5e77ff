import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Identity, identify, rowKeyOf, taskRef } from "./task.ts";

const event = { id: "e-1", time: "2026-11-23T08:00:00Z" };
const request = {
  action: "backup",
  "table-region": "us-east-1",
  "table-name": "cities",
  "bucket-region": "eu-west-1",
  "bucket-name": "archives",
  "bucket-prefix": "nightly/{date}/",
};
const keyNow = (identity: Identity) => rowKeyOf(identity, identity.requestTimeMs);

describe("a request's identity", () => {
  test("of a backup has its table as the key", () => {
    const identity = identify({ request, "request-id": "r-1" }, event);
    expect(identity).toMatchObject({
      action: "backup",
      requestId: "r-1",
      requestTimeMs: Date.parse(event.time),
    });
    expect(keyNow(identity)).toBe("us-east-1-cities");
  });

  test("of a restore has its archive as the key, with the prefix expanded", () => {
    const identity = identify({ request: { ...request, action: "restore" } }, event);
    expect(identity.action).toBe("restore");
    expect(keyNow(identity)).toBe("eu-west-1-archives-nightly/2026-11-23");
  });

  test("has a digest of the action, the request-id and every field, independent of their order", () => {
    const digest = (body: object, id = "r-1") => identify({ request: body, "request-id": id }, event).digest;
    const own = digest(request);
    expect(own).toMatch(/^[0-9a-f]{16}$/);
    const others = [
      digest(request, "r-2"),
      digest({ ...request, action: "restore" }),
      digest({ ...request, "table-name": "copies" }),
      digest({ ...request, "bucket-prefix": "nightly/2026-11-23" }),
      digest({ ...request, "total-segments": 4 }),
    ];
    expect(new Set([own, ...others]).size).toBe(6);
    expect(digest(Object.fromEntries(Object.entries(request).toReversed()))).toBe(own);
  });

  test("has a digest that does not depend on the time", () => {
    const later = { id: "e-2", time: "2026-11-24T08:00:00Z" };
    const detail = { request, "request-id": "r-1" };
    expect(identify(detail, later).digest).toBe(identify(detail, event).digest);
  });

  test("has the request-time of its detail, a number or a numeric string", () => {
    const at = Date.parse("2026-01-02T03:04:05.678Z");
    for (const time of [at, String(at)])
      expect(identify({ request, "request-time": time }, event)).toMatchObject({ requestTimeMs: at });
  });

  test("has the due time of a schedule, in ISO 8601", () => {
    const detail = { request, "request-time": "2026-01-02T03:04:05Z", "request-id": "nightly" };
    const first = identify(detail, event);
    expect(first).toMatchObject({ requestTimeMs: Date.parse("2026-01-02T03:04:05Z") });
    // A later redelivery is the same request.
    expect(identify(detail, { id: "e-2", time: "2026-01-02T03:09:00Z" })).toEqual(first);
  });

  test.each([
    ["seconds instead of ms", 1_793_498_400],
    ["microseconds", 1_793_498_400_000_000],
    ["beyond what a date can be", 8.64e15 + 1],
    ["1970", 0],
    ["a word", "Tuesday"],
    ["null", null],
    ["an object", { ms: 1 }],
  ])("has an issue and the event's time if the request-time is %s", (_, time) => {
    const { timeIssue, requestTimeMs } = identify({ request, "request-time": time }, event);
    expect(timeIssue).toMatchObject({
      field: "request-time",
      message: expect.stringContaining(`got ${JSON.stringify(time)}`),
    });
    expect(requestTimeMs).toBe(Date.parse(event.time));
  });

  test("has an issue and a default time if the event's time is invalid", () => {
    for (const time of ["1970-01-01T00:00:00Z", "no time"]) {
      const { timeIssue, requestTimeMs } = identify({ request }, { id: "e", time });
      expect(timeIssue).toMatchObject({ field: "time", message: expect.stringContaining(time) });
      expect(requestTimeMs).toBe(Date.parse("2000-01-01T00:00:00Z"));
    }
  });

  test("has an issue with the field, the range and the received value", () => {
    const message = (request: object, at = event) => identify(request, at).timeIssue?.message;
    const range =
      "must be ms since 1970 or ISO 8601, from 2000-01-01T00:00:00.000Z to 2100-01-01T00:00:00.000Z";
    expect(message({ "request-time": 7 })).toBe(`request-time ${range}: got 7`);
    expect(message({}, { id: "e", time: "no time" })).toBe(`time ${range}: got "no time"`);
  });

  test.each<[string, unknown, boolean]>([
    ["the first ms of 2000", Date.UTC(2000, 0), true],
    ["the ms before it", Date.UTC(2000, 0) - 1, false],
    ["the last ms of 2099", Date.UTC(2100, 0) - 1, true],
    ["the ms after it", Date.UTC(2100, 0), false],
    ["ISO 8601 without a time", "2026-01-02", false],
    ["a list of a time", [Date.UTC(2026, 0)], false],
    ["true", true, false],
  ])("accepts a request-time of %s, %j: %s", (_, requestTime, isValid) => {
    const { timeIssue, requestTimeMs } = identify({ request, "request-time": requestTime }, event);
    expect(timeIssue === undefined).toBe(isValid);
    expect(requestTimeMs).toBe(isValid ? requestTime : Date.parse(event.time));
    // The event's time has the same bounds.
    if (typeof requestTime === "number") {
      const time = new Date(requestTime).toISOString();
      expect(identify({ request }, { id: "e", time }).timeIssue === undefined).toBe(isValid);
    }
  });

  describe.each(["backup", "restore"])("of a %s", (action) => {
    const body = { ...request, action };
    const wrapped = identify({ request: body, "request-id": "r-1" }, { ...event, id: "e-2" });

    // AWS does not say whether a Pipe without a template parses the body.
    describe.each([
      ["text", (content: unknown): unknown => JSON.stringify(content)],
      ["parsed", (content: unknown) => content],
    ])("whose message has its body as %s", (_, written) => {
      const later = { id: "e-3", time: "2026-11-23T08:00:09Z" };
      const inMessage = (content: unknown, messageId: string) => {
        const attributes = { SentTimestamp: String(Date.parse(event.time)) };
        const record = { eventSource: "aws:sqs", messageId, body: written(content), attributes };
        const { message, ...identity } = identify(record, later);
        expect(message).toMatchObject({ id: messageId, isJson: true });
        return { identity, requestTime: message?.requestTime };
      };

      test("is the same, with the message's time; its own request-id has priority over the message's", () => {
        const expected = { identity: wrapped, requestTime: String(Date.parse(event.time)) };
        expect(inMessage({ request: body, "request-id": "r-1" }, "m")).toEqual(expected);
        expect(inMessage({ request: body, "request-id": "a b" }, "r-1")).toEqual(expected);
        expect(inMessage({ request: body }, "r-1")).toEqual(expected);
        expect(inMessage(body, "r-1")).toEqual(expected);
      });

      test("has the caller's request-time, not the message's", () => {
        const own = { request: body, "request-time": "2026-01-02T03:04:05Z" };
        expect(inMessage(own, "m")).toMatchObject({
          identity: { requestTimeMs: Date.parse("2026-01-02T03:04:05Z") },
          requestTime: "2026-01-02T03:04:05Z",
        });
      });
    });

    test("is the same without wrapping, with the event's id as request-id", () => {
      expect(identify(body, { ...event, id: "r-1" })).toEqual(wrapped);
    });
  });

  test("of a message that is not a request has the message's content, or its text", () => {
    const of = (text: string) => identify({ eventSource: "aws:sqs", messageId: "m", body: text }, event);
    const isJson = { message: { id: "m", isJson: true }, requestId: "m" };
    for (const content of [null, 1, "hello", [], {}, { request: null }, { "table-name": "t" }])
      expect(of(JSON.stringify(content))).toMatchObject({
        ...isJson,
        request: content !== null && typeof content === "object" && "request" in content ? null : content,
      });
    expect(of("please")).toMatchObject({ message: { id: "m", isJson: false }, request: "please" });
    expect(of("")).toMatchObject({ message: { id: "m", isJson: false }, request: "" });
  });

  test("of a detail with an action, which a route takes, is not that of a message", () => {
    const record = { eventSource: "aws:sqs", messageId: "m", body: "{}" };
    expect(identify({ ...request, ...record }, event)).toMatchObject({ request: { action: "backup" } });
    expect(identify({ ...request, ...record }, event).message).toBeUndefined();
    expect(identify({ request, ...record }, event).message).toBeUndefined();
  });

  test("of a request with another action has the action backup", () => {
    expect(identify({ request: { ...request, action: "copy" } }, event).action).toBe("backup");
  });

  test("has the event's id if the request-id is not valid for a message group", () => {
    expect(identify({ request, "request-id": "a b" }, event).requestId).toBe("e-1");
    expect(identify({ request, "request-id": 7 }, event).requestId).toBe("e-1");
    for (const odd of ["", " a", "a ", "a/b", "é", "x".repeat(129)])
      expect(identify({ request, "request-id": odd }, event).requestId).toBe("e-1");
    for (const id of ["aZ09_.:-", "x".repeat(100), "7"])
      expect(identify({ request, "request-id": id }, event).requestId).toBe(id);
  });

  test("never throws, for any detail", () =>
    fc.assert(
      fc.property(fc.anything(), fc.anything(), fc.string(), (detail, inner, time) => {
        keyNow(identify(detail, event));
        keyNow(identify({ request: inner, "request-id": inner, "request-time": inner }, { id: "e", time }));
      }),
    ));

  test("never throws for a deeply nested detail or a long expanded prefix", () => {
    const deep = JSON.parse("[".repeat(100_000) + "]".repeat(100_000));
    expect(keyNow(identify({ request: { ...request, "bucket-prefix": deep } }, event))).toBe(
      "us-east-1-cities",
    );
    const long = { ...request, action: "restore", "table-name": "x".repeat(300_000) };
    expect(
      keyNow(identify({ request: { ...long, "bucket-prefix": "{table}".repeat(90_000) } }, event)),
    ).toBeUndefined();
  });

  test("has no key if a field of the key is missing or invalid", () => {
    expect(keyNow(identify({ request: { action: "backup" } }, event))).toBeUndefined();
    for (const field of ["table-region", "table-name"])
      for (const odd of [undefined, "", 7])
        expect(keyNow(identify({ request: { ...request, [field]: odd } }, event))).toBeUndefined();
    for (const field of ["bucket-region", "bucket-name", "bucket-prefix"])
      for (const odd of [undefined, "", 7])
        expect(
          keyNow(identify({ request: { ...request, action: "restore", [field]: odd } }, event)),
        ).toBeUndefined();
  });

  test("has a key of at most 1,900 bytes", () => {
    const named = (name: string) => keyNow(identify({ request: { ...request, "table-name": name } }, event));
    const longest = "x".repeat(1900 - "us-east-1-".length);
    expect(named(longest)).toBe(`us-east-1-${longest}`);
    expect(named(`${longest}x`)).toBeUndefined();
    // A character may be two bytes.
    expect(named(`é${longest.slice(1)}`)).toBeUndefined();
  });

  test("of a restore expands the prefix with a table name of up to 1,900 characters", () => {
    const restored = (name: unknown) =>
      keyNow(identify({ request: { ...request, action: "restore", "table-name": name } }, event));
    expect(restored("x".repeat(1900))).toBe("eu-west-1-archives-nightly/2026-11-23");
    for (const odd of ["x".repeat(1901), 7, undefined])
      expect(restored(odd)).toBe("eu-west-1-archives-nightly/{date}/");
  });
});

test("a task's id has its row and its request's digest", () => {
  const identity = identify({ request, "request-id": "r-1" }, event);
  const row = { action: "backup", key: "us-east-1-cities", timestamp: 1_795_420_800_123 } as const;
  expect(taskRef(row, identity)).toEqual({
    ...row,
    id: `us-east-1-cities@1795420800123-${identity.digest}`,
    "request-id": "r-1",
  });
});
