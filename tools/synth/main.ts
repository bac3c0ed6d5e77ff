/**
 * `npm run synth`: writes what a deploy would ask AWS for, and holds it against every check; or plants faults and
 * tells which check found each. Ends with 1 if a check fails, or a fault survives.
 */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs, promisify } from "node:util";
import { brokenChecks } from "../../stacks/checks/all.ts";
import { parseStage, type Stages } from "../../stacks/settings/parse.ts";
import { ensurePlatform } from "../sst-install.ts";
import { build, STAGES } from "./build.ts";
import { root } from "./bundle.ts";
import { type Fault, faults } from "./faults.ts";
import type { Graph } from "./graph.ts";

const USAGE = `npm run synth -- --stage NAME [--dev] [--out FILE] [--stages FILE]
npm run synth -- --plant all | NAME | list

  --stage NAME    the stage; default production
  --dev           what "sst dev" would build
  --out FILE      where to write the graph; default: nowhere, only the checks run
  --stages FILE   settings from this file instead of stacks/stages.ts
  --plant WHAT    plants every fault, or one by its name; "list" names them`;

const NO_FAULT = { name: "none", file: "", find: "", replace: "", caughtBy: "" } satisfies Fault;

/** The tests' stage that sets all that can be set. */
const EVERY_SETTING = { stage: "every-setting-and-longest-name", stages: "stacks/testing/stages.ts" };

interface Options {
  readonly stage: string;
  readonly dev: boolean;
  readonly stages: string;
}

const values = read(process.argv.slice(2));

/** The options; what is none of them is told in one line, with all that are. */
function read(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        stage: { type: "string", default: "production" },
        dev: { type: "boolean", default: false },
        out: { type: "string" },
        stages: { type: "string", default: STAGES },
        plant: { type: "string" },
        help: { type: "boolean", default: false },
        // Of a process that builds one faulty graph for another, which holds it against the checks.
        fault: { type: "string" },
      },
    }).values;
  } catch (error) {
    console.error(`${USAGE}\n\n${(error as Error).message}`);
    process.exit(2);
  }
}

/** Pulumi reports what a stack throws as an error of its own, and more than once. */
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
  if (values.plant === "list") {
    for (const fault of faults) console.log(`${fault.name}  (${fault.caughtBy})`);
    return 0;
  }
  if (!existsSync(path.resolve(root, values.stages)))
    throw new Error(`--stages: there is no ${values.stages} (paths are from the repository's root).`);
  await ensurePlatform();
  const options = { stage: values.stage, dev: values.dev, stages: values.stages };
  if (values.fault !== undefined) return buildFaulty(options, values.fault, values.out!);
  if (values.plant !== undefined) return plant(options, values.plant);
  return synth(options);
}

/** Builds one graph, checks and writes it. */
async function synth(options: Options): Promise<number> {
  const started = performance.now();
  console.error(`Synthesizing stage ${options.stage}${options.dev ? ", dev" : ""} …`);
  const graph = await build(options);
  if (values.out !== undefined) write(values.out, graph);
  const seconds = ((performance.now() - started) / 1_000).toFixed(1);
  console.error(
    `  ${graph.resources.length} resources in ${seconds} s${values.out ? `, in ${values.out}` : ""}`,
  );
  const broken = brokenChecks(await deployment(graph, options));
  for (const [name, sentences] of broken) console.error([`✗ ${name}`, ...sentences].join("\n    "));
  console.error(broken.size === 0 ? "  every check holds" : `  ${broken.size} checks do not hold`);
  return broken.size === 0 ? 0 : 1;
}

/** Plants faults one by one, each in a process of its own: Pulumi keeps state. */
async function plant(options: Options, which: string): Promise<number> {
  const chosen = which === "all" ? faults : faults.filter((fault) => fault.name === which);
  if (chosen.length === 0) throw new Error(`No fault is named "${which}": npm run synth -- --plant list`);
  const sound = await soundGraphs(options, chosen);
  if (sound > 0) return 1;
  let survivors = 0;
  for (const [at, fault] of chosen.entries()) {
    const found = await caught(options, fault);
    const isCaught = found.includes(fault.caughtBy);
    if (!isCaught) survivors++;
    const others = found.filter((name) => name !== fault.caughtBy);
    console.log(
      `${String(at + 1).padStart(2)}/${chosen.length} ${isCaught ? "caught  " : "SURVIVED"} ${fault.name}: ${
        isCaught ? fault.caughtBy : `not found by ${fault.caughtBy}`
      }${others.length > 0 ? ` (and ${others.join(", ")})` : ""}`,
    );
  }
  console.log(
    survivors === 0
      ? `Every fault was caught: ${chosen.length}.`
      : `${survivors} of ${chosen.length} faults survived.`,
  );
  return survivors === 0 ? 0 : 1;
}

/** What the checks say before anything is planted; otherwise they might find anything everywhere. */
async function soundGraphs(options: Options, chosen: readonly Fault[]): Promise<number> {
  let broken = 0;
  const shown = new Set(chosen.map(({ dev, everySetting }) => JSON.stringify({ dev, everySetting })));
  for (const where of shown) {
    const { dev, everySetting } = JSON.parse(where) as Pick<Fault, "dev" | "everySetting">;
    const names = await caught(options, {
      ...NO_FAULT,
      ...(dev && { dev }),
      ...(everySetting && { everySetting }),
    });
    console.log(
      `unplanted${dev ? ", dev" : ""}${everySetting ? ", every setting" : ""}: ${names.length === 0 ? "every check holds" : names.join(", ")}`,
    );
    broken += names.length;
  }
  return broken;
}

/** The checks that do not hold with a fault planted. */
async function caught(asked: Options, fault: Fault): Promise<string[]> {
  const dev = fault.dev ?? false;
  const options = fault.everySetting ? { ...asked, ...EVERY_SETTING } : asked;
  const out = path.join(root, ".sst/synth/planted.json");
  const args = ["--stage", options.stage, "--stages", options.stages, "--fault", fault.name, "--out", out];
  try {
    await promisify(execFile)(process.execPath, [import.meta.filename, ...args, ...(dev ? ["--dev"] : [])]);
  } catch (error) {
    throw new Error(
      `With the fault "${fault.name}" nothing could be built:\n${(error as { stderr: string }).stderr}`,
    );
  }
  const graph = JSON.parse(readFileSync(out, "utf8")) as Graph;
  return [...brokenChecks(await deployment(graph, { ...options, dev })).keys()];
}

async function buildFaulty(options: Options, name: string, out: string): Promise<number> {
  const edits = faults.filter((fault) => fault.name === name);
  // Handlers are not what is faulty here: bundled once is enough.
  write(out, await build({ ...options, edits, reuseBundles: true }));
  return 0;
}

async function deployment(graph: Graph, { stage, dev, stages }: Options) {
  const loaded = (await import(path.resolve(root, stages))) as { stages: Stages };
  return { graph, stage, dev, settings: parseStage(loaded.stages, stage) };
}

function write(file: string, graph: Graph): void {
  mkdirSync(path.dirname(path.resolve(file)), { recursive: true });
  writeFileSync(file, `${JSON.stringify(graph, null, 2)}\n`);
}
