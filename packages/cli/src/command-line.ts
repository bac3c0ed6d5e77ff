/**
 * Runs the command line: parses it, loads the command that it names, and turns errors into an exit code.
 */
import { type Command, CommanderError } from "commander";
import type { CommandSpec } from "./command.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import type { Input } from "./input.ts";
import { pasteable } from "./pasteable.ts";
import { buildProgram } from "./program.ts";
import { reportError } from "./report-error.ts";
import { version } from "./version.ts";

// The reader of a pipe, such as `head`, may close it.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? exitCodes.done : exitCodes.failed);
});

/** Runs the command that `args` name. Resolves with the exit code. */
export async function runCommandLine(args: readonly string[]): Promise<ExitCode> {
  let exitCode: ExitCode = exitCodes.done;
  const program = buildProgram(version(), async (command, input) => {
    exitCode = await runCommand(command, input, program);
  });
  if (args[0] === "complete") {
    const { completerOf } = await import("./complete.ts");
    completerOf(program).parse(args.slice(args.indexOf("--") + 1));
    return exitCodes.done;
  }
  if (args.length === 0) {
    program.outputHelp();
    return exitCodes.usage;
  }
  try {
    await program.parseAsync(args, { from: "user" });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return exitCodes.done;
    return reportUsage(error, args, program);
  }
}

async function runCommand(command: CommandSpec, input: Input, program: Command): Promise<ExitCode> {
  try {
    const [{ run }, { contextOf }] = await Promise.all([command.load(), import("./context.ts")]);
    return (await run(input, contextOf(input, process.env, program))) ?? exitCodes.done;
  } catch (error) {
    return reportError(error, `ferry ${command.name}`, input, program);
  }
}

/** Commander's message begins with `error: ` and may have a suggestion in its second line. */
function reportUsage(error: CommanderError, args: readonly string[], program: Command): ExitCode {
  const [message = "", suggestion] = error.message.replace(/^error: /, "").split("\n");
  const command = args.find((arg) => !arg.startsWith("-"));
  const isKnown = command !== undefined && error.code !== "commander.unknownCommand";
  const name = isKnown ? `ferry ${command}` : "ferry";
  const hint = suggestion?.replace(/^\((.*)\)$/, "$1") ?? `\`${name} --help\` lists what it takes.`;
  if (args.includes("--json")) console.error(JSON.stringify({ error: { code: "usage", message, hint } }));
  else
    console.error(
      `${name}: ${message.replace(/\.$/, "")}.\n${pasteable(hint, { options: {} }, program, process.env)}`,
    );
  return exitCodes.usage;
}
