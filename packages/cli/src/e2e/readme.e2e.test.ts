/**
 * Runs exactly the commands of README's "Try it" against `ferry local --sample`, which is `npm run local -- --sample`.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, expect, test } from "vitest";
import { runScript } from "./run-script.ts";
import { startLocal } from "./start-local.ts";

const root = path.join(import.meta.dirname, "../../../..");
let local: ChildProcess;
afterEach(async () => {
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
  const env = { ...process.env, PATH: `${root}/node_modules/.bin:${process.env["PATH"]}`, FERRY_LOCAL };
  // By the real npx. As on a terminal, Ctrl-C goes to npx and to ferry: to the whole group of processes.
  const following = spawn("bash", ["-c", events!], {
    cwd: root,
    env,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const followed = Promise.all([text(following.stdout), once(following, "exit")]);
  await once(following.stderr, "data");
  const ended = await runScript(`${script}\n${doctor}`, { FERRY_LOCAL });
  process.kill(-following.pid!, "SIGINT");
  const [lines] = await followed;
  expect(ended.error, ended.printed).toBeNull();
  expect(ended.stdout).toMatch(/^succeeded: 3,000 items/m);
  expect(ended.stdout).toMatch(/^✓ cities-copy in eu-west-1: 3,000 items, all equal to the archive's$/m);
  expect(ended.stdout).toMatch(/cancell(ing|ed)$/m);
  expect(ended.stdout).toMatch(/attempt 2$/m);
  expect(ended.stdout).toMatch(/^✓ credentials/m);
  for (const type of ["TaskRequested", "TaskSucceeded", "TaskCancelRequested", "TaskRetryRequested"])
    expect(lines).toMatch(new RegExp(`  ${type} +\\S+  backup`));
});
