/**
 * Builds the graphs of variants, one after another: loading Pulumi and SST takes most of the CPU time of one graph.
 * Arguments: the variants. Their handlers have the bundles of `BUNDLING`, whose graph exists.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { build } from "../synth/build.ts";
import type { Graph } from "../synth/graph.ts";
import { BUNDLING, graphFile, VARIANTS } from "./graphs.ts";

const { functions: built } = JSON.parse(readFileSync(graphFile(BUNDLING), "utf8")) as Graph;
for (const name of process.argv.slice(2)) {
  const { stage, stages, dev } = VARIANTS[name]!;
  const graph = await build({ stage, stages, dev, built }).catch((error: unknown) => {
    throw new Error(`the graph of ${name}: ${error instanceof Error ? error.message : String(error)}`);
  });
  writeFileSync(graphFile(name), `${JSON.stringify(graph, null, 2)}\n`);
}
// esbuild's process and Pulumi's timers would keep this one alive.
process.exit(0);
