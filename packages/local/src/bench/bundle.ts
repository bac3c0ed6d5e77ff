/**
 * Bundles code as a worker's code is bundled for Lambda. From the TypeScript sources, Node's compiler for them would be a fifth of
 * the resident size of a measured process.
 */
import path from "node:path";
import { rolldown } from "rolldown";

/**
 * Writes the bundle of a file into a folder. What is imported only when it is needed has files of its own if `codeSplitting` is true.
 * Returns the path of its entry.
 */
export async function bundleOf(input: string, folder: string, codeSplitting: boolean): Promise<string> {
  const build = await rolldown({
    input,
    platform: "node",
    // As SST bundles a function.
    resolve: { mainFields: ["module", "main"] },
  });
  await build.write({
    dir: folder,
    codeSplitting,
    format: "esm",
    entryFileNames: "[name].mjs",
    minify: true,
    keepNames: true,
  });
  await build.close();
  return path.join(folder, `${path.parse(input).name}.mjs`);
}
