/**
 * Loads mutants: edits the engine's source when Node loads it.
 *
 * All mutants share one engine in memory, so that its code is compiled and optimized once. A file that some mutant edits is
 * behind a switch: a module with the same exports, which are those of the file or those of the file as the mutant has it.
 */
import { registerHooks } from "node:module";
import { mutants } from "./all.ts";
import type { Edit, Mutant } from "./edit.ts";

const root = new URL("../../../../", import.meta.url);
const packages = new URL("packages/", root).href;
/** In the URL of a module of the shared engine: `SHARED`, `ORIGINAL` or the name of a mutant. */
const PARAMETER = "mutant";
/** A module as its importers see it: of an edited file its switch. */
const SHARED = "shared";
/** An edited file without edits, behind its switch. */
const ORIGINAL = "original";

/** A switch. The other exports are those of its file. */
interface Switch {
  /** From now on the exports are those of this module. */
  $use(module: object): void;
}

/** The edited files that were loaded, by URL. */
const loadedFiles = new Set<string>();
const editedFiles = new Set(mutants.flatMap(({ edits }) => edits.map(({ file }) => urlOf(file))));
let inEffect: Mutant | undefined;
let isRegistered = false;

type Simulation = typeof import("../simulate.ts");

/**
 * The simulation, with an engine that the mutant changes; without a name, with the engine as it is. Ends the mutant that was in
 * effect before: its run must be over. The modules that import an edited file are not loaded again: what they computed from it
 * when they were loaded stays as it is. Throws if there is no such mutant, or if one of its files was not loaded: then the mutant
 * changed nothing.
 */
export async function simulationWith(mutantName: string | undefined): Promise<Simulation> {
  if (mutantName === undefined) return import("../simulate.ts");
  const mutant = mutants.find(({ name }) => name === mutantName);
  if (mutant === undefined) throw new Error(`no mutant is named ${mutantName}`);
  if (!isRegistered) registerHooks({ resolve, load });
  isRegistered = true;
  const simulation = await import(variant(import.meta.resolve("../simulate.ts"), SHARED));
  if (inEffect !== mutant) await apply(mutant);
  inEffect = mutant;
  return simulation;
}

async function apply({ name, edits }: Mutant): Promise<void> {
  const missing = edits.find(({ file }) => !loadedFiles.has(urlOf(file)));
  if (missing !== undefined)
    throw new Error(`mutant ${name}: ${missing.file} was never loaded, so the mutant changed nothing`);
  for (const file of filesOf(inEffect)) await use(file, ORIGINAL);
  for (const file of filesOf({ edits })) await use(file, name);
}

/** The files that a mutant edits, by URL. */
function filesOf(mutant: Pick<Mutant, "edits"> | undefined): readonly string[] {
  return [...new Set((mutant?.edits ?? []).map(({ file }) => urlOf(file)))];
}

/** Sets the switch of a file. Throws if the switch lacks one of the file's exports. */
async function use(file: string, name: string): Promise<void> {
  const { $use, ...shown }: Switch = await import(variant(file, SHARED));
  const used: object = await import(variant(file, name));
  const expected = Object.keys(used).sort().join();
  if (Object.keys(shown).sort().join() !== expected)
    throw new Error(
      `the switch of ${file} exports ${Object.keys(shown)}, and not what its file exports: ${expected}`,
    );
  $use(used);
}

type Hooks = Required<Parameters<typeof registerHooks>[0]>;

/** The modules of the shared engine import one another. A switch names the module that it wants. */
const resolve: Hooks["resolve"] = (specifier, context, next) => {
  const resolved = next(specifier, context);
  const isShared = variantOf(context.parentURL) !== undefined && resolved.url.startsWith(packages);
  if (!isShared || variantOf(resolved.url) !== undefined) return resolved;
  return { ...resolved, url: variant(resolved.url, SHARED) };
};

const load: Hooks["load"] = (url, context, next) => {
  const loaded = next(url, context);
  const name = variantOf(url);
  const file = url.split("?")[0]!;
  if (name === undefined || name === ORIGINAL || !editedFiles.has(file)) return loaded;
  const text =
    typeof loaded.source === "string" ? loaded.source : new TextDecoder().decode(loaded.source as Uint8Array);
  if (name === SHARED) {
    loadedFiles.add(file);
    return { ...loaded, source: switchOf(file, text) };
  }
  const edits = mutants
    .find((mutant) => mutant.name === name)!
    .edits.filter((edit) => urlOf(edit.file) === file);
  return { ...loaded, source: edits.reduce((source, edit) => edited(name, source, edit), text) };
};

/** The source of a file's switch. Importers read exports by reference: they see each change. */
function switchOf(file: string, text: string): string {
  const names = [...text.matchAll(/^export (?:async )?(?:function\*?|const|class) (\w+)/gm)].map(
    ([, name]) => name,
  );
  return `import * as original from ${JSON.stringify(variant(file, ORIGINAL))};
export let { ${names} } = original;
export function $use(module) { ({ ${names} } = module); }`;
}

function urlOf(file: string): string {
  return new URL(file, root).href;
}

function variant(url: string, name: string): string {
  return `${url}?${PARAMETER}=${name}`;
}

function variantOf(url: string | undefined): string | undefined {
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
