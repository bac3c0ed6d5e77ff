/** Bundles the app as SST's CLI does: provider globals in every file, `$app`, `$cli` and `$dev` defined. */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

export const root = path.resolve(import.meta.dirname, "../..");
export const platform = path.join(root, ".sst/platform");

/** The part of esbuild's interface that is used here; esbuild itself is the platform's own copy. */
interface Esbuild {
  build(
    options: Record<string, unknown>,
  ): Promise<{ metafile?: { outputs: Record<string, { exports: string[] }> } }>;
}

const esbuild = (): Esbuild => createRequire(path.join(platform, "package.json"))("esbuild") as Esbuild;

/** What stays outside: native, or large and there to be imported. */
const EXTERNAL = [
  "@pulumi/*",
  "@pulumiverse/*",
  "@sst-provider/*",
  "@aws-sdk/*",
  "undici",
  "esbuild",
  "archiver",
  "glob",
  "vite",
];

const REQUIRE = [
  'import { createRequire as requireFrom } from "node:module";',
  "const require = requireFrom(import.meta.url);",
].join("\n");

/** One edit of one source file: how a fault gets into the stacks. */
export interface Edit {
  /** From the root. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** Applies the edits to a file's text. An edit that finds nothing, or more than one place, would plant nothing sure. */
function edited(file: string, text: string, edits: readonly Edit[]): string {
  return edits
    .filter((edit) => path.join(root, edit.file) === file)
    .reduce((before, edit) => {
      const found = before.split(edit.find).length - 1;
      if (found !== 1)
        throw new Error(
          `${edit.file} holds ${JSON.stringify(edit.find)} ${found} times instead of once: adapt the fault`,
        );
      return before.replace(edit.find, () => edit.replace);
    }, text);
}

interface Bundle {
  readonly code: string;
  readonly outfile: string;
  readonly banner?: string;
  readonly globals?: string;
  readonly define?: Record<string, string>;
  readonly inject?: string[];
  readonly edits?: readonly Edit[];
  /** Files to take in the place of others, by path from the root. */
  readonly instead?: Readonly<Record<string, string>>;
}

export async function bundle(about: Bundle): Promise<void> {
  const { globals = "", edits = [], instead = {} } = about;
  await esbuild().build({
    stdin: { contents: about.code, resolveDir: root, sourcefile: "synth.ts", loader: "ts" },
    outfile: about.outfile,
    banner: { js: `${REQUIRE}\n${about.banner ?? ""}` },
    bundle: true,
    platform: "node",
    format: "esm",
    mainFields: ["module", "main"],
    nodePaths: [path.join(platform, "node_modules")],
    external: EXTERNAL,
    define: about.define ?? {},
    inject: about.inject ?? [],
    logLevel: "silent",
    plugins: [
      {
        name: "sst-globals",
        // biome-ignore lint/suspicious/noExplicitAny: esbuild's types are the platform's, which a clean clone lacks.
        setup(build: any) {
          build.onLoad({ filter: /\.(js|ts)$/ }, (args: { path: string }) => {
            if (args.path.startsWith(path.join(root, ".sst"))) return undefined;
            const replaced = instead[path.relative(root, args.path)];
            if (replaced !== undefined)
              return {
                contents: `export * from ${JSON.stringify(path.resolve(root, replaced))};`,
                loader: "ts",
              };
            const source = readFileSync(args.path, "utf8");
            return {
              contents: `${globals}\n${edited(args.path, source, edits)}`,
              loader: args.path.endsWith(".ts") ? "ts" : "js",
            };
          });
        },
      },
    ],
  });
}

/** The globals a stack may use: SST's components, and each provider under its alias. */
export function providerGlobals(): string {
  const lock = JSON.parse(readFileSync(path.join(root, ".sst/provider-lock.json"), "utf8")) as {
    alias: string;
    package: string;
  }[];
  return [
    ...lock.map(({ alias, package: from }) => `import * as ${alias} from "${from}";`),
    `import * as sst from "${path.join(platform, "src/components")}";`,
  ].join(" ");
}

/** Bundles a handler as SST does, and gives the name of the export to call; throws what is wrong with it. */
export async function bundleHandler(handler: string, directory: string): Promise<string> {
  const exported = path.extname(handler).slice(1);
  const source = path.join(root, handler.slice(0, -exported.length - 1));
  const file = [".ts", ".mts", ".js", ".mjs"].map((extension) => source + extension).find(existsSync);
  if (file === undefined) throw new Error(`handler not found: ${handler}`);
  const built = await esbuild().build({
    entryPoints: [file],
    outfile: path.join(directory, "bundle.mjs"),
    bundle: true,
    platform: "node",
    format: "esm",
    target: "esnext",
    mainFields: ["module", "main"],
    keepNames: true,
    minify: true,
    metafile: true,
    external: ["sharp", "pg-native"],
    logLevel: "silent",
    banner: {
      js: [
        REQUIRE,
        'import { fileURLToPath as pathOf, URL as UrlOf } from "node:url";',
        "const __filename = pathOf(import.meta.url);",
        'const __dirname = pathOf(new UrlOf(".", import.meta.url));',
      ].join("\n"),
    },
  });
  const exports = Object.values(built.metafile!.outputs).flatMap((output) => output.exports);
  if (!exports.includes(exported)) throw new Error(`${handler}: the file does not export ${exported}`);
  return exported;
}
