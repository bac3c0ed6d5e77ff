/**
 * A terminal's screen as SVG.
 */
import type { TextRun } from "./screen.ts";

const CELL = 8.4;
const ROW = 19;
const LEFT = 16;
const TOP = 44;
/** The 16 colours, light enough for the dark background. */
const COLOURS = [
  ..."#484f58 #ff7b72 #3fb950 #d29922 #58a6ff #bc8cff #39c5cf #b1bac4".split(" "),
  ..."#6e7681 #ffa198 #56d364 #e3b341 #79c0ff #d2a8ff #56d4dd #f0f6fc".split(" "),
];

/** Draws the rows in a window of `columns` characters. */
export function svgOf(rows: readonly (readonly TextRun[])[], columns: number, title: string): string {
  const width = Math.ceil(2 * LEFT + columns * CELL);
  const height = TOP + rows.length * ROW + 8;
  const texts = rows.flatMap((runs, y) => runs.map((run) => textOf(run, TOP + y * ROW + 13)));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14" fill="#e6edf3">
<title>${escaped(title)}</title>
<rect width="${width}" height="${height}" rx="8" fill="#161b22"/>
<circle cx="22" cy="20" r="6" fill="#ff5f57"/><circle cx="42" cy="20" r="6" fill="#febc2e"/><circle cx="62" cy="20" r="6" fill="#28c840"/>
${texts.join("\n")}
</svg>
`;
}

/** One run. `textLength` keeps the columns in line in any font. */
function textOf({ column, text, bold, dim, colour }: TextRun, y: number): string {
  const indent = text.length - text.trimStart().length;
  const x = LEFT + (column + indent) * CELL;
  const length = (text.length - indent) * CELL;
  const look = [
    colour === undefined ? "" : ` fill="${COLOURS[colour]}"`,
    bold ? ' font-weight="bold"' : "",
    dim ? ' opacity="0.6"' : "",
  ].join("");
  return `<text x="${x.toFixed(1)}" y="${y}" textLength="${length.toFixed(1)}" lengthAdjust="spacingAndGlyphs" xml:space="preserve"${look}>${escaped(text.trimStart())}</text>`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
