/**
 * The plot of docs/performance.md: for each case the CPU time of the floor, Ferry and the SDK's way, as bars.
 */

import type { Result } from "./baseline.ts";
import { caseName } from "./fixture.ts";

const ROW = 44;
const BAR = 11;
const LEFT = 190;
const WIDTH = 720;
const TOP = 48;
/** Colours that differ in lightness too. */
const BARS = [
  { way: "floor", label: "floor", colour: "#9aa5b1" },
  { way: "ferry", label: "Ferry", colour: "#1b6ac9" },
  { way: "sdk", label: "SDK's way", colour: "#e0a458" },
] as const;

/** The plot as SVG. */
export function plotOf(results: readonly Result[]): string {
  const times = results.flatMap(({ measured }) => BARS.map(({ way }) => measured[way]?.cpuSeconds ?? 0));
  const scale = (WIDTH - LEFT - 60) / Math.max(...times);
  const height = TOP + results.length * ROW + 12;
  const rows = results.flatMap((result, i) => {
    const top = TOP + i * ROW;
    const bars = BARS.flatMap(({ way, colour }, j) => {
      const seconds = result.measured[way]?.cpuSeconds;
      if (seconds === undefined) return [];
      const y = top + j * (BAR + 1);
      const length = Math.max(1, seconds * scale);
      return [
        `<rect x="${LEFT}" y="${y}" width="${length.toFixed(1)}" height="${BAR}" fill="${colour}"/>`,
        `<text x="${(LEFT + length + 5).toFixed(1)}" y="${y + BAR - 2}" font-size="10">${seconds.toFixed(2)}</text>`,
      ];
    });
    return [
      `<text x="${LEFT - 8}" y="${top + 22}" text-anchor="end">${caseName(result.case)}</text>`,
      ...bars,
    ];
  });
  const legend = BARS.map(
    ({ label, colour }, j) =>
      `<rect x="${LEFT + j * 100}" y="26" width="10" height="10" fill="${colour}"/><text x="${LEFT + j * 100 + 15}" y="35">${label}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="11" fill="#333">
<title>CPU time of the floor, Ferry and the SDK's way for 100 MB of lines</title>
<rect width="${WIDTH}" height="${height}" fill="#fff"/>
<text x="8" y="16" font-size="13">CPU s for 100 MB of lines</text>
${[...legend, ...rows].join("\n")}
</svg>
`;
}
