import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";

const main = fileURLToPath(new URL("./main.ts", import.meta.url));

let folder: string;
let child: ChildProcess;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ferry demo "));
});
afterAll(() => rm(folder, { recursive: true }));
// Kill the whole process group, so that a failed test leaves no grandchild.
afterEach(() => {
  try {
    process.kill(-child.pid!, "SIGKILL");
  } catch (error) {
    expect(error).toHaveProperty("code", "ESRCH");
  }
});

function start(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  child = spawn(process.execPath, args, {
    cwd: folder,
    env: { PATH: process.env["PATH"], NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"], ...env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  return child;
}

/** Runs the demo to its end. other-engines.e2e.test.ts runs it with --json. */
async function run(...args: string[]) {
  const { stdout, stderr: errors } = start([main, ...args]);
  const [out, stderr, [code]] = await Promise.all([text(stdout!), text(errors!), once(child, "exit")]);
  return { out, stderr, code };
}

test("an engine that cannot be used is refused in one line", async () => {
  const { out, stderr, code } = await run("--s3", "http://127.0.0.1:1");
  expect([out, code]).toEqual(["", 1]);
  expect(stderr).toBe(
    "ferry demo: --s3: http://127.0.0.1:1/ cannot be reached (ECONNREFUSED): start the engine first\n",
  );
});

test.each([
  [["--items", "0"], "argument '0' is invalid. It must be a whole number from 1 to"],
  [["--segments", "1000"], "It must be a whole number from 1 to 999: got 1000"],
  [["--item", "5"], "--item"],
])("%j is refused, with a message that names what was expected", async (args, message) => {
  const { out, stderr, code } = await run(...args);
  expect(code).toBe(2);
  expect(stderr).toContain(message);
  expect(out).toBe("");
});

test("given --keep, the summary's and the banner's commands work, in a folder with a space in its name, and the host ends with the process that started it", async () => {
  const args = [main, "--items", "20", "--segments", "1", "--keep"];
  const script = `require("node:child_process").spawn(${JSON.stringify(process.execPath)}, ${JSON.stringify(args)}, { stdio: "inherit" })`;
  start(["-e", script], { npm_lifecycle_event: "demo" });
  let out = "";
  child.stdout!.on("data", (chunk) => {
    out += chunk;
  });
  let stderr = "";
  for await (const chunk of child.stderr!) {
    stderr += chunk;
    if (stderr.includes("Still running")) break;
  }
  await expect.poll(() => out).toMatch(/identical: 20 items[\s\S]* {4}cat .*\n/);
  const [zcat, cat] = out.split("\n").flatMap((line) => (/^ {4}z?cat /.test(line) ? [line.trim()] : []));
  // The zcat of some systems does not read gzip.
  for (const command of [zcat!.replace("zcat", "gunzip -c"), cat!]) {
    const shell = spawn("sh", ["-c", command], { stdio: ["ignore", "pipe", "pipe"] });
    const [output, errors] = await Promise.all([text(shell.stdout), text(shell.stderr)]);
    expect(errors).toBe("");
    expect(output).toMatch(/^\{/);
  }

  const [, endpoint] = /^export AWS_ENDPOINT_URL=(\S+)$/m.exec(stderr)!;
  const answers = () => fetch(endpoint!).then(Boolean, () => false);
  expect(await answers()).toBe(true);
  // The commands that it prints work on its own tables.
  const commands = [...stderr.matchAll(/^# {3}(npx ferry .*)$/gm)].map(([, command]) => command!);
  expect(commands).toHaveLength(8);
  expect(commands.filter((command) => command.includes("cities-copy"))).toHaveLength(2);
  const root = fileURLToPath(new URL("../../../..", import.meta.url));
  const env = {
    ...process.env,
    PATH: `${join(root, "node_modules/.bin")}:${process.env["PATH"]}`,
    FERRY_LOCAL: endpoint,
  };
  // npx takes as long to start as ferry itself; readme.e2e.test.ts runs the real one.
  const shell = spawn("bash", ["-euc", ['npx() { "$@"; }', ...commands].join("\n")], {
    cwd: root,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [printed, errors, [code]] = await Promise.all([
    text(shell.stdout),
    text(shell.stderr),
    once(shell, "exit"),
  ]);
  expect(code, errors).toBe(0);
  expect(printed).toMatch(/^✓ cities-copy in eu-west-1: 20 items, all equal to the archive's$/m);
  child.kill("SIGKILL");
  await expect.poll(answers).toBe(false);
});
