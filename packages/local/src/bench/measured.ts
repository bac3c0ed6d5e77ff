/**
 * The measured process: does one case in one way, each time that its parent asks, and answers with what it cost.
 */
import { residentBytesMax } from "../resident-size.ts";
import type { Setup } from "./ways/way.ts";

/** Each is imported alone: what another way imports is not in this one's resident size. */
const ways = {
  floor: async () => (await import("./ways/floor.ts")).floor,
  http: async () => (await import("./ways/floor.ts")).httpFloor,
  sdk: async () => (await import("./ways/sdk.ts")).sdk,
  ferry: async () => (await import("./ways/ferry.ts")).ferry,
};
export type WayName = keyof typeof ways;

/** The cost of one run. */
export interface Cost {
  /** User and system time of all threads, s. */
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
  /** The largest resident size of the process so far, bytes. */
  readonly rssBytesMax: number;
  /** How long the scans of a slice took in all, from the first byte sent to the last one received; 0 if the way does not measure that. */
  readonly scanSeconds: number;
}

const setup = JSON.parse(process.argv[3]!) as Setup;
const way = await ways[process.argv[2] as WayName]();
const slices = Array.from({ length: setup.case.slices }, (_, segment) =>
  way[setup.case.action](setup, segment),
);

process.on("message", async () => {
  // What an earlier run left is not this run's.
  globalThis.gc?.();
  const cpu = process.cpuUsage();
  const begin = performance.now();
  const scanSeconds = await Promise.all(slices.map((slice) => slice()));
  const { user, system } = process.cpuUsage(cpu);
  process.send?.({
    cpuSeconds: (user + system) / 1e6,
    wallSeconds: (performance.now() - begin) / 1000,
    rssBytesMax: residentBytesMax(),
    scanSeconds: Math.max(...scanSeconds.map((seconds) => seconds ?? 0)),
  } satisfies Cost);
});
process.on("disconnect", () => process.exit(0));
process.send?.("ready");
