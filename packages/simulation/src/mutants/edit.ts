/**
 * A mutant: edits of the engine's source, and what they break.
 */

/** Replaces a text that must occur exactly once in a file. */
export interface Edit {
  /** The path from the repository's root. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export interface Mutant {
  readonly name: string;
  /**
   * A seed that shows it, with little CPU time. After a change of the engine or the scenarios another seed may be needed:
   * `npm run simulate -- --mutant NAME` finds one.
   */
  readonly seed: number;
  /** What it breaks, in one sentence. */
  readonly breaks: string;
  readonly edits: readonly Edit[];
}

/** By name. */
export type Mutants = Readonly<Record<string, Omit<Mutant, "name">>>;

/** An edit of a file of packages/core. */
export const core = (file: string, find: string, replace: string): Edit => ({
  file: `packages/core/src/${file}`,
  find,
  replace,
});
/** An edit of a file of packages/aws. */
export const aws = (file: string, find: string, replace: string): Edit => ({
  file: `packages/aws/src/${file}`,
  find,
  replace,
});
