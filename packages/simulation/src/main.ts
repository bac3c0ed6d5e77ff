/**
 * `npm run simulate`: many seeds, one seed, or mutants.
 */
import { openProgress } from "@ferry/terminal/progress";
import { type Options, readArguments } from "./arguments.ts";
import { mutants } from "./mutants/all.ts";
import { loadMutant } from "./mutants/loader.ts";
import { runSeeds } from "./seeds.ts";
import type { SeedResult } from "./seeds-thread.ts";

/** Failing seeds that are told in full. */
const TOLD_MAX = 20;
/** Violations of one seed that are told. */
const VIOLATIONS_MAX = 5;
/** Lines of the first failing seed's trace that are shown. */
const TRACE_LINES = 60;
/** What is said of a seed that took its thread down. */
const THREAD_ENDED = /^(CRASHED|ENDLESS)/;

const { mode, json } = readArguments();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
process.exitCode = await run(mode);

function run(what: Options["mode"]): Promise<number> | number {
  switch (what.kind) {
    case "list":
      for (const { name, breaks } of mutants) console.log(`${name.padEnd(28)}${breaks}`);
      return 0;
    case "seed":
      return one(what.seed, what.mutant);
    case "seeds":
      return many(what.from, what.count);
    case "mutants":
      return mutantsShown(what.names, what.seedsMax);
  }
}

/** One seed, with all that happens, as it happens: also of a seed that never ends. */
async function one(seed: number, mutantName: string | undefined): Promise<number> {
  const check =
    mutantName === undefined ? undefined : loadMutant(mutants.find(({ name }) => name === mutantName)!);
  const { simulate } = await import("./simulate.ts");
  check?.();
  const { violations, counts } = await simulate(seed, json ? {} : { tell: (line) => console.log(line) });
  if (json) console.log(JSON.stringify({ seed, violations, counts }));
  else console.log(violations.length === 0 ? "\nEvery check holds." : `\n${violations.join("\n")}`);
  return violations.length === 0 ? 0 : 1;
}

/** Many seeds, and how often what happened. */
async function many(from: number, count: number): Promise<number> {
  const startedMs = performance.now();
  const counts: Record<string, number> = {};
  const failed: SeedResult[] = [];
  let done = 0;
  const track = (at: (count: number) => void) =>
    runSeeds({
      from,
      count,
      done(result) {
        at(++done);
        for (const [name, times] of Object.entries(result.counts)) counts[name] = (counts[name] ?? 0) + times;
        if (result.violations.length > 0) failed.push(result);
        return false;
      },
    });
  await openProgress(json).track(`Seeds ${from} to ${from + count - 1}`, count, track, "seeds");
  const told = failed
    .sort((a, b) => a.seed - b.seed)
    .slice(0, TOLD_MAX)
    .map(({ seed, violations }) => ({ seed, violations, replay: replayOf(seed) }));
  const seconds = Math.round((performance.now() - startedMs) / 100) / 10;
  if (json) {
    console.log(JSON.stringify({ seeds: done, violations: failed.length, failed: told, seconds, counts }));
    return failed.length === 0 ? 0 : 1;
  }
  for (const [name, times] of Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)))
    console.log(`${name.padEnd(22)}${String(times).padStart(10)}`);
  for (const { seed, violations, replay } of told) {
    console.log(`\nseed ${seed}: ${replay}`);
    for (const violation of violations.slice(0, VIOLATIONS_MAX)) console.log(`  ${violation}`);
  }
  // What ended its thread would end this one, too: `--seed` tells it as it happens.
  const first = told.find(({ violations }) => !violations.some((violation) => THREAD_ENDED.test(violation)));
  if (first !== undefined) await showTrace(first.seed);
  console.log(`\n${done} seeds, ${failed.length} with violations, in ${seconds} s.`);
  return failed.length === 0 ? 0 : 1;
}

/** The end of what happened in a seed that failed. */
async function showTrace(seed: number): Promise<void> {
  const { simulate } = await import("./simulate.ts");
  const lines: string[] = [];
  await simulate(seed, { tell: (line) => lines.push(line) });
  console.log(`\nThe end of seed ${seed}:`);
  for (const line of lines.slice(-TRACE_LINES)) console.log(`  ${line}`);
}

/** Each mutant until a seed shows it. */
async function mutantsShown(names: readonly string[], seedsMax: number): Promise<number> {
  const caught: Record<string, number> = {};
  const survived: string[] = [];
  for (const name of names) {
    const first = await firstCaught(name, seedsMax);
    if (first === undefined) survived.push(name);
    else caught[name] = first.seed;
    if (json) continue;
    if (first === undefined) console.log(`SURVIVED ${name}: no violation in ${seedsMax} seeds`);
    else
      console.log(
        `caught   ${name}: ${replayOf(first.seed, name)}\n           ${first.violations[0]!.slice(0, 200)}`,
      );
  }
  if (json) console.log(JSON.stringify({ mutants: names.length, caught, survived }));
  else
    console.log(
      survived.length === 0
        ? `Every mutant was caught: ${names.length}.`
        : `${survived.length} of ${names.length} mutants survived.`,
    );
  return survived.length === 0 ? 0 : 1;
}

/** The seed that is stored with a mutant; where that does not show it any more, the lowest of those that were run until one did. */
async function firstCaught(mutantName: string, seedsMax: number): Promise<SeedResult | undefined> {
  const { seed } = mutants.find(({ name }) => name === mutantName)!;
  const stored = seed === undefined ? undefined : await caughtIn(mutantName, seed, 1);
  return stored ?? caughtIn(mutantName, 0, seedsMax);
}

async function caughtIn(mutantName: string, from: number, count: number): Promise<SeedResult | undefined> {
  let first: SeedResult | undefined;
  await runSeeds({
    from,
    count,
    mutantName,
    done(result) {
      if (result.violations.length > 0 && (first === undefined || result.seed < first.seed)) first = result;
      return first !== undefined;
    },
  });
  return first;
}

function replayOf(seed: number, mutantName?: string): string {
  return `npm run simulate -- ${mutantName === undefined ? "" : `--mutant ${mutantName} `}--seed ${seed}`;
}
