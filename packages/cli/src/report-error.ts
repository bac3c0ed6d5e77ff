/**
 * Errors as one or two lines on stderr, or as JSON with --json.
 */
import { styleText } from "node:util";
import type { ClientError } from "@ferry/client/client-error";
import type { Command } from "commander";
import { type ExitCode, exitCodeOfGroup, exitCodes } from "./exit-codes.ts";
import type { Input } from "./input.ts";
import { pasteable } from "./pasteable.ts";

/** Prints an error of a command, named as in `ferry backup`, and returns the exit code for it. */
export function reportError(error: unknown, command: string, input: Input, program: Command): ExitCode {
  const { json, debug, profile } = input.options;
  const { code, message, exitCode, ...found } = readable(error);
  // The SDK does not say that a profile is missing.
  const hint =
    code === "no-credentials" && typeof profile === "string"
      ? `The profile ${profile} has none, or does not exist: \`aws configure list-profiles\` lists yours, \`aws sso login --profile ${profile}\` signs in.`
      : found.hint;
  if (json === true) console.error(JSON.stringify({ error: { code, message, hint } }));
  else {
    console.error(`${styleText("red", `${command}:`, { stream: process.stderr })} ${message}`);
    if (hint !== "") console.error(pasteable(hint, input, program, process.env));
  }
  if (debug === true) console.error(error instanceof Error ? stackOf(error) : String(error));
  return exitCode;
}

function readable(error: unknown) {
  // Not by its class: importing that would load the SDK for every error of the parser.
  if (error instanceof Error && error.name === "ClientError") {
    const { code, message, hint, group } = error as ClientError;
    return { code, message, hint, exitCode: exitCodeOfGroup[group] };
  }
  const message = error instanceof Error ? error.message : String(error);
  return {
    code: "unexpected",
    message,
    hint: "This is a fault of ferry. Run it again with --debug, and report the stack trace.",
    exitCode: exitCodes.failed,
  };
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by: ${stackOf(error.cause)}` : "";
  return `${error.stack}${cause}`;
}
