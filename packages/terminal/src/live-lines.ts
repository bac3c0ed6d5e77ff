/**
 * Lines at the bottom of a terminal that are painted again with each change.
 */
import cliProgress, { MultiBar, Presets, type SingleBar } from "cli-progress";

export interface LiveLines {
  /** Replaces all lines. */
  show(lines: readonly string[]): void;
  /** Leaves the last lines on the screen, and shows the cursor again. */
  end(): void;
}

/** Opens live lines on a terminal. Each line should fit into its width. */
export function openLiveLines(stream: NodeJS.WriteStream): LiveLines {
  const view = new MultiBar({
    stream,
    hideCursor: true,
    emptyOnZero: true,
    format: (_options, _state, payload: { text?: string }) => payload.text ?? "",
  });
  const lines: SingleBar[] = [];
  // Lines that are painted hide the cursor and disable wrapping, so they must be ended however the process ends.
  const end = () => view.stop();
  process.once("exit", end);
  return {
    show(texts) {
      while (lines.length > texts.length) view.remove(lines.pop()!);
      texts.forEach((text, at) => {
        // A total that is never reached: the view would end with its last complete bar.
        lines[at] ??= view.create(2, 0, { text });
        lines[at].update(1, { text });
      });
      view.update();
    },
    end() {
      process.removeListener("exit", end);
      end();
    },
  };
}

const { barCompleteChar, barIncompleteChar } = Presets.shades_classic;

/** A bar of `width` characters. `fraction` is from 0 to 1. */
export function barOf(fraction: number, width: number): string {
  return cliProgress.Format.BarFormat(Math.min(1, Math.max(0, fraction)), {
    barsize: width,
    barGlue: "",
    barCompleteString: barCompleteChar!.repeat(width),
    barIncompleteString: barIncompleteChar!.repeat(width),
  });
}
