/**
 * Loads mutants: edits the engine's source when Node loads it.
 */
import { registerHooks } from "node:module";
import { mutants } from "./all.ts";
import type { Edit, Mutant } from "./edit.ts";

const root = new URL("../../../../", import.meta.url);
const packages = new URL("packages/", root).href;
const PARAMETER = "mutant";

/** The name, instead of a mutant's, in the URLs of the modules that mutants share. */
const UNCHANGED = "unchanged";

/** Module → the modules of packages/ that import it, by URL. */
const importers = new Map<string, Set<string>>();
/** Mutant → its files and the modules that import them, directly or through others, by URL. */
const changedModules = new Map<string, ReadonlySet<string>>();
/** Mutant → its files that were loaded. */
const loadedFiles = new Map<string, Set<string>>();
let isRegistered = false;

/**
 * Imports a module, by its URL, with an engine that the mutant changes. The modules that import none of the mutant's files
 * are shared with other mutants: Node has compiled them already. Throws if one of the mutant's files was not loaded: then
 * the mutant changed nothing.
 */
export async function importMutated<T>({ name, edits }: Mutant, url: string): Promise<T> {
  if (!isRegistered) registerHooks({ resolve, load });
  isRegistered = true;
  // The import of the unchanged engine shows which module imports which.
  await import(withMutant(url, UNCHANGED));
  changedModules.set(name, withImporters(edits.map(({ file }) => new URL(file, root).href)));
  const module = (await import(withMutant(url, name))) as T;
  const missing = edits.find(({ file }) => loadedFiles.get(name)?.has(file) !== true);
  if (missing !== undefined)
    throw new Error(`mutant ${name}: ${missing.file} was never loaded, so the mutant changed nothing`);
  return module;
}

/** The modules, and those that import them, directly or through others. */
function withImporters(urls: readonly string[]): ReadonlySet<string> {
  const found = new Set(urls);
  for (const url of found) for (const importer of importers.get(url) ?? []) found.add(importer);
  return found;
}

type Hooks = Required<Parameters<typeof registerHooks>[0]>;

/** A mutated module imports mutated modules: their URLs name the mutant, so that each mutant has its own. */
const resolve: Hooks["resolve"] = (specifier, context, next) => {
  const resolved = next(specifier, context);
  const name = mutantOf(context.parentURL);
  if (name === undefined || !resolved.url.startsWith(packages)) return resolved;
  if (name === UNCHANGED) {
    const importer = withoutMutant(context.parentURL!);
    importers.set(resolved.url, (importers.get(resolved.url) ?? new Set()).add(importer));
  }
  const isChanged = changedModules.get(name)?.has(resolved.url) === true;
  return { ...resolved, url: withMutant(resolved.url, isChanged ? name : UNCHANGED) };
};

const load: Hooks["load"] = (url, context, next) => {
  const loaded = next(url, context);
  const mutant = mutants.find(({ name }) => name === mutantOf(url));
  if (mutant === undefined) return loaded;
  const edits = mutant.edits.filter(({ file }) => new URL(file, root).href === withoutMutant(url));
  if (edits.length === 0) return loaded;
  const files = loadedFiles.get(mutant.name) ?? new Set();
  loadedFiles.set(mutant.name, files.add(edits[0]!.file));
  const text =
    typeof loaded.source === "string" ? loaded.source : new TextDecoder().decode(loaded.source as Uint8Array);
  return { ...loaded, source: edits.reduce((source, edit) => edited(mutant.name, source, edit), text) };
};

function withMutant(url: string, name: string): string {
  return `${withoutMutant(url)}?${PARAMETER}=${name}`;
}

function withoutMutant(url: string): string {
  return url.split("?")[0]!;
}

function mutantOf(url: string | undefined): string | undefined {
  return url?.startsWith(packages) ? (new URL(url).searchParams.get(PARAMETER) ?? undefined) : undefined;
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
