/**
 * Whoever started this may be killed without a word: npm and the shell between pass no signal on then, and nobody is left
 * to stop it.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const LOOK_MS = 500;

/** Calls `gone` once npm, or its shell, is no more. Does nothing if npm did not start this. */
export async function exitWhenOrphaned(gone: () => void): Promise<void> {
  if (process.env["npm_lifecycle_event"] === undefined) return;
  const parent = process.ppid;
  const { stdout } = await promisify(execFile)("ps", ["-o", "ppid=", "-p", String(parent)]).catch(() => ({
    stdout: "",
  }));
  const grandparent = Number(stdout) || parent;
  const look = setInterval(() => {
    if (process.ppid === parent && isAlive(grandparent)) return;
    clearInterval(look);
    gone();
  }, LOOK_MS).unref();
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
