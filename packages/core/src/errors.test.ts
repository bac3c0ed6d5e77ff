import { expect, test } from "vitest";
import { FerryError, isThrottled, isTransient, permanent, sentence, toReport } from "./errors.ts";

const about = {
  operation: "Scan",
  resource: "table cities",
  message: "does not exist.",
  hint: "Check table-name.",
};

test("an error is an Error with its message, its name and what caused it", () => {
  const cause = new Error("ResourceNotFoundException");
  const error = permanent("no-such-table", { ...about, cause });
  expect(error).toMatchObject({ name: "FerryError", cause, ...about });
  expect(error).toMatchObject({ kind: "permanent", code: "no-such-table" });
});

test("an error without a cause has no such property", () => {
  expect("cause" in permanent("no-such-table", about)).toBe(false);
});

test.each([
  ["permanent", false],
  ["throttled", true],
  ["transient", true],
] as const)("the report of a %s error has all of it as plain data; retryable: %s", (kind, retryable) => {
  expect(toReport(new FerryError(kind, "service-error", about))).toStrictEqual({ ...about, retryable });
});

test("the report of a refused request has its issues", () => {
  const issues = [{ field: "action", message: "action is required but missing" }];
  expect(toReport(permanent("invalid-request", { ...about, issues }))).toStrictEqual({
    ...about,
    retryable: false,
    issues,
  });
});

test("only an error of Ferry's that is of that kind counts as throttled", () => {
  expect(isThrottled(new FerryError("throttled", "throttled", about))).toBe(true);
  expect(isThrottled(new FerryError("transient", "throttled", about))).toBe(false);
  expect(isThrottled(Object.assign(new Error("throttled"), { kind: "throttled" }))).toBe(false);
});

test("an error counts as transient if its kind says so, or if it is none of Ferry's", () => {
  expect(isTransient(new FerryError("transient", "service-error", about))).toBe(true);
  expect(isTransient(new FerryError("throttled", "throttled", about))).toBe(false);
  expect(isTransient(permanent("no-such-table", about))).toBe(false);
  expect(isTransient(new Error("socket hang up"))).toBe(true);
});

test("a report as one line: operation, resource, message, hint", () => {
  const report = toReport(permanent("no-such-table", about));
  expect(sentence(report)).toBe("Scan table cities: does not exist. Check table-name.");
  expect(sentence({ ...report, hint: "" })).toBe("Scan table cities: does not exist.");
});
