/**
 * The options of `npm run bench`.
 */
import { parseArgs } from "node:util";
import type { BenchCompression, Case } from "./fixture.ts";
import type { WayName } from "./measured.ts";
import { type Mix, mixNames } from "./mixes.ts";

const help = `Measures the CPU time of a slice in three ways that take turns: Ferry, the SDK's ordinary way, and the floor, which is the
same bytes received, compressed or decompressed, and sent by the thinnest code that Node allows.

  npm run bench -- [--mix NAME]... [--action NAME] [--compression NAME]... [--https] [--pages N] [--runs N] [--quick]
                   [--json] [--check] [--store] [--plot FILE]

  --mix NAME          ${mixNames.join(", ")}; may be repeated; default: all
  --action NAME       backup or restore; default: both
  --compression NAME  gzip-6, gzip-1, zstd-3; may be repeated; default: all
  --https             over TLS
  --pages N           pages of a scan in one run, 1 MiB each as DynamoDB counts; default 32, quick 6
  --runs N            measured runs of each way; the median counts; default 5, quick 3
  --quick             small runs, gzip-6 alone and without the SDK's way: about a minute on two cores
  --json              prints only JSON
  --check             fails if Ferry's CPU time relative to the floor's is more than the tolerance above the stored ratio
  --store             stores the ratios for --check in baseline.json
  --plot FILE         writes a plot of the results, as SVG
  --help              prints this`;

export interface BenchOptions {
  readonly cases: readonly Case[];
  readonly ways: readonly WayName[];
  readonly runs: number;
  /** Runs before the measured ones. */
  readonly warmUps: number;
  readonly json: boolean;
  readonly check: boolean;
  readonly store: boolean;
  /** Where to write a plot. */
  readonly plot: string | undefined;
}

const compressions: Readonly<Record<string, BenchCompression>> = {
  "gzip-6": { format: "gzip", level: 6 },
  "gzip-1": { format: "gzip", level: 1 },
  "zstd-3": { format: "zstd", level: 3 },
};

/** Reads the command line. An invalid one ends the process with code 2 and a line that says what was expected. */
export function readBenchArguments(): BenchOptions {
  const { values } = parsed();
  if (values.help) {
    console.log(help);
    process.exit(0);
  }
  const { quick, json, check, store, plot } = values;
  const mixes = chosen("--mix", values.mix, mixNames, mixNames);
  const actions = chosen("--action", values.action, ["backup", "restore"] as const, ["backup", "restore"]);
  const names = Object.keys(compressions);
  const files = chosen("--compression", values.compression, names, quick ? names.slice(0, 1) : names);
  const pages = wholeNumber("--pages", values.pages, quick ? 6 : 32, 4096);
  const scheme = values.https ? "https" : "http";
  const cases = files.flatMap((name) =>
    mixes.flatMap((mix: Mix) =>
      actions.map((action) => ({ action, mix, compression: compressions[name]!, scheme, pages }) as const),
    ),
  );
  return {
    cases,
    ways: quick ? ["floor", "ferry"] : ["floor", "ferry", "sdk"],
    runs: wholeNumber("--runs", values.runs, quick ? 3 : 5, 1000),
    warmUps: 2,
    json,
    check,
    store,
    plot,
  };
}

function parsed() {
  const flag = { type: "boolean", default: false } as const;
  try {
    return parseArgs({
      options: {
        mix: { type: "string", multiple: true },
        action: { type: "string", multiple: true },
        compression: { type: "string", multiple: true },
        pages: { type: "string" },
        runs: { type: "string" },
        https: flag,
        quick: flag,
        json: flag,
        check: flag,
        store: flag,
        plot: { type: "string" },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
}

function chosen<T extends string>(
  option: string,
  given: readonly string[] | undefined,
  known: readonly T[],
  fallback: readonly T[],
): readonly T[] {
  for (const one of given ?? [])
    if (!known.includes(one as T)) return fail(`${option} must be one of ${known.join(", ")}: got ${one}`);
  return (given as readonly T[] | undefined) ?? fallback;
}

function wholeNumber(option: string, given: string | undefined, fallback: number, max: number): number {
  if (given === undefined) return fallback;
  if (!/^\d+$/.test(given) || Number(given) < 1 || Number(given) > max)
    return fail(`${option} must be a whole number from 1 to ${max}: got ${given}`);
  return Number(given);
}

function fail(message: string): never {
  console.error(`ferry bench: ${message}\n"npm run bench -- --help" lists the options.`);
  process.exit(2);
}
