/**
 * Where commands print: results to stdout, everything else to stderr, with `--json` only JSON.
 */
import { styleText } from "node:util";

type Style = Parameters<typeof styleText>[0];

export interface Output {
  readonly json: boolean;
  /** The width of the terminal, characters; undefined if stdout is not one. */
  readonly width: number | undefined;
  /** A line of the result. Not with --json. */
  line(text?: string): void;
  /** A result as one line of JSON. Only with --json. */
  value(value: unknown): void;
  /** A remark for a person, on stderr. Not with --json. */
  note(text: string): void;
  /** The text in a colour, if stdout is a terminal and NO_COLOR is not set. */
  styled(style: Style, text: string): string;
}

/** `complete` makes the commands in a text such that they can be pasted. */
export function openOutput(json: boolean, complete: (text: string) => string): Output {
  return {
    json,
    width: process.stdout.isTTY ? process.stdout.columns : undefined,
    line: (text = "") => {
      if (!json) process.stdout.write(`${complete(text)}\n`);
    },
    value: (value) => {
      if (json) process.stdout.write(`${JSON.stringify(value)}\n`);
    },
    note: (text) => {
      if (!json) process.stderr.write(`${complete(text)}\n`);
    },
    styled: (style, text) => styleText(style, text, { stream: process.stdout }),
  };
}
