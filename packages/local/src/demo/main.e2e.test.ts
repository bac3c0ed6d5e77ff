import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";

const main = fileURLToPath(new URL("./main.ts", import.meta.url));

let folder: string;
let child: ChildProcess;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ferry demo "));
});
afterAll(() => rm(folder, { recursive: true }));
// The whole group: a test that fails must not leave its grandchildren.
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
    env: { PATH: process.env["PATH"], ...env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  return child;
}

/** Runs the demo to its end. */
async function run(...args: string[]) {
  const { stdout, stderr } = start([main, ...args]);
  const [out, said, [code]] = await Promise.all([text(stdout!), text(stderr!), once(child, "exit")]);
  return { out, said, code };
}

test("--json prints one line and nothing else, and the archive is there to look at", async () => {
  const { out, said, code } = await run("--items", "300", "--segments", "3", "--json");
  expect(said).toBe("");
  expect(code).toBe(0);
  expect(out.trimEnd().split("\n")).toHaveLength(1);
  const result = JSON.parse(out);
  expect(result).toMatchObject({ items: 300, scanned: 300, stored: 300, restored: 300, identical: true });
  expect(result.backup).toMatchObject({ state: "succeeded", "total-segments": 3, "transferred-items": 300 });
  expect(result.restore).toMatchObject({ state: "succeeded", "total-segments": 4, "transferred-items": 300 });
  const lines = gunzipSync(await readFile(join(result.archive, "0x0000/0x00000000.json.gz"))).toString();
  for (const line of lines.trimEnd().split("\n")) expect(Object.keys(JSON.parse(line))).toEqual(["Item"]);
});

test("the summary's commands work in a folder with a space in its name", async () => {
  const { out, code } = await run("--items", "20", "--segments", "1");
  expect(code).toBe(0);
  expect(out).toMatch(/identical: 20 items/);
  const [zcat, cat] = out.split("\n").flatMap((line) => (/^ {4}z?cat /.test(line) ? [line.trim()] : []));
  // Not every machine's zcat reads gzip.
  for (const command of [zcat!.replace("zcat", "gunzip -c"), cat!]) {
    const shell = spawn("sh", ["-c", command], { stdio: ["ignore", "pipe", "pipe"] });
    const [shown, complaint] = await Promise.all([text(shell.stdout), text(shell.stderr)]);
    expect(complaint).toBe("");
    expect(shown).toMatch(/^\{/);
  }
});

test.each([
  [["--items", "0"], "--items must be a whole number from 1 to"],
  [["--segments", "1000"], "--segments must be a whole number from 1 to 999"],
  [["--item", "5"], "--item"],
])("%j is refused with what was expected", async (args, complaint) => {
  const { out, said, code } = await run(...args);
  expect(code).toBe(2);
  expect(said).toContain(complaint);
  expect(out).toBe("");
});

test("--keep: the host stays up, and ends with what started it", async () => {
  const script = `require("node:child_process").spawn(${JSON.stringify(process.execPath)}, ${JSON.stringify([main, "--items", "1", "--json", "--keep"])}, { stdio: "inherit" })`;
  start(["-e", script], { npm_lifecycle_event: "demo" });
  let said = "";
  for await (const chunk of child.stderr!) {
    said += chunk;
    if (said.includes("Kept up")) break;
  }
  const [, endpoint] = /^export AWS_ENDPOINT_URL=(\S+)$/m.exec(said)!;
  const answers = () => fetch(endpoint!).then(Boolean, () => false);
  expect(await answers()).toBe(true);
  child.kill("SIGKILL");
  await expect.poll(answers).toBe(false);
});
