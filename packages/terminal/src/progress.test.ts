import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { barLayout } from "./progress.ts";

const HIDE_CURSOR = "\x1b[?25l";
const SHOW_CURSOR = "\x1b[?25h";

test("a process that exits while a bar is running shows the cursor again", async () => {
  const progress = JSON.stringify(new URL("./progress.ts", import.meta.url).href);
  const script = `
    process.stderr.isTTY = true;
    const { openProgress } = await import(${progress});
    void openProgress(false).track("Load", 10, async (at) => { at(5); process.exit(130); });`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const output = await text(child.stderr);
  expect(output).toContain(HIDE_CURSOR);
  expect(output.lastIndexOf(SHOW_CURSOR)).toBeGreaterThan(output.lastIndexOf(HIDE_CURSOR));
});

test.each([80, 104, 200])("a bar's line fits %i columns", (columns) => {
  for (const [title, total] of [
    ["Read 4 data files", 5000],
    ["Read table cities-copy", 12_345_678],
  ] as const) {
    const { format, barsize } = barLayout(title, total, "items", columns);
    const line = format
      .replace("{bar}", "x".repeat(barsize))
      .replace("{percentage}", "100")
      .replace("{value}", String(total))
      .replace("{total}", String(total))
      .replace("{duration_formatted}", "59m59s");
    expect(line.length).toBeLessThan(columns);
    expect(barsize).toBeGreaterThanOrEqual(5);
    if (columns === 200) expect(format).toMatch(/^Read .{37} \{bar\}/);
  }
});
