/**
 * Ends this process when the npm that started it was killed. A process that is killed with SIGKILL cannot forward a
 * signal, so this process would run on without a parent.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const POLL_INTERVAL_MS = 500;

/** Calls `onOrphaned` once npm, or its shell, has ended. Does nothing if npm did not start this process. */
export async function exitWhenOrphaned(onOrphaned: () => void): Promise<void> {
  if (process.env["npm_lifecycle_event"] === undefined) return;
  const parent = process.ppid;
  const { stdout } = await promisify(execFile)("ps", ["-o", "ppid=", "-p", String(parent)]).catch(() => ({
    stdout: "",
  }));
  const grandparent = Number(stdout) || parent;
  const poll = setInterval(() => {
    if (process.ppid === parent && isAlive(grandparent)) return;
    clearInterval(poll);
    onOrphaned();
  }, POLL_INTERVAL_MS).unref();
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
