/**
 * `npm run simulate`: many seeds, one seed, or mutants.
 */
import { availableParallelism } from "node:os";
import { openProgress } from "@ferry/terminal/progress";
import { type Options, readArguments } from "./arguments.ts";
import { mutants } from "./mutants/all.ts";
import { simulationWith } from "./mutants/loader.ts";
import type { FaultSelection } from "./scenario/select-faults.ts";
import { runSeeds, seedsFrom } from "./seeds.ts";
import type { SeedResult } from "./seeds-thread.ts";

/** The most failing seeds that are shown. */
const SHOWN_MAX = 20;
/** The most violations of a seed that are shown. */
const VIOLATIONS_MAX = 5;
/** The last lines of the first failing seed's trace that are shown. */
const TRACE_LINES = 60;
/** A thread loads the engine in the time of about as many seeds. */
const SEEDS_PER_THREAD_MIN = 10;
/** The violation of a seed that crashed its thread. */
const THREAD_ENDED = /^(CRASHED|ENDLESS)/;

const { mode, json } = readArguments();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
process.exitCode = await run(mode);

function run(what: Options["mode"]): Promise<number> | number {
  switch (what.kind) {
    case "list": {
      const width = Math.max(...mutants.map(({ name }) => name.length)) + 2;
      for (const { name, breaks } of mutants) console.log(`${name.padEnd(width)}${breaks}`);
      return 0;
    }
    case "seed":
      return runOne(what.seed, what.mutant, what.faults);
    case "seeds":
      return runMany(what.from, what.count, what.faults);
    case "mutants":
      return searchMutants(what.names, what.seedsMax);
  }
}

/** Runs one seed, and prints each line of its trace at once: also of a seed that never ends. */
async function runOne(
  seed: number,
  mutantName: string | undefined,
  faults: FaultSelection | undefined,
): Promise<number> {
  const { simulate } = await simulationWith(mutantName);
  const onLine = (line: string) => console.log(line);
  const { violations, counts } = await simulate(seed, { faults, ...(!json && { onLine }) });
  if (json) console.log(JSON.stringify({ seed, violations, counts }));
  else console.log(violations.length === 0 ? "\nEvery check holds." : `\n${violations.join("\n")}`);
  return violations.length === 0 ? 0 : 1;
}

/** Runs many seeds, and prints how often what happened. */
async function runMany(from: number, count: number, faults: FaultSelection | undefined): Promise<number> {
  const startedMs = performance.now();
  const counts: Record<string, number> = {};
  const failed: SeedResult[] = [];
  let done = 0;
  const track = (at: (count: number) => void) =>
    runSeeds({
      runs: seedsFrom(from, count),
      threads: Math.min(availableParallelism(), Math.ceil(count / SEEDS_PER_THREAD_MIN)),
      faults,
      done(result) {
        at(++done);
        for (const [name, times] of Object.entries(result.counts)) counts[name] = (counts[name] ?? 0) + times;
        if (result.violations.length > 0) failed.push(result);
        return false;
      },
    });
  await openProgress(json).track(`Seeds ${from} to ${from + count - 1}`, count, track, "seeds");
  const shown = failed
    .sort((a, b) => a.seed - b.seed)
    .slice(0, SHOWN_MAX)
    .map(({ seed, violations }) => ({ seed, violations, replay: replayOf(seed, { faults }) }));
  const seconds = Math.round((performance.now() - startedMs) / 100) / 10;
  if (json) {
    console.log(JSON.stringify({ seeds: done, violations: failed.length, failed: shown, seconds, counts }));
    return failed.length === 0 ? 0 : 1;
  }
  for (const [name, times] of Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)))
    console.log(`${name.padEnd(22)}${String(times).padStart(10)}`);
  for (const { seed, violations, replay } of shown) {
    console.log(`\nseed ${seed}: ${replay}`);
    for (const violation of violations.slice(0, VIOLATIONS_MAX)) console.log(`  ${violation}`);
  }
  // A seed that crashed its thread would crash this one, too: `--seed` prints its trace until then.
  const first = shown.find(({ violations }) => !violations.some((violation) => THREAD_ENDED.test(violation)));
  if (first !== undefined) await showTrace(first.seed, faults);
  console.log(`\n${done} seeds, ${failed.length} with violations, in ${seconds} s.`);
  return failed.length === 0 ? 0 : 1;
}

/** Prints the end of a failing seed's trace. */
async function showTrace(seed: number, faults: FaultSelection | undefined): Promise<void> {
  const { simulate } = await simulationWith(undefined);
  const lines: string[] = [];
  await simulate(seed, { onLine: (line) => lines.push(line), faults });
  console.log(`\nThe end of seed ${seed}:`);
  for (const line of lines.slice(-TRACE_LINES)) console.log(`  ${line}`);
}

/** Runs the stored seed of each mutant; if that does not show it, searches for the lowest seed that does. */
async function searchMutants(names: readonly string[], seedsMax: number): Promise<number> {
  const stored = mutants
    .filter(({ name }) => names.includes(name))
    .map(({ name, seed }) => ({ seed, mutantName: name }));
  const found = new Map<string, SeedResult>();
  await runSeeds({
    runs: stored,
    done(result) {
      if (result.violations.length > 0) report(result.mutantName!, result);
      return false;
    },
  });
  for (const name of names) if (!found.has(name)) report(name, await firstCaught(name, seedsMax));
  const survived = names.filter((name) => !found.has(name));
  const caught = Object.fromEntries([...found].map(([name, { seed }]) => [name, seed]));
  if (json) console.log(JSON.stringify({ mutants: names.length, caught, survived }));
  else
    console.log(
      survived.length === 0
        ? `Every mutant was caught: ${names.length}.`
        : `${survived.length} of ${names.length} mutants survived.`,
    );
  return survived.length === 0 ? 0 : 1;

  function report(name: string, result: SeedResult | undefined): void {
    if (result !== undefined) found.set(name, result);
    if (json) return;
    if (result === undefined) console.log(`SURVIVED ${name}: no violation in ${seedsMax} seeds`);
    else
      console.log(
        `caught   ${name}: ${replayOf(result.seed, { mutantName: name })}\n           ${result.violations[0]!.slice(0, 200)}`,
      );
  }
}

async function firstCaught(mutantName: string, seedsMax: number): Promise<SeedResult | undefined> {
  let first: SeedResult | undefined;
  await runSeeds({
    runs: seedsFrom(0, seedsMax, mutantName),
    done(result) {
      if (result.violations.length > 0 && (first === undefined || result.seed < first.seed)) first = result;
      return first !== undefined;
    },
  });
  return first;
}

/** The command that runs a seed again. */
function replayOf(
  seed: number,
  { mutantName, faults }: { readonly mutantName?: string; readonly faults?: FaultSelection | undefined },
): string {
  const options = [
    ...(mutantName === undefined ? [] : [`--mutant ${mutantName}`]),
    `--seed ${seed}`,
    ...Object.entries(faults ?? {}).flatMap(([option, names]: [string, readonly string[]]) =>
      names.map((name) => `--${option} ${name}`),
    ),
  ];
  return `npm run simulate -- ${options.join(" ")}`;
}
