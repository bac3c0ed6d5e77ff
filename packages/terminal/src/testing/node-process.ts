/**
 * How tests start processes of Node, so that these need little CPU time.
 */

/**
 * V8's arguments. Its young generation begins with 1 MB. A process that loads the SDK would collect and enlarge it many times, which is a
 * tenth of the CPU time of one that ends soon.
 */
export const nodeArguments: readonly string[] = ["--min-semi-space-size=16"];

/** The variables for a process that shall inherit no others; vitest.config.ts sets the folder of compiled modules. */
export function nodeVariables(): NodeJS.ProcessEnv {
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  return { PATH, NODE_COMPILE_CACHE };
}
