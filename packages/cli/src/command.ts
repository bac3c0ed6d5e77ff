/**
 * What a command is: its name, arguments, options and examples as data. The parser, the help, docs/cli.md and the shell
 * completion are made from it.
 */
import type { Context } from "./context.ts";
import type { ExitCode } from "./exit-codes.ts";
import type { Input } from "./input.ts";

export interface OptionDetails {
  readonly description: string;
  readonly choices?: readonly string[];
  /** The default, as text for the help. */
  readonly fallback?: string;
  /** May be given more than once. */
  readonly repeatable?: boolean;
}

/** Options by their flags, as commander writes them: `--limit <N>`, `--json`. A text is a description without other details. */
export type OptionSpecs = Readonly<Record<string, string | OptionDetails>>;

/** The options with their details. */
export function optionsOf(specs: OptionSpecs): [flags: string, details: OptionDetails][] {
  return Object.entries(specs).map(([flags, details]) => [
    flags,
    typeof details === "string" ? { description: details } : details,
  ]);
}

/** Runs a command. Resolves with the exit code; nothing means 0. */
export type RunCommand = (input: Input, context: Context) => Promise<ExitCode | undefined>;

export interface CommandSpec {
  readonly name: string;
  /** One line, for the list of commands. */
  readonly summary: string;
  /** More about it, for its own help; may be absent. */
  readonly description?: string;
  /** Their descriptions by their names, in capitals as in `ferry backup TABLE`. */
  readonly arguments: Readonly<Record<string, string>>;
  readonly options: OptionSpecs;
  /** What each command is for. */
  readonly examples: Readonly<Record<string, string>>;
  /** What it talks to: a stage, only AWS's own services, or nothing. It decides which global options it has. */
  readonly uses: "stage" | "aws" | "nothing";
  /** The shape of what it prints with --json. Absent: it has no --json. */
  readonly json?: string;
  /** Loads what it does. */
  readonly load: () => Promise<{ readonly run: RunCommand }>;
}

const access: OptionSpecs = {
  "--local": "use the local host that `npm run local` runs, in place of AWS (FERRY_LOCAL: its URL)",
  "--region <REGION>": "the region of the stage, and the default of tables and buckets (AWS_REGION)",
  "--profile <NAME>": "a profile of the AWS configuration (AWS_PROFILE)",
};

/** The options that a command shares with others. */
export function sharedOptions(command: CommandSpec): OptionSpecs {
  return {
    ...(command.uses === "stage" && { "--stage <NAME>": "the stage of Ferry (FERRY_STAGE)" }),
    ...(command.uses !== "nothing" && access),
    ...(command.json !== undefined && { "--json": "print JSON for programs; errors are JSON on stderr" }),
    "--debug": "print stack traces",
  };
}
