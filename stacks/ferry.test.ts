/** The synthesized stack, held against every check; and the checks against the faults that prove them. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { faults } from "../tools/synth/faults.ts";
import { checks } from "./checks/all.ts";
import { ofType } from "./checks/check.ts";
import { everyStatement } from "./checks/policies.ts";
import { WIDE_RESOURCES } from "./checks/roles.ts";
import { deploymentOf, GRAPHS, root } from "./testing/graphs.ts";

describe.each(GRAPHS.map(({ name }) => name))("given the graph of %s", (name) => {
  const deployment = deploymentOf(name);
  test.each(checks)("when it is checked, then $name", ({ broken }) => {
    expect(broken(deployment)).toEqual([]);
  });
});

test("given two builds, when they are compared, then they are one: nothing is drawn at random", () => {
  expect(deploymentOf("production, once more").graph).toEqual(deploymentOf("production").graph);
});

test("given the checks, when the faults are listed, then each check is proven by one at least", () => {
  const proven = new Set(faults.map((fault) => fault.caughtBy));
  expect(checks.map(({ name }) => name).filter((name) => !proven.has(name))).toEqual([]);
  expect([...proven].filter((name) => !checks.some((check) => check.name === name))).toEqual([]);
});

test.each(faults)(
  "given the sources, when $name would be planted, then there is one place for it",
  ({ file, find }) => {
    expect(readFileSync(path.join(root, file), "utf8").split(find)).toHaveLength(2);
  },
);

test("given the wide resources that are excused, when roles are searched, then each excuse is needed", () => {
  const resources = everyStatement(deploymentOf("production")).flatMap(({ statement }) => statement.Resource);
  for (const { resource, why } of WIDE_RESOURCES) {
    expect(
      resources.some((arn) => resource.test(arn)),
      why,
    ).toBe(true);
  }
});

test("given every alarm, when docs/operations.md is read, then it has a chapter for each and for no other", () => {
  const chapters = [
    ...readFileSync(path.join(root, "docs/operations.md"), "utf8").matchAll(/^### `(.+)`$/gm),
  ].map(([, name]) => name);
  const alarms = ofType(deploymentOf("production"), "MetricAlarm").map(({ inputs }) =>
    inputs.name.replace("ferry-production-", ""),
  );
  expect(chapters.sort()).toEqual(alarms.sort());
});
