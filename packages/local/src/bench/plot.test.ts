import { expect, test } from "vitest";
import type { Result } from "./baseline.ts";
import { plotOf } from "./plot.ts";

const measured = (cpuSeconds: number) => ({
  cpuSeconds,
  cpuSecondsRange: [cpuSeconds, cpuSeconds] as const,
  wallSeconds: 1,
  rssBytesMax: 1,
  scanSeconds: 0,
  calls: 1,
});
const one: Result = {
  case: {
    action: "backup",
    mix: "flat",
    compression: { format: "gzip", level: 6 },
    scheme: "http",
    pages: 1,
    fileBytes: 32 * 1024 * 1024,
    scanMs: 0,
    putMs: 0,
    slices: 1,
  },
  measured: { floor: measured(1), ferry: measured(2), sdk: measured(4) },
};

test("a plot has a bar for each way, as long as its CPU time", () => {
  const widths = [...plotOf([one]).matchAll(/width="([\d.]+)" height="11"/g)].map(([, width]) =>
    Number(width),
  );
  expect(widths).toHaveLength(3);
  expect(widths[1]).toBeCloseTo(widths[0]! * 2, 0);
  expect(widths[2]).toBeCloseTo(widths[0]! * 4, 0);
});

test("a plot of quick runs has no bar for the SDK's way", () => {
  const { floor, ferry } = one.measured;
  expect(plotOf([{ ...one, measured: { floor, ferry } }]).match(/height="11"/g)).toHaveLength(2);
});
