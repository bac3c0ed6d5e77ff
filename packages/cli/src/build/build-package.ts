/**
 * Builds the package that is installed without a clone: JavaScript, types and the command.
 */
import { execFile } from "node:child_process";
import { chmod, glob, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { rolldown } from "rolldown";

const packages = path.join(import.meta.dirname, "../../..");
const root = path.dirname(packages);
/** zstd in node:zlib. */
const NODE_MIN = "22.15.0";

/** The compiler is a Go program. It needs 200 MB without a garbage collection, and two thirds of the CPU time. */
export const compilerVariables = { GOGC: "off" };

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** Builds the package in an empty folder, which `npm pack` can pack. */
export async function buildPackage(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const modules = await publicModules();
  const imported = await bundle(folder, modules);
  await emitTypes(folder, modules);
  await writeFile(path.join(folder, "package.json"), await manifest(imported));
  await writeFile(path.join(folder, "README.md"), await readFile(path.join(packages, "client/README.md")));
  await writeFile(path.join(folder, "LICENSE"), await readFile(path.join(root, "LICENSE")));
}

/** The client's modules, without `.ts`: each can be imported. */
async function publicModules(): Promise<string[]> {
  const modules: string[] = [];
  for await (const file of glob("**/*.ts", { cwd: path.join(packages, "client/src") }))
    if (!file.endsWith(".test.ts")) modules.push(file.replace(/\.ts$/, ""));
  return modules.sort();
}

/** Bundles Ferry's own packages into lib/. Returns the names of the packages that the bundle imports. */
async function bundle(folder: string, modules: readonly string[]): Promise<Set<string>> {
  const client = modules.map((name) => [`client/${name}`, path.join(packages, `client/src/${name}.ts`)]);
  const build = await rolldown({
    input: {
      ...Object.fromEntries(
        // The version is read from a path that is relative to the second one.
        ["main", "command-line"].map((name) => [name, path.join(packages, `cli/src/${name}.ts`)]),
      ),
      ...Object.fromEntries(client),
    },
    platform: "node",
    external: (id) => !/^(\.|\/|@ferry\/)/.test(id),
  });
  const { output } = await build.write({
    dir: path.join(folder, "lib"),
    format: "esm",
    entryFileNames: "[name].js",
    chunkFileNames: "chunks/[name]-[hash].js",
  });
  await build.close();
  await chmod(path.join(folder, "lib/main.js"), 0o755);
  const files = new Set(output.map(({ fileName }) => fileName));
  const imports = output.flatMap((chunk) =>
    chunk.type === "chunk" ? [...chunk.imports, ...chunk.dynamicImports] : [],
  );
  const external = imports.filter((id) => !files.has(id) && !id.startsWith("node:"));
  return new Set(external.map((id) => /^(@[^/]+\/)?[^/]+/.exec(id)![0]));
}

/** Writes the declarations of the client and of what it imports to types/, with relative imports. */
async function emitTypes(folder: string, modules: readonly string[]): Promise<void> {
  const types = path.join(folder, "types");
  const project = path.join(folder, "tsconfig.json");
  await writeFile(
    project,
    JSON.stringify({
      extends: path.join(packages, "tsconfig.json"),
      compilerOptions: {
        noEmit: false,
        declaration: true,
        emitDeclarationOnly: true,
        // `npm run types` checks them.
        noCheck: true,
        rootDir: packages,
        outDir: types,
        typeRoots: [path.join(root, "node_modules/@types")],
      },
      include: [],
      files: modules.map((name) => path.join(packages, `client/src/${name}.ts`)),
    }),
  );
  const tsc = [path.join(root, "node_modules/.bin/tsc"), "--singleThreaded", "-p", project];
  await promisify(execFile)(process.execPath, tsc, { env: { ...process.env, ...compilerVariables } });
  await rm(project);
  for await (const file of glob("**/*.d.ts", { cwd: types })) {
    const text = await readFile(path.join(types, file), "utf8");
    await writeFile(path.join(types, file), withRelativeImports(text, file));
  }
}

/** Ferry's packages are not installed: `@ferry/core/x` becomes the path of its declarations, and `.ts` becomes `.js`. */
function withRelativeImports(text: string, file: string): string {
  const up = "../".repeat(file.split("/").length - 1) || "./";
  return text
    .replaceAll(
      /(["'])@ferry\/(\w+)\/([^"']+)\1/g,
      (_, quote, name, module) => `${quote}${up}${name}/src/${module}.js${quote}`,
    )
    .replaceAll(/(["'])(\.[^"']*)\.ts\1/g, (_, quote, module) => `${quote}${module}.js${quote}`);
}

async function manifest(imported: ReadonlySet<string>): Promise<string> {
  const manifests: Manifest[] = [];
  for await (const file of glob("*/package.json", { cwd: packages }))
    manifests.push(JSON.parse(await readFile(path.join(packages, file), "utf8")) as Manifest);
  const versions = Object.assign({}, ...manifests.map(({ dependencies }) => dependencies)) as Record<
    string,
    string
  >;
  const unknown = [...imported].filter((name) => versions[name] === undefined);
  if (unknown.length > 0)
    throw new Error(`the bundle imports packages without a version: ${unknown.join(", ")}`);
  const cli = manifests.find(({ name }) => name === "@ferry/cli")!;
  return `${JSON.stringify(
    {
      name: cli.name,
      version: cli.version,
      description: "Backs up DynamoDB tables to S3 and restores them, with a stage of Ferry",
      license: "Apache-2.0",
      type: "module",
      engines: { node: `>=${NODE_MIN}` },
      bin: { ferry: "./lib/main.js" },
      exports: {
        ".": { types: "./types/client/src/ferry.d.ts", default: "./lib/client/ferry.js" },
        "./*": { types: "./types/client/src/*.d.ts", default: "./lib/client/*.js" },
      },
      dependencies: Object.fromEntries([...imported].sort().map((name) => [name, versions[name]])),
    },
    null,
    2,
  )}\n`;
}
