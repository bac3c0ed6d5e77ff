/**
 * `npm run synth`: builds the graph of a stage, that is, of the resources that a deploy would create, and checks the
 * invariants. The exit code is 1 if one is violated.
 */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { npmScript } from "@ferry/terminal/npm-script";
import { parseStage, STAGES_FILE, type Stages } from "../../settings/parse.ts";
import { refuseOtherTarget } from "../../settings/target.ts";
import { violatedInvariants } from "../invariants/all.ts";
import { build } from "./build.ts";
import { root } from "./bundle.ts";
import { callerAccount } from "./caller-account.ts";
import type { Graph } from "./graph.ts";
import { ensurePlatform } from "./sst-install.ts";

const values = npmScript(
  "synth",
  "Builds the resource graph of a stage without a cloud account, and checks the invariants.",
  "The exit code is 1 if an invariant is violated.",
)
  .option("--stage <NAME>", "the stage", "production")
  .option("--dev", 'build what "sst dev" would create', false)
  .option("--out <FILE>", "write the graph to this file (default: only check it)")
  .option("--stages <FILE>", "read the settings from this file", STAGES_FILE)
  .parse()
  .opts<{ stage: string; dev: boolean; out?: string; stages: string }>();

/** Prints only the message. Pulumi would report an error of the stacks as its own, and more than once. */
function fail(error: unknown): never {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
process.on("uncaughtException", fail);
process.on("unhandledRejection", fail);

await main().then((code) => process.exit(code), fail);

async function main(): Promise<number> {
  if (!existsSync(path.resolve(root, values.stages)))
    throw new Error(
      `--stages: the file ${values.stages} does not exist (paths are relative to the repository's root).`,
    );
  const { stages } = (await import(path.resolve(root, values.stages))) as { stages: Stages };
  const settings = parseStage(stages, values.stage, values.dev, values.stages);
  // sst.config.ts compares them too, but it does not know the file. No credentials are used here.
  await refuseOtherTarget(values.stage, settings, process.env, callerAccount, values.stages);
  await ensurePlatform();

  const started = performance.now();
  console.error(`Synthesizing stage ${values.stage}${values.dev ? ", dev" : ""} …`);
  const graph = await build({ ...values, built: {} });
  if (values.out !== undefined) write(values.out, graph);
  const seconds = ((performance.now() - started) / 1_000).toFixed(1);
  console.error(
    `  ${graph.resources.length} resources in ${seconds} s${values.out ? `, in ${values.out}` : ""}`,
  );

  const violated = violatedInvariants({ graph, settings });
  for (const [name, problems] of violated) console.error([`✗ ${name}`, ...problems].join("\n    "));
  console.error(violated.size === 0 ? "  every invariant holds" : `  violated invariants: ${violated.size}`);
  return violated.size === 0 ? 0 : 1;
}

function write(file: string, graph: Graph): void {
  mkdirSync(path.dirname(path.resolve(file)), { recursive: true });
  writeFileSync(file, `${JSON.stringify(graph, null, 2)}\n`);
}
