import { expect, test } from "vitest";
import { deploymentOf, VARIANTS } from "../testing/graphs.ts";
import { brokenInvariants, invariants } from "./all.ts";
import { alterations } from "./alterations.ts";
import { missingLogicalNames } from "./names.ts";

test.each(Object.keys(VARIANTS))("given the graph of %s, then every invariant holds", (name) => {
  expect(Object.fromEntries(brokenInvariants(deploymentOf(name)))).toEqual({});
});

test.each(alterations)("given $name, then $foundBy is violated", ({ graph: name, alter, foundBy }) => {
  const { graph, settings } = deploymentOf(name ?? "production");
  const altered = structuredClone(graph) as Parameters<typeof alter>[0];
  alter(altered);
  expect([...brokenInvariants({ graph: altered, settings }).keys()]).toContain(foundBy);
});

test("given the invariants, then each is violated by an alteration", () => {
  const found = new Set(alterations.map(({ foundBy }) => foundBy));
  expect(invariants.map(({ name }) => name).filter((name) => !found.has(name))).toEqual([]);
});

test.each(Object.keys(VARIANTS).filter((name) => name !== "production"))(
  "given the graphs of production and %s, then they have the same logical names",
  (name) => {
    expect(missingLogicalNames(deploymentOf("production"), deploymentOf(name))).toEqual([]);
  },
);

test("given a function that is named after a hash of its queue's ARN, then its logical name differs between stages", () => {
  const production = deploymentOf("production");
  const resources = production.graph.resources.map((one) =>
    one.name === "BackupWorkerFunction" ? { ...one, name: "BackupSubscriberXnevnbFunction" } : one,
  );
  const altered = { ...production, graph: { ...production.graph, resources } };
  expect(missingLogicalNames(altered, deploymentOf("dev"))).toEqual([
    "aws:lambda/function:Function BackupSubscriberXnevnbFunction",
  ]);
});
