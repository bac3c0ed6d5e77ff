import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { STOP_SIGNALS } from "@ferry/terminal/stop-signals";
import type { RunCommand } from "../command.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";

/** A process of its own: the host sets the environment of its process, and ends it. */
export const run: RunCommand = async ({ options }) => {
  const { port, sample, dynamodb, s3 } = options;
  const args = [
    ...Object.entries({ port, dynamodb, s3 }).flatMap(([name, value]) =>
      typeof value === "string" ? [`--${name}`, value] : [],
    ),
    ...(sample === true ? ["--sample"] : []),
  ];
  const main = fileURLToPath(import.meta.resolve("@ferry/local/main"));
  const host = spawn(process.execPath, [main, ...args], { stdio: "inherit" });
  // A terminal sends Ctrl-C to both; others send a signal to this process alone. The host ends, then this process.
  for (const signal of STOP_SIGNALS) process.on(signal, () => host.kill(signal));
  const [code] = (await once(host, "exit")) as [number | null];
  return (code ?? exitCodes.failed) as ExitCode;
};
