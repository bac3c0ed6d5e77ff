/**
 * What a program prints to a terminal, as the rows that a person sees at the end.
 */
import xterm from "@xterm/headless";

/** Neighbouring characters of one look. */
export interface TextRun {
  readonly column: number;
  readonly text: string;
  readonly bold: boolean;
  readonly dim: boolean;
  /** One of the terminal's 16 colours; absent: its default. */
  readonly colour?: number;
}

const SCROLLBACK_LINES = 1000;

/** Replays the output of a terminal of `columns` characters: bars that were painted again are there once. */
export async function screenOf(output: string, columns: number): Promise<readonly (readonly TextRun[])[]> {
  const terminal = new xterm.Terminal({
    cols: columns,
    rows: 50,
    scrollback: SCROLLBACK_LINES,
    allowProposedApi: true,
  });
  await new Promise<void>((resolve) => terminal.write(output, resolve));
  const { active } = terminal.buffer;
  const rows = Array.from({ length: active.length }, (_, y) => runsOf(active.getLine(y)!, columns));
  terminal.dispose();
  return rows.slice(0, rows.findLastIndex((runs) => runs.length > 0) + 1);
}

type Line = NonNullable<ReturnType<xterm.Terminal["buffer"]["active"]["getLine"]>>;

function runsOf(line: Line, columns: number): TextRun[] {
  const runs: TextRun[] = [];
  for (let column = 0; column < columns; column++) {
    const cell = line.getCell(column)!;
    if (!cell.isBgDefault() || cell.isFgRGB() || cell.isInverse() || cell.getWidth() !== 1)
      throw new Error(`The picture cannot show ${JSON.stringify(cell.getChars())}: extend screen.ts.`);
    const look = {
      bold: cell.isBold() !== 0,
      dim: cell.isDim() !== 0,
      ...(cell.isFgPalette() && { colour: cell.getFgColor() }),
    };
    const text = cell.getChars() || " ";
    const last = runs.at(-1);
    if (last?.bold === look.bold && last.dim === look.dim && last.colour === look.colour)
      runs[runs.length - 1] = { ...last, text: last.text + text };
    else runs.push({ column, text, ...look });
  }
  return runs.map((run) => ({ ...run, text: run.text.trimEnd() })).filter(({ text }) => text !== "");
}
