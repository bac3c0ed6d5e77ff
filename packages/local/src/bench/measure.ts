/**
 * Measures one case: each way in a process of its own, and the ways take turns, so that a busy machine disturbs all of them.
 */
import type { ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Calls, Ready } from "./canned-aws.ts";
import { type Case, table } from "./fixture.ts";
import { instructionsOf } from "./instructions.ts";
import type { Cost, WayName } from "./measured.ts";
import { median } from "./median.ts";
import { answerOf, ask, nodeOptionsOf, type RunBy, startModule } from "./processes.ts";
import type { Setup } from "./ways/way.ts";

/** The result of one way in one case. */
export interface Measured {
  /** The median of the runs, CPU s for 100 MB of lines. */
  readonly cpuSeconds: number;
  /** The least and the most of the runs. */
  readonly cpuSecondsRange: readonly [least: number, most: number];
  /** The median of the runs, s for one run. */
  readonly wallSeconds: number;
  readonly rssBytesMax: number;
  /** The median of the runs: how long the scans of a slice took in all, s; 0 if the way does not measure that. */
  readonly scanSeconds: number;
  readonly calls: number;
}

/** The results of one case. The floor over node:http and the SDK's way may be left out. */
export type CaseResult = Readonly<Record<"floor" | "ferry", Measured>> & {
  readonly http?: Measured;
  readonly sdk?: Measured;
  /** The instructions of one run of Ferry relative to those of the floor, if they were counted. */
  readonly instructionsRatio?: number;
};

/** How much the compressed bytes of two ways may differ: they give the same bytes to zlib in other pieces. */
const SIZE_TOLERANCE = 0.02;
const canned = fileURLToPath(new URL("./canned-aws.ts", import.meta.url));
const pem = fileURLToPath(new URL("./loopback.pem", import.meta.url));

/** The runs before the measured ones, in which the code is compiled. */
const WARM_UPS = 2;

/** `bundle`: the path of the bundle of ./measured.ts. `runs`: the measured runs of each way. `instructions`: whether to count them. */
export async function measureCase(
  bench: Case,
  options: { bundle: string; wayNames: readonly WayName[]; runs: number; instructions: boolean },
): Promise<CaseResult> {
  const { bundle, wayNames, runs, instructions } = options;
  const server = startModule(canned, [JSON.stringify(bench)], {});
  const processes: ChildProcess[] = [server];
  try {
    const ready = await answerOf<Ready>(server);
    const endpoint = `${bench.scheme}://127.0.0.1:${ready.port}`;
    const setup: Setup = { case: bench, endpoint, ready };
    const environment = {
      AWS_ENDPOINT_URL: endpoint,
      AWS_ACCESS_KEY_ID: "bench",
      AWS_SECRET_ACCESS_KEY: "bench",
      AWS_REGION: table.region,
      NODE_EXTRA_CA_CERTS: pem,
    };
    const startWay = async (way: WayName, by?: RunBy) => {
      const child = startModule(
        bundle,
        [way, JSON.stringify(setup)],
        { ...environment, ...nodeOptionsOf(way) },
        by,
      );
      processes.push(child);
      await answerOf(child);
      return child;
    };
    const ways = new Map<WayName, ChildProcess>();
    for (const way of wayNames) ways.set(way, await startWay(way));
    const costs = new Map<WayName, Cost[]>(wayNames.map((way) => [way, []]));
    const calls = new Map<WayName, Calls>();
    for (let run = -WARM_UPS; run < runs; run++)
      for (const [way, child] of ways) {
        await ask<Calls>(server);
        const cost = await ask<Cost>(child);
        if (run >= 0) costs.get(way)!.push(cost);
        calls.set(way, await ask<Calls>(server));
      }
    requireSameBytes(calls);
    const scale = 1e8 / (ready.bytes * bench.slices);
    const measured = Object.fromEntries(
      wayNames.map((way) => [way, summary(costs.get(way)!, calls.get(way)!, scale)]),
    ) as unknown as CaseResult;
    if (!instructions) return measured;
    const counted = (way: WayName) =>
      instructionsOf(
        (by) => startWay(way, by),
        () => ask<Calls>(server),
      );
    return { ...measured, instructionsRatio: (await counted("ferry")) / (await counted("floor")) };
  } finally {
    for (const child of processes) child.kill();
  }
}

/** The ways are comparable only if they moved the same. */
function requireSameBytes(calls: ReadonlyMap<WayName, Calls>): void {
  const floor = calls.get("floor")!;
  for (const [way, { putBytes, writtenBytes }] of calls) {
    const isSame =
      Math.abs(putBytes - floor.putBytes) <= floor.putBytes * SIZE_TOLERANCE &&
      Math.abs(writtenBytes - floor.writtenBytes) <= floor.writtenBytes * SIZE_TOLERANCE;
    if (!isSame)
      throw new Error(
        `${way} put ${putBytes} and wrote ${writtenBytes} bytes, the floor ${floor.putBytes} and ${floor.writtenBytes}`,
      );
  }
}

function summary(costs: readonly Cost[], { calls }: Calls, scale: number): Measured {
  const cpu = costs.map(({ cpuSeconds }) => cpuSeconds * scale);
  return {
    cpuSeconds: median(cpu),
    cpuSecondsRange: [Math.min(...cpu), Math.max(...cpu)],
    wallSeconds: median(costs.map(({ wallSeconds }) => wallSeconds)),
    rssBytesMax: Math.max(...costs.map(({ rssBytesMax }) => rssBytesMax)),
    scanSeconds: median(costs.map(({ scanSeconds }) => scanSeconds)),
    calls,
  };
}
