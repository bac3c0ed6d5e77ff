import { expect, test } from "vitest";
import { screenOf } from "./screen.ts";
import { svgOf } from "./svg.ts";

test("a line that was painted again is shown once, with its last text", async () => {
  const rows = await screenOf("10 %\r\u001b[2K100 %\r\n\u001b[32m✓\u001b[39m all equal\r\n", 40);
  expect(rows).toEqual([
    [{ column: 0, text: "100 %", bold: false, dim: false }],
    [
      { column: 0, text: "✓", bold: false, dim: false, colour: 2 },
      { column: 1, text: " all equal", bold: false, dim: false },
    ],
  ]);
});

test("lines that scrolled away are shown", async () => {
  const lines = Array.from({ length: 80 }, (_, at) => `line ${at}`);
  expect(await screenOf(lines.join("\r\n"), 40)).toHaveLength(80);
});

test("a look that the picture does not have is an error", async () => {
  await expect(screenOf("\u001b[41mred\u001b[0m", 40)).rejects.toThrow('The picture cannot show "r"');
});

test("the text of the SVG is escaped, and keeps its column", async () => {
  const svg = svgOf(await screenOf("  a < b & c", 40), 40, "title");
  expect(svg).toContain('<text x="32.8" ');
  expect(svg).toContain(">a &lt; b &amp; c</text>");
});
