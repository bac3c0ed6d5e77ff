/**
 * The options of `npm run simulate`.
 */
import { parseArgs } from "node:util";
import { mutants } from "./mutants/all.ts";

const help = `Runs whole tasks on a simulated cloud, in virtual time, under faults, and checks what they leave behind.

  npm run simulate -- [--seeds N] [--from N] [--json]
  npm run simulate -- --seed N [--mutant NAME] [--json]
  npm run simulate -- --mutant NAME | all | list [--seeds N] [--json]

  --seeds N      how many seeds; default 200, with --mutant 500
  --from N       the first of them; default 0
  --seed N       one seed, with all that happened
  --mutant NAME   breaks the engine on purpose, and looks for a seed that shows it, first in the seed that is stored with
                 the mutant; "all" tries every mutant
  --json         print nothing but one line of JSON at the end
  --help         this

Exit code 0 only if nothing was violated; with --mutant and no --seed, only if every mutant was caught.`;

export interface Options {
  /** What to do. */
  readonly mode:
    | { readonly kind: "seeds"; readonly from: number; readonly count: number }
    | { readonly kind: "seed"; readonly seed: number; readonly mutant?: string }
    | { readonly kind: "mutants"; readonly names: readonly string[]; readonly seedsMax: number }
    | { readonly kind: "list" };
  readonly json: boolean;
}

const SEEDS_MAX = 10_000_000;

/** Reads the command line; ends the process on a wrong one, with a line that says what was expected. */
export function readArguments(): Options {
  const { values } = parsed();
  if (values.help) {
    console.log(help);
    process.exit(0);
  }
  const { json } = values;
  const seed = wholeNumber("--seed", values.seed, 0);
  const count = wholeNumber("--seeds", values.seeds, 1);
  const from = wholeNumber("--from", values.from, 0);
  const mutant = values.mutant;
  if (
    mutant !== undefined &&
    mutant !== "all" &&
    mutant !== "list" &&
    !mutants.some(({ name }) => name === mutant)
  )
    return fail(`--mutant must be all, list or a name that --mutant list shows: got ${mutant}`);
  if (seed !== undefined) {
    if (count !== undefined || from !== undefined)
      return fail("--seed is one seed: leave --seeds and --from out");
    if (mutant === "all" || mutant === "list")
      return fail(`--seed needs one mutant's name: got --mutant ${mutant}`);
    return { mode: { kind: "seed", seed, ...(mutant !== undefined && { mutant }) }, json };
  }
  if (mutant === "list") return { mode: { kind: "list" }, json };
  if (mutant === undefined) return { mode: { kind: "seeds", from: from ?? 0, count: count ?? 200 }, json };
  if (from !== undefined) return fail("--mutant begins with seed 0: leave --from out");
  const names = mutant === "all" ? mutants.map(({ name }) => name) : [mutant];
  return { mode: { kind: "mutants", names, seedsMax: count ?? 500 }, json };
}

function parsed() {
  try {
    return parseArgs({
      options: {
        seeds: { type: "string" },
        from: { type: "string" },
        seed: { type: "string" },
        mutant: { type: "string" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
}

function wholeNumber(name: string, given: string | undefined, min: number): number | undefined {
  if (given === undefined) return undefined;
  if (!/^\d+$/.test(given) || Number(given) < min || Number(given) > SEEDS_MAX)
    return fail(`${name} must be a whole number from ${min} to ${SEEDS_MAX}: got ${given}`);
  return Number(given);
}

function fail(message: string): never {
  console.error(`ferry simulate: ${message}\n\n${help}`);
  process.exit(2);
}
