import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { nodeVariables } from "@ferry/terminal/testing/node-process";
import { expect, test } from "vitest";
import { commands } from "./commands/all.ts";

const main = path.join(import.meta.dirname, "main.ts");

function run(args: readonly string[], nodeOptions: readonly string[] = [], more: NodeJS.ProcessEnv = {}) {
  return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    const env = {
      ...nodeVariables(),
      HOME: "/nonexistent",
      AWS_EC2_METADATA_DISABLED: "true",
      ...more,
    };
    execFile(process.execPath, [...nodeOptions, main, ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });
}

test("--help lists every command and the exit codes", async () => {
  const { code, stdout } = await run(["--help"]);
  expect(code).toBe(0);
  for (const { name, summary } of commands) {
    expect(stdout).toMatch(new RegExp(`^ {2}${name}\\b`, "m"));
    expect(stdout.replaceAll(/\s+/g, " ")).toContain(summary);
  }
  expect(stdout).toMatch(/^ {2}5 {4}refused/m);
});

test.each([[["--help"]], [["backup", "--help"]], [["--version"]]])(
  "%j loads the descriptions of the commands and commander, and nothing else that takes time",
  async (args) => {
    const hook = `import { registerHooks } from "node:module";
      registerHooks({ load: (url, context, next) => (console.error("loaded " + url), next(url, context)) });`;
    const { stderr } = await run(args, [`--import=data:text/javascript,${encodeURIComponent(hook)}`]);
    const loaded = [...stderr.matchAll(/^loaded file:(.*)$/gm)].map(([, file]) => file!);
    const packages = loaded.map((file) => /.*\/node_modules\/([^/]+)\//.exec(file)?.[1]);
    expect([...new Set(packages)]).toEqual([undefined, "commander"]);
    const own = loaded
      .filter((file) => !file.includes("/node_modules/"))
      .map((file) => /.*\/packages\/(.*)$/.exec(file)![1]!);
    expect(own).toContain("cli/src/commands/backup.ts");
    const others = [
      "main",
      "command-line",
      "program",
      "command",
      "exit-codes",
      "report-error",
      "pasteable",
      "version",
    ];
    expect(
      own.filter(
        (file) =>
          !file.startsWith("cli/src/commands/") && !others.some((name) => file === `cli/src/${name}.ts`),
      ),
    ).toEqual([]);
  },
);

test("compiled modules are kept for the next start", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "ferry-cache-"));
  await run(["--version"], [], { TMPDIR: folder, NODE_COMPILE_CACHE: undefined });
  expect(
    (await readdir(path.join(folder, "node-compile-cache"), { recursive: true })).length,
  ).toBeGreaterThan(5);
  await rm(folder, { recursive: true });
});

test("--version prints the version", async () => {
  const { version } = JSON.parse(readFileSync(path.join(import.meta.dirname, "../package.json"), "utf8"));
  expect((await run(["--version"])).stdout).toBe(`${version}\n`);
});

test("without a command it prints the help, with the code for a wrong call", async () => {
  expect(await run([])).toMatchObject({ code: 2, stdout: expect.stringContaining("Usage: ferry") });
});

test("a shell's completion script is printed, and the words that it asks for", async () => {
  expect((await run(["completion", "bash"])).stdout).toContain("ferry complete -- ");
  expect((await run(["complete", "--", "arch"])).stdout).toMatch(/^archives\b/m);
  // A line for each command, with one line of description: the last one is for the shell.
  const lines = (await run(["complete", "--", ""])).stdout.trimEnd().split("\n");
  expect(lines.slice(0, -1)).toEqual(commands.map(({ name, summary }) => `${name}\t${summary}`));
  expect(lines.at(-1)).toMatch(/^:\d+$/);
  expect((await run(["complete", "--", "backup", "--cons"])).stdout).toMatch(/^--consistent-read\b/m);
});
