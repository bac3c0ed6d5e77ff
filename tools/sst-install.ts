// Unpacks SST's component sources and types into .sst/platform: what synth and the types of stacks/ are made from.
// Needs the npm registry alone: no cloud account, no Pulumi. Quick when it is there already.
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const root = dirname(import.meta.dirname);
const platform = join(root, ".sst/platform");

/** Whether .sst/platform is whole and of the SST version that package.json pins. */
function unpacked(): boolean {
  const wanted = JSON.parse(readFileSync(join(root, "node_modules/sst/package.json"), "utf8")).version;
  const there = ["version", "config.d.ts", "node_modules/@pulumi/aws/package.json"];
  return (
    there.every((file) => existsSync(join(platform, file))) &&
    existsSync(join(root, ".sst/provider-lock.json")) &&
    readFileSync(join(platform, "version"), "utf8").trim() === wanted
  );
}

/** Runs SST's own installer and gives what it wrote, should it have failed. */
function install(): Promise<{ code: number | null; said: string }> {
  const installer = spawn(join(root, "node_modules/.bin/sst"), ["install", "--stage", "synth"], {
    cwd: root,
    env: {
      ...process.env,
      SST_SKIP_DEPENDENCY_CHECK: "1", // Pulumi and Bun are needed to deploy, not to unpack
      SST_NO_BUN: "1",
      SST_TELEMETRY_DISABLED: "1",
    },
  });
  const said: Buffer[] = [];
  installer.stdout.on("data", (chunk) => said.push(chunk));
  installer.stderr.on("data", (chunk) => said.push(chunk));
  return new Promise((resolve, reject) => {
    installer.on("error", reject);
    installer.on("close", (code) => resolve({ code, said: Buffer.concat(said).toString() }));
  });
}

/** Makes sure that .sst/platform is there, telling on stderr what takes long. */
export async function ensurePlatform(): Promise<void> {
  if (unpacked()) return;
  const started = performance.now();
  const seconds = () => Math.round((performance.now() - started) / 1000);
  console.error("Unpacking the SST platform into .sst/ from the npm registry; once, about half a minute …");
  const ticking = setInterval(() => console.error(`  still unpacking, ${seconds()} s`), 10_000);
  const { code, said } = await install().finally(() => clearInterval(ticking));
  if (code !== 0 || !unpacked()) {
    throw new Error(`The SST platform could not be unpacked (sst install, exit ${code}). It said:\n${said}`);
  }
  console.error(`  unpacked in ${seconds()} s`);
}

if (import.meta.main) {
  await ensurePlatform().catch((error: Error) => {
    console.error(error.message);
    process.exit(1);
  });
}
