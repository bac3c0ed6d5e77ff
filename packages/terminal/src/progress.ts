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
  const { format, barsize } = barLayout(title, total, unit, process.stderr.columns ?? 80);
  const view = new SingleBar({ format, hideCursor: true, barsize }, Presets.shades_classic);
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

const TITLE_WIDTH = 42;
const BAR_WIDTH = 24;
const BAR_WIDTH_MIN = 5;
/** The longest duration that cli-progress writes, such as `59m59s`. */
const DURATION_WIDTH = 6;

/** A bar's line that fits a terminal: a narrow one gets no room behind the title, and a shorter bar. */
export function barLayout(title: string, total: number, unit: string, columns: number) {
  const counts = ` {percentage}% | {value}/{total} ${unit} | {duration_formatted}`;
  const countsWidth = ` 100% | ${total}/${total} ${unit} | `.length + DURATION_WIDTH;
  const room = columns - 1 - countsWidth - 2;
  const isWide = room >= TITLE_WIDTH + BAR_WIDTH;
  const label = isWide ? title.padEnd(TITLE_WIDTH) : title;
  const barsize = Math.max(BAR_WIDTH_MIN, Math.min(BAR_WIDTH, room - label.length));
  return { format: `${label} {bar}${counts}`, barsize };
}

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
