/**
 * Runs the ferry command as a user does who installed it: as a process of its own, not on a terminal, from a bundle. one-process.ts runs
 * many in one.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { bundled, nodeArguments, nodeVariables } from "@ferry/terminal/testing/node-process";

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The environment of a command: none of the test's variables of AWS or Ferry. */
export function environmentOf(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return {
    ...nodeVariables(),
    HOME: "/nonexistent",
    AWS_EC2_METADATA_DISABLED: "true",
    ...env,
  };
}

/** Starts the command, from its bundle or another program. */
export function startFerry(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  program = bundled("cli/src/main"),
): ChildProcess {
  return spawn(process.execPath, [...nodeArguments, program, ...args], {
    env: environmentOf(env),
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** Resolves when a started command has ended. */
export async function endOf(child: ChildProcess): Promise<Ended> {
  const [stdout, stderr, code] = await Promise.all([
    text(child.stdout!),
    text(child.stderr!),
    new Promise<number | null>((resolve) => child.once("close", resolve)),
  ]);
  return { code, stdout, stderr };
}

export function runFerry(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  return endOf(startFerry(args, env));
}

/** The values that a command printed with --json. */
export function jsonLines<T>({ stdout }: Ended): T[] {
  return stdout
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as T);
}
