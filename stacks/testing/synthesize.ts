/** Before the infra tests: builds the graphs they look at, each in a process of its own, as `npm run synth` would. */
import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { ensurePlatform } from "../../tools/sst-install.ts";
import { GRAPHS, graphFile, root } from "./graphs.ts";

export async function setup(): Promise<void> {
  await ensurePlatform();
  for (const graph of GRAPHS) {
    const dev = graph.dev ? ["--dev"] : [];
    const args = ["--stage", graph.stage, "--stages", graph.stages, "--out", graphFile(graph), ...dev];
    await promisify(execFile)(process.execPath, [path.join(root, "tools/synth/main.ts"), ...args]).catch(
      (error: { stderr: string; code: number }) => {
        // A check that does not hold is the tests' to tell.
        if (!error.stderr.includes("resources in"))
          throw new Error(`synth ${graph.name} failed:\n${error.stderr}`);
      },
    );
  }
}
