/** The graphs as committed files: a reviewer sees every change of a grant, a queue or an alarm in the diff. */
import { expect, test } from "vitest";
import { logicalNames } from "../invariants/names.ts";
import { deploymentOf, SNAPSHOTS } from "../testing/graphs.ts";
import { rendered, renderedChanges } from "./render.ts";

const UPDATE = "npx vitest run --project infra --update";
const base = deploymentOf("production").graph;

const file = (header: string, body: string) =>
  `# ${header}\n# Generated. After a change that should alter it: ${UPDATE}\n\n${body}\n`;

test("the graph of the stage production is the committed one", async () => {
  await expect(file("The graph of a protected stage.", rendered(base))).toMatchFileSnapshot(
    "production.yaml",
  );
});

test.each(Object.keys(SNAPSHOTS).filter((name) => name !== "production"))(
  "the differences of the stage %s from production are the committed ones",
  async (name) => {
    const { graph } = deploymentOf(name);
    const header = `What is different from production.yaml in the stage ${graph.app.stage}${graph.dev ? ", in sst dev" : ""}.`;
    await expect(file(header, renderedChanges(graph, base))).toMatchFileSnapshot(`${name}.yaml`);
  },
);

test("the logical names of the stages' resources are the committed ones", async () => {
  const names = new Set(Object.keys(SNAPSHOTS).flatMap((name) => logicalNames(deploymentOf(name))));
  await expect(`${[...names].sort().join("\n")}\n`).toMatchFileSnapshot("logical-names.txt");
});
