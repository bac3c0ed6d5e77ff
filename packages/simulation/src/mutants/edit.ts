/**
 * What a mutant is: text of the engine's source, and what stands there instead.
 */

/** Text that must be in a file exactly once, and what stands there instead. */
export interface Edit {
  /** From the repository's root. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export interface Mutant {
  readonly name: string;
  /**
   * A seed that shows it. A change of the engine or the scenarios may move it: `npm run simulate -- --mutant NAME` then finds
   * another.
   */
  readonly seed?: number;
  /** In one sentence. */
  readonly breaks: string;
  readonly edits: readonly Edit[];
}

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
