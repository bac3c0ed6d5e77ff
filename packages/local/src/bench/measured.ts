/**
 * The measured process: does one case in one way, each time that its parent asks, and answers with what it cost.
 */
import { ferry } from "./ways/ferry.ts";
import { floor, httpFloor } from "./ways/floor.ts";
import { sdk } from "./ways/sdk.ts";
import type { Setup } from "./ways/way.ts";

const ways = { floor, http: httpFloor, sdk, ferry };
export type WayName = keyof typeof ways;

/** The cost of one run. */
export interface Cost {
  /** User and system time of all threads, s. */
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
  /** The largest resident size of the process so far, bytes. */
  readonly rssBytesMax: number;
}

const setup = JSON.parse(process.argv[3]!) as Setup;
const run = ways[process.argv[2] as WayName][setup.case.action](setup);

process.on("message", async () => {
  // What an earlier run left is not this run's.
  globalThis.gc?.();
  const cpu = process.cpuUsage();
  const begin = performance.now();
  await run();
  const { user, system } = process.cpuUsage(cpu);
  process.send?.({
    cpuSeconds: (user + system) / 1e6,
    wallSeconds: (performance.now() - begin) / 1000,
    rssBytesMax: process.resourceUsage().maxRSS * 1024,
  } satisfies Cost);
});
process.on("disconnect", () => process.exit(0));
process.send?.("ready");
