/**
 * Runs exactly the commands of README's "Try it" against `ferry local --sample`, which is `npm run local -- --sample`.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { type AddressInfo, createServer, type Server } from "node:net";
import path from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, expect, test } from "vitest";
import { oneProcess } from "./one-process.ts";
import { startLocal } from "./start-local.ts";

const root = path.join(import.meta.dirname, "../../../..");
/**
 * In the shell, `npx ferry …` sends its words to this process, which runs them with those of other tests: a process for each takes many
 * times as long. `ferry events` is run by the real npx.
 */
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

/** Runs the commands that are sent to a free port. Their stderr is kept. */
async function serveCommands(env: NodeJS.ProcessEnv) {
  const stderr: string[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let sent = "";
    socket.setEncoding("utf8").on("data", async (chunk: string) => {
      sent += chunk;
      if (!sent.endsWith("\0\0")) return;
      const ended = await oneProcess().run(sent.slice(0, -2).split("\0"), env);
      stderr.push(ended.stderr);
      socket.end(`${ended.code}\n${ended.stdout}`);
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return { server, port: (server.address() as AddressInfo).port, stderr };
}

let local: ChildProcess;
let commands: Server;
afterEach(async () => {
  commands.close();
  local.kill("SIGTERM");
  const [code] = await once(local, "exit");
  expect(code).toBe(0);
});

test("every ferry command of README's Try it works, in its order, and ferry events shows the tasks", async () => {
  const readme = await readFile(path.join(root, "README.md"), "utf8");
  const [, script] = /with `--local`:\n\n```sh\n([\s\S]*?)```/.exec(readme)!;
  const [, events, doctor] = /`(npx ferry events[^`]*)`[\s\S]*?`(npx ferry doctor[^`]*)`/.exec(readme)!;
  const started = await startLocal();
  local = started.host;
  const FERRY_LOCAL = started.endpoint;
  const served = await serveCommands({ FERRY_LOCAL });
  commands = served.server;
  const env = {
    ...process.env,
    PATH: `${root}/node_modules/.bin:${process.env["PATH"]}`,
    FERRY_LOCAL,
    COMMANDS_PORT: String(served.port),
  };
  // As on a terminal, Ctrl-C goes to npx and to ferry: to the whole group of processes.
  const following = spawn("bash", ["-c", events!], {
    cwd: root,
    env,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const followed = Promise.all([text(following.stdout), once(following, "exit")]);
  await once(following.stderr, "data");
  const ended = await new Promise<{ error: unknown; stdout: string; stderr: string }>((resolve) => {
    execFile(
      "bash",
      ["-euo", "pipefail", "-c", `${NPX}\n${script}\n${doctor}`],
      { cwd: root, env },
      (error, stdout, stderr) => resolve({ error, stdout, stderr }),
    );
  });
  process.kill(-following.pid!, "SIGINT");
  const [lines] = await followed;
  expect(ended.error, `${ended.stdout}\n${ended.stderr}\n${served.stderr.join("")}`).toBeNull();
  expect(ended.stdout).toMatch(/^succeeded: 5,000 items/m);
  expect(ended.stdout).toMatch(/^✓ cities-copy in eu-west-1: 5,000 items, all equal to the archive's$/m);
  expect(ended.stdout).toMatch(/cancell(ing|ed)$/m);
  expect(ended.stdout).toMatch(/attempt 2$/m);
  expect(ended.stdout).toMatch(/^✓ credentials/m);
  for (const type of ["TaskRequested", "TaskSucceeded", "TaskCancelRequested", "TaskRetryRequested"])
    expect(lines).toMatch(new RegExp(`  ${type} +\\S+  backup`));
});
