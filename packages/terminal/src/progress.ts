/**
 * Progress on stderr: a bar on a terminal, plain lines elsewhere, nothing with `--json`.
 */
import { Presets, SingleBar } from "cli-progress";

const LINE_EVERY_MS = 2000;

export interface Progress {
  log(line: string): void;
  /** Shows the progress of `run` towards `total`, counted in `unit` (default: items). Returns the result of `run`. */
  track<T>(
    title: string,
    total: number,
    run: (onProgress: (count: number) => void) => Promise<T>,
    unit?: string,
  ): Promise<T>;
}

export function openProgress(silent: boolean): Progress {
  if (silent) return { log() {}, track: (_, __, run) => run(() => {}) };
  return { log: (line) => console.error(line), track: process.stderr.isTTY ? bar : lines };
}

const bar: Progress["track"] = async (title, total, run, unit = "items") => {
  const format = `${title.padEnd(42)} {bar} {percentage}% | {value}/{total} ${unit} | {duration_formatted}`;
  const view = new SingleBar({ format, hideCursor: true, barsize: 24 }, Presets.shades_classic);
  // A running bar hides the cursor and disables line wrapping, so it must be stopped however the process ends.
  const end = () => view.stop();
  process.once("exit", end);
  view.start(total, 0);
  try {
    const result = await run((count) => view.update(Math.min(count, total)));
    view.update(total);
    return result;
  } finally {
    process.removeListener("exit", end);
    end();
  }
};

const lines: Progress["track"] = async (title, total, run, unit = "items") => {
  let lastLineMs = performance.now();
  console.error(`${title} …`);
  const startedMs = lastLineMs;
  const result = await run((count) => {
    if (performance.now() - lastLineMs < LINE_EVERY_MS) return;
    lastLineMs = performance.now();
    console.error(
      `  ${Math.min(count, total)} of ${total} ${unit} (${Math.floor((100 * Math.min(count, total)) / total)} %)`,
    );
  });
  console.error(`  ${total} ${unit} in ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
  return result;
};
