/** The graphs for the tests. synthesize.ts builds them before the tests run. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { parseStage, STAGES_FILE } from "../../settings/parse.ts";
import { stages as operatorStages } from "../../stages.ts";
import type { Deployment } from "../invariants/invariant.ts";
import { root } from "../synth/bundle.ts";
import type { Graph } from "../synth/graph.ts";
import { stages as testStages } from "./stages.ts";

interface Variant {
  readonly stage: string;
  readonly dev: boolean;
  /** The file with its settings, from the root. */
  readonly stages: string;
}

const TEST_STAGES = "stacks/graph/testing/stages.ts";

/**
 * The graphs with a snapshot. They have the tests' settings, so that an operator's changes to stacks/stages.ts do not change
 * them.
 */
export const SNAPSHOTS = {
  production: { stage: "production", dev: false, stages: TEST_STAGES },
  dev: { stage: "developer", dev: true, stages: TEST_STAGES },
  "every-setting": { stage: "every-setting-and-longest-name", dev: false, stages: TEST_STAGES },
  minimal: { stage: "minimal", dev: false, stages: TEST_STAGES },
  "only-backups": { stage: "only-backups", dev: false, stages: TEST_STAGES },
  "only-restores": { stage: "only-restores", dev: false, stages: TEST_STAGES },
  "other-accounts-tables": { stage: "other-accounts-tables", dev: false, stages: TEST_STAGES },
} as const satisfies Record<string, Variant>;

/** All graphs, including those of the operator's stages, which must satisfy the invariants too. */
export const VARIANTS: Readonly<Record<string, Variant>> = {
  ...SNAPSHOTS,
  ...Object.fromEntries(
    Object.keys(operatorStages).map((stage) => [
      `stages-${stage}`,
      { stage, dev: false, stages: STAGES_FILE },
    ]),
  ),
};

/** The variant that bundles the handlers. Bundles do not depend on the stage, so all others use these. */
export const BUNDLING = "production";

export const graphFile = (name: string): string => path.join(root, ".sst/synth/graphs", `${name}.json`);

export function deploymentOf(name: string): Deployment {
  const { stage, stages, dev } = VARIANTS[name]!;
  const graph = JSON.parse(readFileSync(graphFile(name), "utf8")) as Graph;
  return { graph, settings: parseStage(stages === TEST_STAGES ? testStages : operatorStages, stage, dev) };
}
