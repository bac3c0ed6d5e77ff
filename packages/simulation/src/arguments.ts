/**
 * The options of `npm run simulate`.
 */
import { npmScript, oneOf, repeated, wholeNumberFrom } from "@ferry/terminal/npm-script";
import { mutants } from "./mutants/all.ts";
import { type FaultName, faultNames } from "./scenario/fault-rates.ts";
import type { FaultSelection } from "./scenario/select-faults.ts";

type Faults = FaultSelection | undefined;

export interface Options {
  /** What to do. */
  readonly mode:
    | { readonly kind: "seeds"; readonly from: number; readonly count: number; readonly faults?: Faults }
    | {
        readonly kind: "seed";
        readonly seed: number;
        readonly mutant?: string | undefined;
        readonly faults?: Faults;
      }
    | { readonly kind: "mutants"; readonly names: readonly string[]; readonly seedsMax: number }
    | { readonly kind: "list" };
  readonly json: boolean;
}

const SEEDS_MAX = 10_000_000;

interface Given {
  readonly seeds?: number;
  readonly from?: number;
  readonly seed?: number;
  readonly mutant?: string;
  readonly without?: readonly FaultName[];
  readonly only?: readonly FaultName[];
  readonly json: boolean;
}

/** Reads the command line. An invalid one ends the process with code 2 and a line that says what was expected. */
export function readArguments(): Options {
  const fault = repeated(oneOf(faultNames));
  const program = npmScript(
    "simulate",
    "Runs whole tasks on a simulated cloud, in virtual time, with faults, and checks the results.",
    `Faults: ${wrapped(faultNames)}

The exit code is 0 if there is no violation; with --mutant and without --seed, if every mutant was caught.`,
  )
    .option(
      "--seeds <N>",
      "the number of seeds (default: 200, with --mutant 500)",
      wholeNumberFrom(1, SEEDS_MAX),
    )
    .option("--from <N>", "the first seed (default: 0)", wholeNumberFrom(0, SEEDS_MAX))
    .option("--seed <N>", "one seed, with its whole trace", wholeNumberFrom(0, SEEDS_MAX))
    .option("--without <FAULT>", "set the rate of this fault to 0; may be repeated", fault)
    .option("--only <FAULT>", "set the rates of all other faults to 0; may be repeated", fault)
    .option(
      "--mutant <NAME>",
      'break the engine on purpose, and search for a seed that shows it, beginning with the seed that is stored with the mutant; "all" tries every mutant, "list" lists them',
      oneOf(["all", "list", ...mutants.map(({ name }) => name)], "all, list or a name of --mutant list"),
    )
    .option("--json", "print only one line of JSON at the end", false)
    .parse();
  const given = program.opts<Given>();
  return { mode: modeOf(given, (message) => program.error(message)), json: given.json };
}

/** What the options ask for. Calls `fail` if they exclude each other. */
function modeOf(given: Given, fail: (message: string) => never): Options["mode"] {
  const { seed, seeds: count, from, mutant, without, only } = given;
  if (without !== undefined && only !== undefined)
    return fail("--without and --only exclude each other: use one");
  const faults = without !== undefined ? { without } : only !== undefined ? { only } : undefined;
  if (seed !== undefined) {
    if (count !== undefined || from !== undefined)
      return fail("--seed is one seed: remove --seeds and --from");
    if (mutant === "all" || mutant === "list")
      return fail(`--seed needs one mutant's name: got --mutant ${mutant}`);
    return { kind: "seed", seed, mutant, faults };
  }
  if (mutant !== undefined && faults !== undefined)
    return fail(
      "--without and --only need --seed or --seeds: --mutant without --seed searches with all faults",
    );
  if (mutant === "list") return { kind: "list" };
  if (mutant === undefined) return { kind: "seeds", from: from ?? 0, count: count ?? 200, faults };
  if (from !== undefined) return fail("--mutant begins with seed 0: remove --from");
  const names = mutant === "all" ? mutants.map(({ name }) => name) : [mutant];
  return { kind: "mutants", names, seedsMax: count ?? 500 };
}

/** Words in lines of at most 80 characters. */
function wrapped(words: readonly string[]): string {
  return words
    .join(", ")
    .replace(/(.{1,77}$|.{1,77},) ?/g, "$1\n  ")
    .trimEnd();
}
