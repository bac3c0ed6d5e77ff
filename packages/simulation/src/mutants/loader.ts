/**
 * Loads a mutant: edits the engine's source when Node loads it.
 */
import { registerHooks } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Edit, Mutant } from "./edit.ts";

const root = join(import.meta.dirname, "../../../..");

/**
 * Edits the mutant's files from now on when they are loaded. The returned function throws if one of them was never loaded:
 * then the mutant changed nothing.
 */
export function loadMutant({ name, edits }: Mutant): () => void {
  const byUrl = new Map(edits.map(({ file }) => [pathToFileURL(join(root, file)).href, file]));
  const loadedFiles = new Set<string>();
  registerHooks({
    load(url, context, next) {
      const loaded = next(url, context);
      const file = byUrl.get(url);
      if (file === undefined) return loaded;
      const text =
        typeof loaded.source === "string"
          ? loaded.source
          : new TextDecoder().decode(loaded.source as Uint8Array);
      loadedFiles.add(file);
      return {
        ...loaded,
        source: edits
          .filter((edit) => edit.file === file)
          .reduce((source, edit) => edited(name, source, edit), text),
      };
    },
  });
  return () => {
    const missing = edits.find(({ file }) => !loadedFiles.has(file));
    if (missing !== undefined)
      throw new Error(`mutant ${name}: ${missing.file} was never loaded, so the mutant changed nothing`);
  };
}

/** The edited text. Throws unless the text that the edit replaces occurs exactly once. */
export function edited(name: string, text: string, { file, find, replace }: Edit): string {
  const times = text.split(find).length - 1;
  if (times !== 1)
    throw new Error(
      `mutant ${name}: ${file} has ${times} times the text that it replaces, instead of once: ${find}`,
    );
  return text.replace(find, () => replace);
}
