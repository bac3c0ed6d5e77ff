/**
 * Builds the graph of one stage from SST's own components under Pulumi mocks: what `sst deploy` would create, without AWS.
 * Pulumi keeps state in the process, so a process builds one graph at a time.
 */
import { rmSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { STAGES_FILE } from "../../settings/parse.ts";
import { bundle, platform, providerGlobals, root } from "./bundle.ts";
import type { Graph, Resource } from "./graph.ts";
import { mocksOf } from "./mocks.ts";
import { startSstCli } from "./sst-cli.ts";

export interface SynthOptions {
  readonly stage: string;
  readonly dev: boolean;
  /** The file to read the settings from instead; a path from the repository's root. */
  readonly stages: string;
  /** The functions of another stage's graph: a handler that they name has its bundle, and is not bundled again. */
  readonly built: Graph["functions"];
}

export async function build(options: SynthOptions): Promise<Graph> {
  const { stage, dev } = options;
  // One directory per graph, because several processes may build at the same time.
  const variant = [options.stages, stage, ...(dev ? ["dev"] : [])].join("-").replaceAll(/[^\w-]/g, "-");
  const scratch = path.join(root, ".sst/synth", variant);
  const bundles = await appBundles(options.stages);
  // A name of its own for each graph: Node evaluates a module once for each URL.
  // biome-ignore lint/suspicious/noExplicitAny: the bundles export SST's values.
  const load = async (file: string): Promise<any> => import(`${pathToFileURL(file).href}?${variant}`);

  const app = {
    removal: "retain",
    protect: false,
    ...(await (await load(bundles.app)).default.app({ stage })),
    stage,
  };

  const { region, allowedAccountIds } = app.providers.aws;
  const target = { region, account: allowedAccountIds[0] };

  const cli = await startSstCli(path.join(scratch, "bundles"), options.built);
  process.env["SST_SERVER"] = cli.url;
  process.env["SST_AWS_REGION"] = target.region;
  // The globals of SST's CLI. The bundle's modules read them while they are evaluated, and later.
  Object.assign(globalThis, {
    $app: app,
    $cli: {
      command: dev ? "dev" : "deploy",
      dev,
      paths: { home: path.join(root, ".sst/home"), root, work: scratch, platform },
      state: { version: {} },
    },
    $dev: dev,
  });
  const { run, config, pulumi } = await load(bundles.run);

  const resources: Resource[] = [];
  const optionsOf = new Map<string, Pick<Resource, "retainOnDelete" | "protect" | "dependsOn">>();
  await pulumi.runtime.setMocks(
    mocksOf(target, (type, name, inputs) => {
      // Components only group resources.
      if (!/^(aws|random):/.test(type)) return;
      resources.push({ type, name, inputs: withoutPaths(inputs), ...optionsOf.get(`${type}::${name}`) });
    }),
    app.name,
    stage,
    false,
  );
  await pulumi.runtime.runInPulumiStack(() =>
    run(() => {
      // biome-ignore lint/suspicious/noExplicitAny: Pulumi's arguments of any resource.
      pulumi.runtime.registerStackTransformation(({ type, name, opts }: any) => {
        const key = `${type}::${name}`;
        if (optionsOf.has(key)) throw new Error(`two resources ${type} are named ${name}`);
        const { retainOnDelete, protect, dependsOn } = opts;
        optionsOf.set(key, {
          ...(retainOnDelete && { retainOnDelete }),
          ...(protect && { protect }),
          // biome-ignore lint/suspicious/noExplicitAny: Pulumi's resources have their logical name in a private field.
          ...(dependsOn && { dependsOn: [dependsOn].flat().map((one: any) => one.__name) }),
        });
        return undefined;
      });
      return config.run();
    }),
  );
  await pulumi.runtime.disconnect();
  cli.stop();
  resources.sort((a, b) => (`${a.type} ${a.name}` < `${b.type} ${b.name}` ? -1 : 1));
  const functions = Object.fromEntries(Object.entries(cli.functions).sort(([a], [b]) => (a < b ? -1 : 1)));
  return { app, dev, resources, functions };
}

/** The bundles of this process, by the file of the stages. */
const bundled = new Map<string, Promise<AppBundles>>();

interface AppBundles {
  /** The file that exports sst.config.ts, to call its `app`, before SST's globals are known. */
  readonly app: string;
  /** The file that exports sst.config.ts with SST's components. */
  readonly run: string;
}

/** Bundles the app with the stages of a file, once for all of its stages. The files are removed when the process ends. */
function appBundles(stages: string): Promise<AppBundles> {
  let bundles = bundled.get(stages);
  if (bundles === undefined) {
    bundles = bundleApp(stages);
    bundled.set(stages, bundles);
  }
  return bundles;
}

async function bundleApp(stages: string): Promise<AppBundles> {
  const config = path.join(root, "sst.config.ts");
  const replacements: Record<string, string> = {
    "stacks/settings/caller-account.ts": "stacks/graph/synth/caller-account.ts",
    ...(stages !== STAGES_FILE && { [STAGES_FILE]: path.relative(root, path.resolve(root, stages)) }),
  };
  const out = (name: string) =>
    path.join(platform, `synth-${process.pid}-${stages.replaceAll(/[^\w-]/g, "-")}-${name}.mjs`);
  const files = { app: out("app"), run: out("run") };
  process.once("exit", () => {
    for (const file of Object.values(files)) rmSync(file, { force: true });
  });
  await bundle({
    code: `export { default } from ${JSON.stringify(config)};`,
    outfile: files.app,
    banner: "function $config(input) { return input; }",
    replacements,
  });
  await bundle({
    code: `
      import * as pulumi from "@pulumi/pulumi";
      import { run } from ${JSON.stringify(path.join(platform, "src/auto/run.ts"))};
      import config from ${JSON.stringify(config)};
      export { run, config, pulumi };`,
    outfile: files.run,
    globals: providerGlobals(),
    inject: [path.join(platform, "src/shim/run.js")],
    replacements,
  });
  return files;
}

/** The inputs without the functions' code, which is an archive at a path of this machine. */
function withoutPaths(inputs: Resource["inputs"]): Resource["inputs"] {
  return JSON.parse(
    JSON.stringify(inputs, (key, value) => (key === "source" && typeof value === "object" ? "code" : value)),
  );
}
