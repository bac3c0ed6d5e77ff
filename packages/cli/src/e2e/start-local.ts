/**
 * `npm run local -- --sample` on a free port, as a child process.
 */
import { type ChildProcess, spawn } from "node:child_process";
import path from "node:path";
import { nodeArguments } from "@ferry/terminal/testing/node-process";

const main = path.join(import.meta.dirname, "../../../local/src/main.ts");

/** Starts the host; resolves with its endpoint when it is ready. SIGTERM stops it. */
export async function startLocal(): Promise<{ host: ChildProcess; endpoint: string }> {
  const host = spawn(process.execPath, [...nodeArguments, main, "--sample", "--port", "0"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  // The output must be read to the end: a closed pipe would end the host.
  const endpoint = await new Promise<string>((resolve, reject) => {
    host.once("exit", () => reject(new Error(`the host ended before it was ready: ${text}`)));
    host.stdout.on("data", (chunk) => {
      text += chunk;
      const [, found] = /^export FERRY_LOCAL=(\S+)\n/m.exec(text) ?? [];
      if (found !== undefined) resolve(found);
    });
  });
  return { host, endpoint };
}
