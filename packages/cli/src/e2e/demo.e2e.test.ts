/**
 * The commands that `npm run demo -- --keep` prints.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { bundled, nodeArguments, nodeVariables } from "@ferry/terminal/testing/node-process";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { runScript } from "./run-script.ts";

let folder: string;
let child: ChildProcess;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "ferry demo "));
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

test("given --keep, the summary's and the banner's commands work, in a folder with a space in its name, and the host ends with the process that started it", async () => {
  const args = [
    ...nodeArguments,
    bundled("local/src/demo/main"),
    "--items",
    "20",
    "--segments",
    "1",
    "--keep",
  ];
  const script = `require("node:child_process").spawn(${JSON.stringify(process.execPath)}, ${JSON.stringify(args)}, { stdio: "inherit" })`;
  child = spawn(process.execPath, ["-e", script], {
    cwd: folder,
    env: { ...nodeVariables(), npm_lifecycle_event: "demo" },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
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
  const { error, stdout, printed } = await runScript(commands.join("\n"), { FERRY_LOCAL: endpoint });
  expect(error, printed).toBeNull();
  expect(stdout).toMatch(/^✓ cities-copy in eu-west-1: 20 items, all equal to the archive's$/m);
  child.kill("SIGKILL");
  await expect.poll(answers).toBe(false);
});
