import { expect, test } from "vitest";
import {
  about,
  FerryError,
  isThrottled,
  isTransient,
  permanent,
  sentence,
  stopped,
  toReport,
} from "./errors.ts";

const details = {
  operation: "Scan",
  resource: "table cities",
  message: "The table cities does not exist.",
  hint: "Check table-name.",
};

test("a FerryError is an Error with a message, a name and a cause", () => {
  const cause = new Error("ResourceNotFoundException");
  const error = permanent("no-such-table", { ...details, cause });
  expect(error).toMatchObject({ name: "FerryError", cause, ...details });
  expect(error).toMatchObject({ kind: "permanent", code: "no-such-table" });
});

test("an error without a cause has no such property", () => {
  expect("cause" in permanent("no-such-table", details)).toBe(false);
});

test.each([
  ["permanent", false],
  ["throttled", true],
  ["transient", true],
] as const)("the report of a %s error has its fields as plain data; retryable: %s", (kind, retryable) => {
  expect(toReport(new FerryError(kind, "service-error", details))).toStrictEqual({ ...details, retryable });
});

test("the report of an invalid request has its issues", () => {
  const issues = [{ field: "action", message: "action is required but missing" }];
  expect(toReport(permanent("invalid-request", { ...details, issues }))).toStrictEqual({
    ...details,
    retryable: false,
    issues,
  });
});

test("only a FerryError of the kind throttled counts as throttled", () => {
  expect(isThrottled(new FerryError("throttled", "throttled", details))).toBe(true);
  expect(isThrottled(new FerryError("transient", "throttled", details))).toBe(false);
  expect(isThrottled(Object.assign(new Error("throttled"), { kind: "throttled" }))).toBe(false);
});

test("a FerryError of the kind transient and any other Error count as transient", () => {
  expect(isTransient(new FerryError("transient", "service-error", details))).toBe(true);
  expect(isTransient(new FerryError("throttled", "throttled", details))).toBe(false);
  expect(isTransient(permanent("no-such-table", details))).toBe(false);
  expect(isTransient(new Error("socket hang up"))).toBe(true);
});

test("a report's line has message and hint", () => {
  const report = toReport(permanent("no-such-table", details));
  expect(sentence(report)).toBe("The table cities does not exist. Check table-name.");
  expect(sentence({ ...report, hint: "" })).toBe("The table cities does not exist.");
});

test("a sentence about a resource begins with it and ends in one full stop", () => {
  expect(about("table cities in us-east-1", "is not empty")).toBe(
    "The table cities in us-east-1 is not empty.",
  );
  expect(about("s3://archives/one/task.json", "is missing.")).toBe("s3://archives/one/task.json is missing.");
  expect(stopped("Why?")).toBe("Why?");
});
