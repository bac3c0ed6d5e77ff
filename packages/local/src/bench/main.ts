/**
 * `npm run bench`: what a slice costs, compared with the SDK's ordinary way and with the floor. docs/performance.md.
 */
import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { type BenchOptions, readBenchArguments } from "./arguments.ts";
import { findRegressions, type Result, ratioOf, storeRatios } from "./baseline.ts";
import { bundleOf } from "./bundle.ts";
import { caseName } from "./fixture.ts";
import { whyNotCounted } from "./instructions.ts";
import { latencyText, measureLatency } from "./latency.ts";
import { type Measured, measureCase } from "./measure.ts";
import { plotOf } from "./plot.ts";

const given = readBenchArguments();
if (given.latency) {
  const measured = await measureLatency();
  console.log(given.json ? JSON.stringify(measured) : latencyText(measured));
} else await measureCases(given);

async function measureCases({ cases, ways, runs, instructions, ...output }: BenchOptions): Promise<void> {
  const { json, check, store, plot } = output;
  const whyNot = instructions ? whyNotCounted() : undefined;
  if (whyNot !== undefined) console.error(whyNot);
  const options = { wayNames: ways, runs, instructions: instructions && whyNot === undefined };

  const results: Result[] = [];
  const folder = await mkdtemp(path.join(tmpdir(), "ferry-bench-"));
  try {
    const bundle = await bundleOf(fileURLToPath(new URL("./measured.ts", import.meta.url)), folder, true);
    if (!json) console.log(head(options.instructions));
    for (const one of cases) {
      const result = { case: one, measured: await measureCase(one, { ...options, bundle }) };
      results.push(result);
      if (!json) console.log(row(result, options.instructions));
    }
  } finally {
    await rm(folder, { recursive: true });
  }
  if (json) console.log(JSON.stringify(results));
  if (store) storeRatios(results);
  if (plot !== undefined) writeFileSync(plot, plotOf(results));
  if (check) {
    const regressions = findRegressions(results);
    for (const line of regressions) console.error(line);
    if (regressions.length > 0) process.exitCode = 1;
  }
}

function head(hasInstructions: boolean): string {
  const columns = ["floor", "over node:http", "Ferry", "SDK's way"].map((name) => name.padStart(18));
  return `CPU s for 100 MB of lines: median (least–most); largest resident size, MB; calls and wall time of one run; that time relative to
the scans' own, if the server waits before it answers them
${"".padEnd(34)}${columns.join("")}  Ferry/floor  SDK/Ferry    MB  calls  wall s  wall/scans${hasInstructions ? "  instructions, Ferry/floor" : ""}`;
}

function row(result: Result, hasInstructions: boolean): string {
  const { floor, http, ferry, sdk, instructionsRatio } = result.measured;
  const columns = [floor, http, ferry, sdk].map((one) => describe(one).padStart(18));
  const cells = [
    ratioOf(result).toFixed(2).padStart(13),
    (sdk === undefined ? "" : (sdk.cpuSeconds / ferry.cpuSeconds).toFixed(1)).padStart(11),
    (ferry.rssBytesMax / 1e6).toFixed(0).padStart(6),
    String(ferry.calls).padStart(7),
    ferry.wallSeconds.toFixed(2).padStart(8),
    (result.case.scanMs === 0 || floor.scanSeconds === 0
      ? ""
      : (ferry.wallSeconds / floor.scanSeconds).toFixed(2)
    ).padStart(12),
    (instructionsRatio?.toFixed(2) ?? "").padStart(hasInstructions ? 27 : 0),
  ];
  return `${caseName(result.case).padEnd(34)}${columns.join("")}${cells.join("")}`;
}

function describe(measured: Measured | undefined): string {
  if (measured === undefined) return "";
  const [least, most] = measured.cpuSecondsRange;
  return `${measured.cpuSeconds.toFixed(2)} (${least.toFixed(2)}–${most.toFixed(2)})`;
}
