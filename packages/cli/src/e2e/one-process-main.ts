/**
 * The child of one-process.ts: runs the commands that it receives, and answers with what each printed and its exit code.
 */
import { runCommandLine } from "../command-line.ts";
import type { ProcessCommand } from "./one-process.ts";
import type { Ended } from "./run-ferry.ts";

const printed = { stdout: "", stderr: "" };

for (const name of ["stdout", "stderr"] as const)
  process[name].write = (chunk: string | Uint8Array, ...rest: unknown[]) => {
    printed[name] += Buffer.from(chunk as string).toString();
    const done = rest.find((one) => typeof one === "function");
    done?.();
    return true;
  };

process.on("message", async ({ args, env }: ProcessCommand) => {
  process.env = env;
  printed.stdout = "";
  printed.stderr = "";
  // As in a process of its own, an error that the command line throws ends this one.
  const code = await runCommandLine(args);
  process.send!({ code, ...printed } satisfies Ended);
});
