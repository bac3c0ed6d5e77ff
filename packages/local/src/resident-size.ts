import { readFileSync } from "node:fs";

/**
 * The largest resident size of this process so far, bytes. On Linux, `maxRSS` of a child process is at least the size that its parent had
 * when it forked, so the size is read from /proc.
 */
export function residentBytesMax(): number {
  const peak =
    process.platform === "linux" && /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"));
  return Number(peak ? peak[1] : process.resourceUsage().maxRSS) * 1024;
}
