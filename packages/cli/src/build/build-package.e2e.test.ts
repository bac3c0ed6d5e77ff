/**
 * The built package, installed from its tarball into an empty folder.
 */
import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { commands } from "../commands/all.ts";
import { buildPackage } from "./build-package.ts";

const root = path.join(import.meta.dirname, "../../../..");
let folder: string;
let app: string;

function run(command: string, args: readonly string[], cwd: string) {
  return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    const PATH = `${root}/node_modules/.bin:${process.env["PATH"]}`;
    execFile(command, args, { cwd, env: { ...process.env, PATH } }, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "ferry-package-"));
  app = await mkdtemp(path.join(tmpdir(), "ferry-app-"));
  await buildPackage(folder);
  const packed = await run("npm", ["pack", "--silent", "--pack-destination", app], folder);
  expect(packed.code, packed.stderr).toBe(0);
  await writeFile(path.join(app, "package.json"), '{"private":true,"type":"module"}');
  const installed = await run(
    "npm",
    ["install", "--no-audit", "--no-fund", `./${packed.stdout.trim()}`],
    app,
  );
  expect(installed.code, installed.stderr).toBe(0);
});
afterAll(async () => {
  await rm(folder, { recursive: true });
  await rm(app, { recursive: true });
});

const ferry = (...args: string[]) => run(path.join(app, "node_modules/.bin/ferry"), args, app);

test("the installed command prints its help, with every command except local", async () => {
  const { code, stdout } = await ferry("--help");
  expect(code).toBe(0);
  const listed = commands
    .map(({ name }) => name)
    .filter((name) => new RegExp(`^ {2}${name}\\b`, "m").test(stdout));
  expect(listed).toEqual(commands.map(({ name }) => name).filter((name) => name !== "local"));
});

test("the installed command has the version, and runs a command that needs the SDK", async () => {
  expect((await ferry("--version")).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  const listed = await ferry("tasks", "--stage", "a b", "--region", "us-east-1");
  expect(listed).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("--stage must be the name of a stage"),
  });
});

test("none of Ferry's packages, and no source, is installed", async () => {
  expect(await readdir(path.join(app, "node_modules/@ferry"))).toEqual(["cli"]);
  const files = await readdir(path.join(app, "node_modules/@ferry/cli"), { recursive: true });
  expect(files.filter((file) => file.endsWith(".ts") && !file.endsWith(".d.ts"))).toEqual([]);
});

test("the library can be imported, and its types hold", async () => {
  await writeFile(
    path.join(app, "use.ts"),
    `import { type Ferry, openFerry } from "@ferry/cli";
     import { parseS3Url } from "@ferry/cli/s3-url";
     const ferry: Ferry = await openFerry({ stage: "production", region: "us-east-1" });
     const bus: string = ferry.stage.bus;
     const { prefix } = parseS3Url("s3://archives/a");
     console.log(bus, prefix);
     // @ts-expect-error: the types are not any.
     ferry.backup({ "table-name": 1 }) satisfies number;
    `,
  );
  const options = [
    "--module",
    "NodeNext",
    "--strict",
    "--skipLibCheck",
    "--noEmit",
    "--target",
    "ES2024",
    "--types",
    "",
  ];
  const checked = await run("tsc", [...options, "use.ts"], app);
  expect(checked.code, checked.stdout).toBe(0);
  const script = `import { openFerry } from "@ferry/cli";
    console.log((await openFerry({ stage: "production", region: "us-east-1" })).stage.bus);`;
  expect((await run("node", ["--input-type=module", "-e", script], app)).stdout).toBe("ferry-production\n");
});
