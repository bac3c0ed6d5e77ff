/** The graphs that the infra tests look at. */
import { readFileSync } from "node:fs";
import path from "node:path";
import type { Graph } from "../../tools/synth/graph.ts";
import type { Deployment } from "../checks/check.ts";
import { parseStage } from "../settings/parse.ts";
import { stages as example } from "../stages.ts";
import { stages as full } from "./stages.ts";

export const root = path.resolve(import.meta.dirname, "../..");

interface Variant {
  readonly name: string;
  readonly stage: string;
  readonly dev: boolean;
  /** Where its settings are, from the root. */
  readonly stages: string;
}

const EXAMPLE = "stacks/stages.ts";

export const GRAPHS: readonly Variant[] = [
  { name: "production", stage: "production", dev: false, stages: EXAMPLE },
  { name: "production, once more", stage: "production", dev: false, stages: EXAMPLE },
  { name: "production in dev", stage: "production", dev: true, stages: EXAMPLE },
  {
    name: "every setting",
    stage: "every-setting-and-longest-name",
    dev: false,
    stages: "stacks/testing/stages.ts",
  },
];

export const graphFile = ({ name }: Variant): string =>
  path.join(root, ".sst/synth/graphs", `${name.replaceAll(/[^a-z]+/g, "-")}.json`);

export function deploymentOf(name: string): Deployment {
  const variant = GRAPHS.find((one) => one.name === name)!;
  const { stage, dev } = variant;
  const graph = JSON.parse(readFileSync(graphFile(variant), "utf8")) as Graph;
  return { graph, stage, dev, settings: parseStage({ ...example, ...full }, stage) };
}
