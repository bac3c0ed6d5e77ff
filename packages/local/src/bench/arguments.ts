/**
 * The options of `npm run bench`.
 */
import { npmScript, oneOf, repeated, wholeNumberFrom } from "@ferry/terminal/npm-script";
import { type BenchCompression, type Case, FILE_MIB, MIB } from "./fixture.ts";
import type { WayName } from "./measured.ts";
import { type Mix, mixNames } from "./mixes.ts";

const compressions: Readonly<Record<string, BenchCompression>> = {
  "gzip-6": { format: "gzip", level: 6 },
  "gzip-1": { format: "gzip", level: 1 },
  "zstd-3": { format: "zstd", level: 3 },
};

const actions = ["backup", "restore"] as const;

/** The ways that can be left out. */
const otherWays = ["http", "sdk"] as const;

/** The options as they are given. */
interface Given {
  readonly mix?: readonly Mix[];
  readonly action?: readonly Case["action"][];
  readonly compression?: readonly string[];
  readonly beside?: readonly (typeof otherWays)[number][];
  readonly https: boolean;
  readonly pages?: number;
  readonly fileMib: number;
  readonly scanMs: number;
  readonly putMs: number;
  readonly slices?: readonly number[];
  readonly runs?: number;
  readonly quick: boolean;
  readonly instructions: boolean;
  readonly latency: boolean;
  readonly json: boolean;
  readonly check: boolean;
  readonly store: boolean;
  readonly plot?: string;
}

export interface BenchOptions
  extends Pick<Given, "instructions" | "latency" | "json" | "check" | "store" | "plot"> {
  readonly cases: readonly Case[];
  readonly ways: readonly WayName[];
  readonly runs: number;
}

/** Reads the command line. An invalid one ends the process with code 2 and a line that says what was expected. */
export function readBenchArguments(): BenchOptions {
  const names = Object.keys(compressions);
  const given = npmScript(
    "bench",
    "Measures the CPU time of a slice in four ways that take turns: Ferry, the SDK's ordinary way, and two floors, on sockets and over node:http, which are the same bytes received, compressed or decompressed, and sent by the thinnest code that Node allows.",
  )
    .option(
      "--mix <NAME>",
      `${mixNames.join(", ")}; may be repeated (default: all)`,
      repeated(oneOf(mixNames)),
    )
    .option("--action <NAME>", "backup or restore (default: both)", repeated(oneOf(actions)))
    .option(
      "--compression <NAME>",
      `${names.join(", ")}; may be repeated (default: all)`,
      repeated(oneOf(names)),
    )
    .option(
      "--beside <WAY>",
      "what is measured beside Ferry and the floor on sockets: http, the floor over node:http, or sdk, the SDK's way; may be repeated (default: both, quick: none)",
      repeated(oneOf(otherWays)),
    )
    .option("--https", "over TLS", false)
    .option(
      "--pages <N>",
      "pages of a scan in one run, 1 MiB each as DynamoDB counts (default: 32, quick 16)",
      wholeNumberFrom(1, 4096),
    )
    .option("--file-mib <N>", "uncompressed size of a data file, MiB", wholeNumberFrom(1, 256), FILE_MIB)
    .option("--scan-ms <N>", "how long the server takes to answer a scan, ms", wholeNumberFrom(0, 60_000), 0)
    .option("--put-ms <N>", "how long the server takes to answer a put, ms", wholeNumberFrom(0, 60_000), 0)
    .option(
      "--slices <N>",
      "slices at a time in one process; may be repeated (default: 1)",
      repeated(wholeNumberFrom(1, 64)),
    )
    .option(
      "--runs <N>",
      "measured runs of each way; the median counts (default: 5, quick 3)",
      wholeNumberFrom(1, 1000),
    )
    .option(
      "--quick",
      "small runs, gzip-6 alone and without the SDK's way and the floor over node:http: at most a minute on two cores",
      false,
    )
    .option(
      "--instructions",
      "also count the instructions of Ferry and of the floor, with valgrind: some minutes for each case",
      false,
    )
    .option(
      "--latency",
      "measure instead what takes time without any data: a backup of one item on the local host, and the start of a worker",
      false,
    )
    .option("--json", "print only JSON", false)
    .option(
      "--check",
      "fail if Ferry's CPU time, or its instructions if they are counted, relative to the floor's are more than the tolerance above the stored ratio",
      false,
    )
    .option("--store", "store the ratios for --check in baseline.json", false)
    .option("--plot <FILE>", "write a plot of the results, as SVG")
    .parse()
    .opts<Given>();
  const { quick } = given;
  const files = given.compression ?? (quick ? names.slice(0, 1) : names);
  const pages = given.pages ?? (quick ? 16 : 32);
  const scheme = given.https ? "https" : "http";
  const cases = files.flatMap((name) =>
    (given.mix ?? mixNames).flatMap((mix) =>
      (given.action ?? actions).flatMap((action) =>
        (given.slices ?? [1]).map(
          (slices): Case => ({
            action,
            mix,
            compression: compressions[name]!,
            scheme,
            pages,
            fileBytes: given.fileMib * MIB,
            scanMs: given.scanMs,
            putMs: given.putMs,
            slices,
          }),
        ),
      ),
    ),
  );
  return {
    ...given,
    cases,
    ways: ["floor", "ferry", ...(given.beside ?? (quick ? [] : otherWays))],
    runs: given.runs ?? (quick ? 3 : 5),
  };
}
