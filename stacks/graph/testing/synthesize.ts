/** Builds the graphs before the tests run: that of `BUNDLING` as `npm run synth` does, then all others in one process. */
import { execFile } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { root } from "../synth/bundle.ts";
import { ensurePlatform } from "../synth/sst-install.ts";
import { BUNDLING, graphFile, VARIANTS } from "./graphs.ts";

export async function setup(): Promise<void> {
  await ensurePlatform();
  const names = Object.keys(VARIANTS);
  for (const name of names) rmSync(graphFile(name), { force: true });
  const { stage, stages } = VARIANTS[BUNDLING]!;
  const options = ["--stage", stage, "--stages", stages, "--out", graphFile(BUNDLING)];
  await run("stacks/graph/synth/main.ts", options).catch((error: Error) => {
    // If the graph was built, an invariant is violated, which a test reports.
    if (!existsSync(graphFile(BUNDLING))) throw error;
  });
  const others = names.filter((name) => name !== BUNDLING);
  await run("stacks/graph/testing/build-variants.ts", others);
}

/** Runs a script. Pulumi takes a stack trace for each of its promises: a sixth of the CPU time. The scripts print messages only. */
async function run(script: string, args: readonly string[]): Promise<void> {
  await promisify(execFile)(process.execPath, [
    "--stack-trace-limit=0",
    path.join(root, script),
    ...args,
  ]).catch((error: { stderr: string }) => {
    throw new Error(`${script} failed:\n${error.stderr}`);
  });
}
