/**
 * Bundles the measured process as a worker's code is bundled for Lambda. From the TypeScript sources, Node's compiler for them would
 * be a fifth of its resident size.
 */
import path from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

/** Writes the bundle of ./measured.ts into a folder, with a file for each way. Returns the path of its entry. */
export async function bundleMeasured(folder: string): Promise<string> {
  const build = await rolldown({
    input: fileURLToPath(new URL("./measured.ts", import.meta.url)),
    platform: "node",
    // As SST bundles a function.
    resolve: { mainFields: ["module", "main"] },
  });
  await build.write({
    dir: folder,
    format: "esm",
    entryFileNames: "[name].mjs",
    minify: true,
    keepNames: true,
  });
  await build.close();
  return path.join(folder, "measured.mjs");
}
