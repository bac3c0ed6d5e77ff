/** docs/deploy.md names what an idle stage costs; the counts come from the graphs. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { idleCosts } from "./idle-cost.ts";
import { root } from "./synth/bundle.ts";
import { deploymentOf } from "./testing/graphs.ts";

const costsOf = (name: string) => {
  const { graph, settings } = deploymentOf(name);
  return idleCosts(graph, settings.schedules.length);
};
const total = (name: string) => costsOf(name).reduce((sum, { dollars }) => sum + dollars, 0);
const inDollars = (amount: number) => `$${amount.toFixed(2)}`;

test("an idle stage with the profile minimal costs less than $3 a month", () => {
  expect(total("minimal")).toBeGreaterThan(0);
  expect(total("minimal")).toBeLessThan(3);
  expect(total("production")).toBeGreaterThan(total("minimal") + 3);
});

test("docs/deploy.md has the counts and prices of both profiles, for one schedule", () => {
  const [full, minimal] = [costsOf("production"), costsOf("minimal")];
  const rows = [
    ...full.map(({ what, count, dollars }, at) => {
      const other = minimal[at]!;
      return `| ${what} | ${count.toLocaleString("en")} | ${inDollars(dollars)} | ${other.count.toLocaleString("en")} | ${inDollars(other.dollars)} |`;
    }),
    `| together | | ${inDollars(total("production"))} | | ${inDollars(total("minimal"))} |`,
  ];
  expect(readFileSync(path.join(root, "docs/deploy.md"), "utf8")).toContain(rows.join("\n"));
});
