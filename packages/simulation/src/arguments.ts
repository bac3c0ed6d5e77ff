/**
 * The options of `npm run simulate`.
 */
import { parseArgs } from "node:util";
import { mutants } from "./mutants/all.ts";
import { type FaultName, faultNames } from "./scenario/fault-rates.ts";
import type { FaultSelection } from "./scenario/select-faults.ts";

const help = `Runs whole tasks on a simulated cloud, in virtual time, with faults, and checks the results.

  npm run simulate -- [--seeds N] [--from N] [--without FAULT | --only FAULT]... [--json]
  npm run simulate -- --seed N [--mutant NAME] [--without FAULT | --only FAULT]... [--json]
  npm run simulate -- --mutant NAME | all | list [--seeds N] [--json]

  --seeds N        the number of seeds; default 200, with --mutant 500
  --from N         the first seed; default 0
  --seed N         one seed, with its whole trace
  --without FAULT  sets the rate of this fault to 0; may be repeated
  --only FAULT     sets the rates of all other faults to 0; may be repeated
  --mutant NAME    breaks the engine on purpose, and searches for a seed that shows it, beginning with the seed that is
                   stored with the mutant; "all" tries every mutant, "list" lists them
  --json           prints only one line of JSON at the end
  --help           prints this

Faults: ${wrapped(faultNames)}

The exit code is 0 if there is no violation; with --mutant and without --seed, if every mutant was caught.`;

export interface Options {
  /** What to do. */
  readonly mode:
    | {
        readonly kind: "seeds";
        readonly from: number;
        readonly count: number;
        readonly faults?: FaultSelection;
      }
    | {
        readonly kind: "seed";
        readonly seed: number;
        readonly mutant?: string;
        readonly faults?: FaultSelection;
      }
    | { readonly kind: "mutants"; readonly names: readonly string[]; readonly seedsMax: number }
    | { readonly kind: "list" };
  readonly json: boolean;
}

const SEEDS_MAX = 10_000_000;

/** Reads the command line. An invalid one ends the process with code 2 and a line that says what was expected. */
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
  const faults = faultSelection(values);
  if (
    mutant !== undefined &&
    mutant !== "all" &&
    mutant !== "list" &&
    !mutants.some(({ name }) => name === mutant)
  )
    return fail(`--mutant must be all, list or a name of --mutant list: got ${mutant}`);
  if (seed !== undefined) {
    if (count !== undefined || from !== undefined)
      return fail("--seed is one seed: remove --seeds and --from");
    if (mutant === "all" || mutant === "list")
      return fail(`--seed needs one mutant's name: got --mutant ${mutant}`);
    return { mode: { kind: "seed", seed, ...(mutant !== undefined && { mutant }), ...faults }, json };
  }
  if (mutant !== undefined && faults !== undefined)
    return fail(
      "--without and --only need --seed or --seeds: --mutant without --seed searches with all faults",
    );
  if (mutant === "list") return { mode: { kind: "list" }, json };
  if (mutant === undefined)
    return { mode: { kind: "seeds", from: from ?? 0, count: count ?? 200, ...faults }, json };
  if (from !== undefined) return fail("--mutant begins with seed 0: remove --from");
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
        without: { type: "string", multiple: true },
        only: { type: "string", multiple: true },
        json: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
}

function faultSelection(values: {
  readonly without?: string[] | undefined;
  readonly only?: string[] | undefined;
}): { readonly faults: FaultSelection } | undefined {
  const { without, only } = values;
  if (without !== undefined && only !== undefined)
    return fail("--without and --only exclude each other: use one");
  if (without !== undefined) return { faults: { without: faultsOf("--without", without) } };
  return only === undefined ? undefined : { faults: { only: faultsOf("--only", only) } };
}

function faultsOf(option: string, names: readonly string[]): FaultName[] {
  const isFault = (name: string): name is FaultName => (faultNames as readonly string[]).includes(name);
  const unknown = names.find((name) => !isFault(name));
  if (unknown !== undefined) return fail(`${option} must be one of ${faultNames.join(", ")}: got ${unknown}`);
  return names.filter(isFault);
}

/** Words in lines of at most 100 characters. */
function wrapped(words: readonly string[]): string {
  return words
    .join(", ")
    .replace(/(.{1,100}$|.{1,100},) ?/g, "$1\n  ")
    .trimEnd();
}

function wholeNumber(name: string, given: string | undefined, min: number): number | undefined {
  if (given === undefined) return undefined;
  if (!/^\d+$/.test(given) || Number(given) < min || Number(given) > SEEDS_MAX)
    return fail(`${name} must be a whole number from ${min} to ${SEEDS_MAX}: got ${given}`);
  return Number(given);
}

function fail(message: string): never {
  console.error(`ferry simulate: ${message}\n"npm run simulate -- --help" lists the options.`);
  process.exit(2);
}
