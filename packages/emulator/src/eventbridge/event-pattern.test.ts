import { readFileSync } from "node:fs";
import { pipes, routes } from "@ferry/core/topology";
import { describe, expect, test } from "vitest";
import { compilePattern, operators } from "./event-pattern.ts";

interface Truth {
  readonly name: string;
  readonly pattern: unknown;
  readonly event: unknown;
  /** The result of AWS's rule engine; a string if it refuses the pattern. */
  readonly matches: boolean | string;
}

const truth: readonly Truth[] = JSON.parse(
  readFileSync(new URL("./fixtures/event-pattern-truth.json", import.meta.url), "utf8"),
);

const refused = /^event pattern operator "(wildcard|cidr)" is not supported here/;

describe("the matcher agrees with AWS's rule engine, or refuses the operator", () => {
  test("there are 97 recorded results", () => expect(truth).toHaveLength(97));

  test.each(truth)("$name", ({ pattern, event, matches }) => {
    if (/"(wildcard|cidr)":/.test(JSON.stringify(pattern)))
      expect(() => compilePattern(pattern)).toThrow(refused);
    else if (typeof matches === "string") expect(() => compilePattern(pattern)).toThrow();
    else expect(compilePattern(pattern)(event)).toBe(matches);
  });

  test("these operators are supported", () => {
    expect(operators).toEqual([
      "anything-but",
      "equals-ignore-case",
      "exists",
      "numeric",
      "prefix",
      "suffix",
    ]);
  });

  test("an operator that EventBridge does not have is refused as unrecognized", () => {
    expect(() => compilePattern({ a: [{ foo: "x" }] })).toThrow("unrecognized match type foo");
  });
});

test("exists: false holds only if the field is absent in every element", () => {
  const matches = compilePattern({ d: { a: [{ exists: false }] } });
  expect(matches({ d: [{ a: 1 }, {}] })).toBe(false);
  expect(matches({ d: [{ b: 1 }, {}] })).toBe(true);
});

test("every pattern of the topology compiles", () => {
  for (const route of Object.values(routes)) compilePattern(route.pattern);
  for (const pipe of Object.values(pipes)) for (const filter of pipe.filters ?? []) compilePattern(filter);
});
