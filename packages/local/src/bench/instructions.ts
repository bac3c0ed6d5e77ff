/**
 * Counts the instructions of a run with valgrind: they depend neither on the machine's speed nor on its other work. Those of the kernel
 * are not counted.
 */
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { ask, type StartWay } from "./processes.ts";

/** Runs before the counted ones, in which the code is compiled. */
const WARM_UPS = 3;
const RUNS = 2;

/** Why instructions cannot be counted on this machine; undefined if they can. */
export function whyNotCounted(): string | undefined {
  const { error, status } = spawnSync("valgrind", ["--version"]);
  if (error === undefined && status === 0) return undefined;
  return "Instructions are not counted: valgrind cannot be run on this machine.";
}

/** The instructions of one run of a way. Compares two processes, of which one does more runs. `prepareRun` is called before each run. */
export async function instructionsOf(start: StartWay, prepareRun: () => Promise<unknown>): Promise<number> {
  const few = await instructionsOfProcess(start, prepareRun, WARM_UPS);
  const more = await instructionsOfProcess(start, prepareRun, WARM_UPS + RUNS);
  return (more - few) / RUNS;
}

async function instructionsOfProcess(
  start: StartWay,
  prepareRun: () => Promise<unknown>,
  runs: number,
): Promise<number> {
  const folder = await mkdtemp(path.join(tmpdir(), "ferry-instructions-"));
  try {
    const log = path.join(folder, "log");
    const options = [
      "--tool=cachegrind",
      "--cache-sim=no",
      "--cachegrind-out-file=/dev/null",
      // V8 makes code while it runs.
      "--smc-check=all-non-file",
      `--log-file=${log}`,
    ];
    const child = await start({ execPath: "valgrind", execArgv: [...options, process.execPath] });
    for (let run = 0; run < runs; run++) {
      await prepareRun();
      await ask(child);
    }
    const ended = once(child, "exit");
    child.disconnect();
    await ended;
    return readCount(await readFile(log, "utf8"));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The number in the last line of cachegrind's log. Throws if there is none. */
export function readCount(log: string): number {
  const count = /\bI +refs: +([\d,]+)/.exec(log)?.[1];
  if (count === undefined) throw new Error(`valgrind printed no number of instructions: ${log.slice(-500)}`);
  return Number(count.replaceAll(",", ""));
}
