/**
 * The parser, built from the commands.
 */
import { Command, InvalidArgumentError, Option } from "commander";
import { type CommandSpec, type OptionDetails, optionsOf, sharedOptions } from "./command.ts";
import { commands } from "./commands/all.ts";
import { exitCodeMeanings, exitCodes } from "./exit-codes.ts";
import type { Input } from "./input.ts";

const ABOUT = "Backs up DynamoDB tables to S3 and restores them, with a stage of Ferry or the local host.";

/** The program. `act` receives the command that was called, and its input. It throws commander's errors instead of exiting. */
export function buildProgram(
  version: string,
  act: (command: CommandSpec, input: Input) => Promise<void>,
): Command {
  const program = new Command("ferry")
    .description(ABOUT)
    .version(version, "--version", "print the version")
    .helpOption("--help", "print this text")
    .helpCommand(false)
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .addHelpText(
      "after",
      `\n${exitCodeHelp()}\n\n\`ferry COMMAND --help\` has a command's options and examples.`,
    );
  for (const spec of commands) addCommand(program, spec, act);
  return program;
}

function addCommand(
  program: Command,
  spec: CommandSpec,
  act: (command: CommandSpec, input: Input) => Promise<void>,
): void {
  const command = program
    .command(spec.name)
    .summary(spec.summary)
    .description(spec.description === undefined ? spec.summary : `${spec.summary}\n\n${spec.description}`)
    .addHelpText("after", examplesOf(spec));
  for (const [name, description] of Object.entries(spec.arguments))
    command.argument(`<${name}>`, description);
  for (const option of optionsOf(spec.options)) command.addOption(optionOf(option));
  for (const option of optionsOf(sharedOptions(spec)))
    command.addOption(optionOf(option).helpGroup("Common options:"));
  command.action(() => act(spec, { arguments: command.args, options: command.opts() }));
}

function optionOf([flags, details]: [flags: string, details: OptionDetails]): Option {
  const { description, choices, fallback, repeatable = false } = details;
  const option = new Option(
    flags,
    fallback === undefined ? description : `${description} (default: ${fallback})`,
  );
  if (choices !== undefined) option.choices([...choices]);
  // A parser of its own replaces the one that checks the choices.
  if (repeatable)
    option.argParser((value: string, before: string[] = []) => {
      if (choices !== undefined && !choices.includes(value))
        throw new InvalidArgumentError(`Allowed choices are ${choices.join(", ")}.`);
      return [...before, value];
    });
  return option;
}

function examplesOf({ examples }: CommandSpec): string {
  const lines = Object.entries(examples).map(([command, about]) => `  # ${about}\n  ${command}`);
  return `\nExamples:\n${lines.join("\n")}`;
}

function exitCodeHelp(): string {
  const lines = Object.entries(exitCodeMeanings).map(
    ([name, meaning]) => `  ${String(exitCodes[name as keyof typeof exitCodes]).padEnd(5)}${meaning}`,
  );
  return `Exit codes:\n${lines.join("\n")}`;
}
