/**
 * `npm run synth`: builds the graph of a stage, that is, of the resources that a deploy would create, and checks the
 * invariants. The exit code is 1 if one is violated.
 */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { parseStage, type Stages } from "../../settings/parse.ts";
import { violatedInvariants } from "../invariants/all.ts";
import { build, STAGES } from "./build.ts";
import { root } from "./bundle.ts";
import type { Graph } from "./graph.ts";
import { ensurePlatform } from "./sst-install.ts";

const USAGE = `npm run synth -- --stage NAME [--dev] [--out FILE] [--stages FILE]

  --stage NAME    the stage; default production
  --dev           build what "sst dev" would create
  --out FILE      write the graph to this file; default: only check it
  --stages FILE   read the settings from this file instead of stacks/stages.ts`;

const values = read(process.argv.slice(2));

function read(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        stage: { type: "string", default: "production" },
        dev: { type: "boolean", default: false },
        out: { type: "string" },
        stages: { type: "string", default: STAGES },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    console.error(`${(error as Error).message}\nnpm run synth -- --help lists the options.`);
    process.exit(2);
  }
}

/** Prints only the message. Pulumi would report an error of the stacks as its own, and more than once. */
function fail(error: unknown): never {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
process.on("uncaughtException", fail);
process.on("unhandledRejection", fail);

await main().then((code) => process.exit(code), fail);

async function main(): Promise<number> {
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  if (!existsSync(path.resolve(root, values.stages)))
    throw new Error(
      `--stages: the file ${values.stages} does not exist (paths are relative to the repository's root).`,
    );
  const { stages } = (await import(path.resolve(root, values.stages))) as { stages: Stages };
  const settings = parseStage(stages, values.stage, values.dev, values.stages);
  await ensurePlatform();

  const started = performance.now();
  console.error(`Synthesizing stage ${values.stage}${values.dev ? ", dev" : ""} …`);
  const graph = await build(values);
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
