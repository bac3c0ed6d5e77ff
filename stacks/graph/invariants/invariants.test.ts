import { expect, test } from "vitest";
import { deploymentOf, VARIANTS } from "../testing/graphs.ts";
import { invariants, violatedInvariants } from "./all.ts";
import { alterations } from "./alterations.ts";
import { missingLogicalNames } from "./names.ts";

test.each(Object.keys(VARIANTS))("the graph of %s violates no invariant", (name) => {
  expect(Object.fromEntries(violatedInvariants(deploymentOf(name)))).toEqual({});
});

test.each(alterations)("given $name, $violates is violated", ({ graph: name, alter, violates }) => {
  const { graph, settings } = deploymentOf(name);
  const altered = structuredClone(graph) as Parameters<typeof alter>[0];
  alter(altered);
  expect([...violatedInvariants({ graph: altered, settings }).keys()]).toContain(violates);
});

test("each invariant is violated by an alteration", () => {
  const found = new Set(alterations.map(({ violates }) => violates));
  expect(Object.keys(invariants).filter((name) => !found.has(name))).toEqual([]);
});

/** Its graph has fewer alarms and no dashboard. */
const isMinimal = (name: string) => deploymentOf(name).settings.profile === "minimal";

test.each(Object.keys(VARIANTS).filter((name) => name !== "production" && !isMinimal(name)))(
  "the graphs of production and %s have the same logical names",
  (name) => {
    expect(missingLogicalNames(deploymentOf("production"), deploymentOf(name))).toEqual([]);
  },
);

test("given a function that is named after a hash of its queue's ARN, its logical name is reported as missing in another stage", () => {
  const production = deploymentOf("production");
  const resources = production.graph.resources.map((one) =>
    one.name === "BackupWorkerFunction" ? { ...one, name: "BackupSubscriberXnevnbFunction" } : one,
  );
  const altered = { ...production, graph: { ...production.graph, resources } };
  expect(missingLogicalNames(altered, deploymentOf("dev"))).toEqual([
    "aws:lambda/function:Function BackupSubscriberXnevnbFunction",
  ]);
});
