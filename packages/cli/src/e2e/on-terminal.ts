/**
 * Runs a command on a pseudo terminal, by the `script` of Linux or macOS. Its input is what is typed.
 */
import { type ChildProcess, spawn } from "node:child_process";

/** Starts a command of a shell. Its stdout has all that the terminal shows; the exit code is that of the command. */
export function startOnTerminal(command: string, env: NodeJS.ProcessEnv): ChildProcess {
  const args =
    process.platform === "darwin"
      ? ["-q", "/dev/null", "sh", "-c", command]
      : ["-qefc", command, "/dev/null"];
  return spawn("script", args, {
    env: { TERM: "xterm-256color", ...env },
    stdio: ["pipe", "pipe", "inherit"],
  });
}
