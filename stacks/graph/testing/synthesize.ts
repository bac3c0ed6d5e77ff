/** Builds the graphs before the tests run, each in a separate process, as `npm run synth` does. */
import { execFile } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { root } from "../synth/bundle.ts";
import { ensurePlatform } from "../synth/sst-install.ts";
import { graphFile, VARIANTS } from "./graphs.ts";

/** The variant that bundles the handlers. Bundles do not depend on the stage, so all others use these. */
const BUNDLING = "production";

export async function setup(): Promise<void> {
  await ensurePlatform();
  await synthesize(BUNDLING);
  const others = Object.keys(VARIANTS).filter((name) => name !== BUNDLING);
  await Promise.all(others.map((name) => synthesize(name, ["--bundles", graphFile(BUNDLING)])));
}

async function synthesize(name: string, more: readonly string[] = []): Promise<void> {
  const { stage, stages, dev } = VARIANTS[name]!;
  const out = graphFile(name);
  rmSync(out, { force: true });
  const main = path.join(root, "stacks/graph/synth/main.ts");
  const args = ["--stage", stage, "--stages", stages, "--out", out, ...(dev ? ["--dev"] : []), ...more];
  // Pulumi takes a stack trace for each of its promises: a sixth of the CPU time. main.ts prints only messages.
  await promisify(execFile)(process.execPath, ["--stack-trace-limit=0", main, ...args]).catch(
    (error: { stderr: string }) => {
      // If the graph was built, an invariant is violated, which a test reports.
      if (!existsSync(out)) throw new Error(`synth of ${name} failed:\n${error.stderr}`);
    },
  );
}
