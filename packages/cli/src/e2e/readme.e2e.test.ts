/**
 * Runs exactly the commands of README's "Try it" against `ferry local --sample`, which is `npm run local -- --sample`.
 */
import { type ChildProcess, execFile } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, expect, test } from "vitest";
import { startLocal } from "./start-local.ts";

const root = path.join(import.meta.dirname, "../../../..");
let local: ChildProcess;
afterEach(async () => {
  local.kill("SIGTERM");
  const [code] = await once(local, "exit");
  expect(code).toBe(0);
});

test("every ferry command of README's Try it works, in its order", async () => {
  const readme = await readFile(path.join(root, "README.md"), "utf8");
  const [, script] = /with `--local`:\n\n```sh\n([\s\S]*?)```/.exec(readme)!;
  const started = await startLocal();
  local = started.host;
  const FERRY_LOCAL = started.endpoint;
  const ended = await new Promise<{ error: unknown; stdout: string; stderr: string }>((resolve) => {
    const env = { ...process.env, PATH: `${root}/node_modules/.bin:${process.env["PATH"]}`, FERRY_LOCAL };
    execFile("bash", ["-euo", "pipefail", "-c", script!], { cwd: root, env }, (error, stdout, stderr) =>
      resolve({ error, stdout, stderr }),
    );
  });
  expect(ended.error, `${ended.stdout}\n${ended.stderr}`).toBeNull();
  expect(ended.stdout).toMatch(/^succeeded: 5,000 items/m);
  expect(ended.stdout).toMatch(/^✓ cities-copy in eu-west-1: 5,000 items, all equal to the archive's$/m);
  expect(ended.stdout).toMatch(/cancell(ing|ed)$/m);
  expect(ended.stdout).toMatch(/attempt 2$/m);
});
