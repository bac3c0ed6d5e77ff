/** Bundles the app and the handlers as SST's CLI does. */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

export const root = path.resolve(import.meta.dirname, "../../..");
export const platform = path.join(root, ".sst/platform");

/** The part of esbuild's interface that is used here. esbuild is the SST platform's copy. */
interface Esbuild {
  build(
    options: Record<string, unknown>,
  ): Promise<{ metafile?: { outputs: Record<string, { exports: string[] }> } }>;
}

const esbuild = (): Esbuild => createRequire(path.join(platform, "package.json"))("esbuild") as Esbuild;

/** Packages that are not bundled: native ones, and large ones that are imported from the platform. */
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

interface Bundle {
  readonly code: string;
  readonly outfile: string;
  readonly banner?: string;
  readonly globals?: string;
  readonly inject?: string[];
  /** Files to use instead of others; both are paths from the root. */
  readonly replacements?: Readonly<Record<string, string>>;
}

/** Bundles the app, with `globals` in front of every file of the repository. */
export async function bundle(options: Bundle): Promise<void> {
  const { globals = "", replacements = {} } = options;
  await esbuild().build({
    stdin: { contents: options.code, resolveDir: root, sourcefile: "synth.ts", loader: "ts" },
    outfile: options.outfile,
    banner: { js: `${REQUIRE}\n${options.banner ?? ""}` },
    bundle: true,
    platform: "node",
    format: "esm",
    mainFields: ["module", "main"],
    nodePaths: [path.join(platform, "node_modules")],
    external: EXTERNAL,
    inject: options.inject ?? [],
    logLevel: "silent",
    plugins: [
      {
        name: "sst-globals",
        // biome-ignore lint/suspicious/noExplicitAny: esbuild's types are in the platform, which a clean clone does not have.
        setup(build: any) {
          build.onLoad({ filter: /\.(js|ts)$/ }, (args: { path: string }) => {
            if (args.path.startsWith(path.join(root, ".sst"))) return undefined;
            const replaced = replacements[path.relative(root, args.path)];
            if (replaced !== undefined)
              return {
                contents: `export * from ${JSON.stringify(path.resolve(root, replaced))};`,
                loader: "ts",
              };
            return {
              contents: `${globals}\n${readFileSync(args.path, "utf8")}`,
              loader: args.path.endsWith(".ts") ? "ts" : "js",
            };
          });
        },
      },
    ],
  });
}

/** Imports of the globals that the stacks use: SST's components, and each provider under its alias. */
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

/** Bundles a handler as SST does. Throws if its file does not exist, or does not export it. */
export async function bundleHandler(handler: string, directory: string): Promise<void> {
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
}
