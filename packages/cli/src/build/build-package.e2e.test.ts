/**
 * The built package, unpacked from its tarball into an empty folder, beside links to the packages that it depends on and to no
 * others. npm would download and unpack the same versions, with ten times the CPU time.
 */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { findPackageJSON } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { commands } from "../commands/all.ts";
import { buildPackage, compilerVariables } from "./build-package.ts";

const root = path.join(import.meta.dirname, "../../../..");
let folder: string;
let app: string;

function run(command: string, args: readonly string[], cwd: string) {
  return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    const PATH = `${root}/node_modules/.bin:${process.env["PATH"]}`;
    execFile(
      command,
      args,
      { cwd, env: { ...process.env, ...compilerVariables, PATH } },
      (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });
}

const readManifest = async (directory: string) =>
  JSON.parse(await readFile(path.join(directory, "package.json"), "utf8")) as {
    version: string;
    bin: Record<string, string>;
    dependencies: Record<string, string>;
  };

/** Links a package that this repository has installed, which must have the version that the built package names. */
async function linkDependency([name, version]: [string, string]): Promise<void> {
  const installed = path.dirname(findPackageJSON(name, import.meta.url)!);
  expect({ name, version: (await readManifest(installed)).version }).toEqual({ name, version });
  const link = path.join(app, "node_modules", name);
  await mkdir(path.dirname(link), { recursive: true });
  await symlink(installed, link);
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "ferry-package-"));
  app = await mkdtemp(path.join(tmpdir(), "ferry-app-"));
  await buildPackage(folder);
  const packed = await run("npm", ["pack", "--silent", "--pack-destination", app], folder);
  expect(packed.code, packed.stderr).toBe(0);
  await writeFile(path.join(app, "package.json"), '{"private":true,"type":"module"}');
  const unpacked = path.join(app, "node_modules/@ferry/cli");
  await mkdir(unpacked, { recursive: true });
  const tar = ["-xf", packed.stdout.trim(), "--strip-components", "1", "-C", unpacked];
  expect(await run("tar", tar, app)).toMatchObject({ code: 0 });
  const { bin, dependencies } = await readManifest(unpacked);
  await mkdir(path.join(app, "node_modules/.bin"));
  await symlink(path.join(unpacked, bin["ferry"]!), path.join(app, "node_modules/.bin/ferry"));
  await Promise.all(Object.entries(dependencies).map(linkDependency));
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
    "--singleThreaded",
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
