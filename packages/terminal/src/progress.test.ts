import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";

const HIDE_CURSOR = "\x1b[?25l";
const SHOW_CURSOR = "\x1b[?25h";

test("a process that exits while a bar is running shows the cursor again", async () => {
  const progress = JSON.stringify(new URL("./progress.ts", import.meta.url).href);
  const script = `
    process.stderr.isTTY = true;
    const { openProgress } = await import(${progress});
    void openProgress(false).track("Load", 10, async (at) => { at(5); await new Promise(() => {}); });
    setTimeout(() => process.exit(130), 20);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const output = await text(child.stderr);
  expect(output).toContain(HIDE_CURSOR);
  expect(output.lastIndexOf(SHOW_CURSOR)).toBeGreaterThan(output.lastIndexOf(HIDE_CURSOR));
});
