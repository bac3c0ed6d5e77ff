/**
 * Runs a command on a pseudo terminal, by the `script` of Linux or macOS. Its input is what is typed.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { bundled, nodeArguments, nodeVariables } from "@ferry/terminal/testing/node-process";

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

/**
 * Runs ferry with these words on a terminal, types `types` when the terminal shows `at`, and returns the exit code and what the terminal
 * showed, with its colours.
 */
export async function runOnTerminal(
  words: readonly string[],
  { at, types, env }: { at?: string; types?: string; env: NodeJS.ProcessEnv },
): Promise<{ code: number | null; shown: string }> {
  const command = [process.execPath, ...nodeArguments, bundled("cli/src/main"), ...words]
    .map((word) => `'${word}'`)
    .join(" ");
  const terminal = startOnTerminal(`stty cols 80 rows 40; ${command}`, {
    ...nodeVariables(),
    HOME: "/nonexistent",
    ...env,
  });
  let shown = "";
  let isTyped = at === undefined;
  terminal.stdout!.setEncoding("utf8").on("data", (chunk: string) => {
    shown += chunk;
    if (isTyped || !shown.includes(at!)) return;
    isTyped = true;
    terminal.stdin!.write(types!);
  });
  const [code] = (await once(terminal, "close")) as [number | null];
  return { code, shown: shown.replaceAll("\r", "") };
}
