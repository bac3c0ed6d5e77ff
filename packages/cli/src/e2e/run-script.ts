/**
 * Runs a script of `npx ferry …` commands in bash. A function in place of npx sends the words of each command to this process, which runs
 * it in the process of the other tests' commands: a process for each would take many times as long.
 */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { oneProcess } from "./one-process.ts";

const NPX = `npx() {
  shift
  exec 3<>"/dev/tcp/127.0.0.1/$COMMANDS_PORT"
  printf '%s\\0' "$@" '' >&3
  local code
  read -r code <&3
  cat <&3
  exec 3>&-
  return "$code"
}`;

/** Runs a script until one of its commands fails. `env` is the environment of ferry. `printed`: what failed, and all stderr. */
export async function runScript(
  script: string,
  env: NodeJS.ProcessEnv,
): Promise<{ error: Error | null; stdout: string; printed: string }> {
  const stderrs: string[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let words = "";
    socket.setEncoding("utf8").on("data", async (chunk: string) => {
      words += chunk;
      if (!words.endsWith("\0\0")) return;
      const { code, stdout, stderr } = await oneProcess().run(words.slice(0, -2).split("\0"), env);
      stderrs.push(stderr);
      socket.end(`${code}\n${stdout}`);
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const COMMANDS_PORT = String((server.address() as AddressInfo).port);
  return new Promise((resolve) => {
    const args = ["-euo", "pipefail", "-c", `${NPX}\n${script}`];
    execFile("bash", args, { env: { ...process.env, COMMANDS_PORT } }, (error, stdout, stderr) => {
      server.close();
      resolve({ error, stdout, printed: [stdout, stderr, ...stderrs].join("\n") });
    });
  });
}
