/**
 * The shell completion. A shell's script calls `ferry complete -- WORDS`, which command-line.ts passes on to it.
 */
import tab from "@bomb.sh/tab/commander";
import type { Command } from "commander";

/** The completion of a program's commands and options. It adds commands of its own to the program. */
export function completerOf(program: Command): ReturnType<typeof tab> {
  // It prints a line for each command; a description has several.
  for (const command of program.commands) command.description(command.summary());
  const completer = tab(program);
  // The command of the shells' scripts is not for people.
  completer.commands.delete("complete");
  return completer;
}
