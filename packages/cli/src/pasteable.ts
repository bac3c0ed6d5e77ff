/**
 * The commands in ferry's messages, such as `ferry watch ID`, as a person can paste them: with the options by which the present command
 * found its stage and its credentials, and with npx if that ran it.
 */
import type { Command } from "commander";
import type { Input } from "./input.ts";

/** The options that a printed command takes over from the present one, if it has them. */
const TAKEN_OVER = ["local", "stage", "region", "profile"] as const;

/** A command between backticks; its words contain none. */
const COMMAND = /`ferry ([a-z]+)([^`]*)`/g;

/** The text with each command in backticks completed. `program` has their options; `env` is that of this process. */
export function pasteable(
  text: string,
  { options }: Pick<Input, "options">,
  program: Command,
  env: NodeJS.ProcessEnv,
): string {
  return text.replace(COMMAND, (_, name: string, rest: string) => {
    const known = program.commands.find((command) => command.name() === name)?.options ?? [];
    const added = rest.includes("--help")
      ? []
      : TAKEN_OVER.flatMap((option) => {
          const value = options[option];
          if (value === undefined || value === false || !known.some(({ long }) => long === `--${option}`))
            return [];
          return value === true ? [`--${option}`] : [`--${option}`, shellWord(String(value))];
        });
    // npm sets it for `npx ferry`.
    const ferry = env["npm_command"] === "exec" ? "npx ferry" : "ferry";
    return `\`${[`${ferry} ${name}${rest}`, ...added].join(" ")}\``;
  });
}

/** A command in backticks, with its words quoted for a shell. */
export function commandText(...words: readonly string[]): string {
  return `\`ferry ${words.map(shellWord).join(" ")}\``;
}

/** One word of a shell's command line. */
function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
