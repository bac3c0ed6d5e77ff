import { expect, test } from "vitest";
import { readPutEvents, ValidationError } from "./put-events.ts";

const scope = {
  account: "000000000000",
  region: "eu-west-1",
  nowMs: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
  newId: () => "id",
};
const entry = { Source: "s", DetailType: "T", Detail: '{"a":1}' };
const read = (...Entries: object[]) => readPutEvents({ Entries }, scope);

test("an entry becomes the event a target receives", () => {
  const { output, accepted } = read({ ...entry, EventBusName: "b", Resources: ["r"] });
  expect(output).toEqual({ FailedEntryCount: 0, Entries: [{ EventId: "id" }] });
  expect(accepted).toEqual([
    {
      bus: "b",
      event: {
        version: "0",
        id: "id",
        "detail-type": "T",
        source: "s",
        account: "000000000000",
        time: "2026-01-02T03:04:05Z",
        region: "eu-west-1",
        resources: ["r"],
        detail: { a: 1 },
      },
    },
  ]);
});

test("a given time is cut to whole seconds; an entry without a bus goes to the default bus", () => {
  expect(read({ ...entry, Time: 1767225600.9 }).accepted[0]).toMatchObject({
    bus: "default",
    event: { time: "2026-01-01T00:00:00Z" },
  });
});

test.each<[string, object, string]>([
  ["no source", { Source: undefined }, "InvalidArgument"],
  ["an empty source", { Source: "" }, "InvalidArgument"],
  ["no detail-type", { DetailType: undefined }, "InvalidArgument"],
  ["no detail", { Detail: undefined }, "InvalidArgument"],
  ["an invalid time", { Time: "soon" }, "InvalidArgument"],
  ["a detail that is not JSON", { Detail: '{"a":' }, "MalformedDetail"],
  ["a detail that is a list", { Detail: "[]" }, "MalformedDetail"],
  ["a detail that is null", { Detail: "null" }, "MalformedDetail"],
  ["a source that AWS reserves", { Source: "aws.s3" }, "NotAuthorizedForSourceException"],
])("%s fails only its entry", (_, change, code) => {
  const { output, accepted } = read(entry, { ...entry, ...change }, entry);
  expect(output.FailedEntryCount).toBe(1);
  expect(output.Entries).toMatchObject([{ EventId: "id" }, { ErrorCode: code }, { EventId: "id" }]);
  expect(accepted).toHaveLength(2);
});

const detailOf = (bytes: number) => `{"a":"${"x".repeat(bytes - 8)}"}`;
const MIB = 1024 * 1024;

test("the whole call is refused without entries, with more than ten, and from 1 MiB", () => {
  expect(() => readPutEvents({}, scope)).toThrow(ValidationError);
  expect(() => read()).toThrow(ValidationError);
  expect(read(...Array(10).fill(entry)).accepted).toHaveLength(10);
  expect(() => read(...Array(11).fill(entry))).toThrow(ValidationError);
  // Source and detail-type count too: 2 bytes.
  expect(read({ ...entry, Detail: detailOf(MIB - 3) }).accepted).toHaveLength(1);
  expect(() => read({ ...entry, Detail: detailOf(MIB - 2) })).toThrow("Total size");
  expect(() => read(entry, { ...entry, Detail: detailOf(MIB - 10) })).toThrow("Total size");
  expect(() => read({ ...entry, Time: 0, Detail: detailOf(MIB - 3) })).toThrow("Total size");
});
