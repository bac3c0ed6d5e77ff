/**
 * How tests start processes of Node, so that these need little CPU time.
 */
import path from "node:path";

/** The variable with the folder of the bundled programs, which packages/local/src/e2e/bundle-programs.ts sets. */
export const PROGRAMS_VARIABLE = "FERRY_TEST_PROGRAMS";

/**
 * V8's arguments. Its young generation begins with 1 MB. A process that loads the SDK would collect and enlarge it many times, which is a
 * tenth of the CPU time of one that ends soon; of the unit tests and the simulation it is a twentieth (vitest.config.ts).
 */
export const nodeArguments: readonly string[] = ["--min-semi-space-size=16"];

/** The variables for a process that shall inherit no others; vitest.config.ts sets the folder of compiled modules. */
export function nodeVariables(): NodeJS.ProcessEnv {
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  return { PATH, NODE_COMPILE_CACHE };
}

/**
 * The path of a program's bundle, in tests of the project e2e. The program is named by its source, from packages/ and without `.ts`. A
 * process of a bundle is ready in half of the CPU time of one that loads a file for each module.
 */
export function bundled(program: string): string {
  const folder = process.env[PROGRAMS_VARIABLE];
  if (folder === undefined)
    throw new Error(
      `${PROGRAMS_VARIABLE} is not set: ${program} is bundled for the tests of the project e2e only`,
    );
  return path.join(folder, `${program}.mjs`);
}
