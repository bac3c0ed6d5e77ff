// Unpacks SST's components and their types into .sst/platform, which synth and the type check of stacks/ need.
// It needs only the npm registry, no cloud account and no Pulumi, and returns at once if they are already unpacked.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { platform, root } from "./bundle.ts";

/** Whether .sst/platform is complete and has the SST version that package.json pins. */
function unpacked(): boolean {
  const required = JSON.parse(readFileSync(join(root, "node_modules/sst/package.json"), "utf8")).version;
  const files = ["version", "config.d.ts", "node_modules/@pulumi/aws/package.json"];
  return (
    files.every((file) => existsSync(join(platform, file))) &&
    existsSync(join(root, ".sst/provider-lock.json")) &&
    readFileSync(join(platform, "version"), "utf8").trim() === required
  );
}

/** Runs SST's own installer and returns its exit code and output. */
async function install(): Promise<{ code: number | null; output: string }> {
  const installer = spawn(join(root, "node_modules/.bin/sst"), ["install", "--stage", "synth"], {
    cwd: root,
    env: {
      ...process.env,
      SST_SKIP_DEPENDENCY_CHECK: "1", // Pulumi and Bun are needed to deploy, not to unpack
      SST_NO_BUN: "1",
      SST_TELEMETRY_DISABLED: "1",
    },
  });
  const [stdout, stderr, [code]] = await Promise.all([
    text(installer.stdout),
    text(installer.stderr),
    once(installer, "close"),
  ]);
  return { code, output: stdout + stderr };
}

/** Unpacks .sst/platform if it is missing, and reports progress on stderr. */
export async function ensurePlatform(): Promise<void> {
  if (unpacked()) return;
  const started = performance.now();
  const seconds = () => Math.round((performance.now() - started) / 1000);
  console.error("Unpacking the SST platform into .sst/ from the npm registry; once, about half a minute …");
  const ticking = setInterval(() => console.error(`  still unpacking, ${seconds()} s`), 10_000);
  const { code, output } = await install().finally(() => clearInterval(ticking));
  if (code !== 0 || !unpacked()) {
    throw new Error(
      `The SST platform could not be unpacked (sst install, exit ${code}). Its output:\n${output}`,
    );
  }
  console.error(`  unpacked in ${seconds()} s`);
}

if (import.meta.main) {
  await ensurePlatform().catch((error: Error) => {
    console.error(error.message);
    process.exit(1);
  });
}
