/**
 * How far it is: a bar on a terminal, plain lines elsewhere, nothing where only JSON is wanted. On stderr.
 */
import { Presets, SingleBar } from "cli-progress";

const LINE_EVERY_MS = 2000;

export interface Progress {
  say(line: string): void;
  /** Shows how far `run` is, of `total` items (or what `unit` calls them); returns what it returns. */
  track<T>(
    title: string,
    total: number,
    run: (at: (count: number) => void) => Promise<T>,
    unit?: string,
  ): Promise<T>;
}

export function openProgress(silent: boolean): Progress {
  if (silent) return { say() {}, track: (_, __, run) => run(() => {}) };
  return { say: (line) => console.error(line), track: process.stderr.isTTY ? bar : lines };
}

const bar: Progress["track"] = async (title, total, run, unit = "items") => {
  const format = `${title.padEnd(42)} {bar} {percentage}% | {value}/{total} ${unit} | {duration_formatted}`;
  const view = new SingleBar({ format, hideCursor: true, barsize: 24 }, Presets.shades_classic);
  // However the process ends: a bar that runs has hidden the cursor and turned the wrapping of lines off.
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
  let said = performance.now();
  console.error(`${title} …`);
  const started = said;
  const result = await run((count) => {
    if (performance.now() - said < LINE_EVERY_MS) return;
    said = performance.now();
    console.error(
      `  ${Math.min(count, total)} of ${total} ${unit} (${Math.floor((100 * Math.min(count, total)) / total)} %)`,
    );
  });
  console.error(`  ${total} ${unit} in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return result;
};
