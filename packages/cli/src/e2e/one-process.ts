/**
 * Runs many ferry commands in one child process, one after another: each needs a tenth of the CPU time of a process of its own.
 * What only a process of its own shows (that it ends, its signals, a terminal) is tested with run-ferry.ts.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { bundled, nodeArguments } from "@ferry/terminal/testing/node-process";
import { type Ended, environmentOf } from "./run-ferry.ts";

/** A command for the child. */
export interface ProcessCommand {
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

export interface OneProcess {
  /** Runs a command as `runFerry` does: it inherits no variables of AWS or Ferry. */
  run(args: readonly string[], env?: NodeJS.ProcessEnv): Promise<Ended>;
}

/** Test files that load their modules again use the same child. */
const kept = globalThis as { ferryOneProcess?: OneProcess };

/** The child of all test files of this process, with which it ends. */
export function oneProcess(): OneProcess {
  kept.ferryOneProcess ??= startOneProcess();
  return kept.ferryOneProcess;
}

function startOneProcess(): OneProcess {
  const child = fork(bundled("cli/src/e2e/one-process-main"), {
    env: environmentOf({}),
    execArgv: [...nodeArguments],
  });
  const ending = new AbortController();
  child.once("exit", () => ending.abort(new Error("the process of the ferry commands ended")));
  let last: Promise<unknown> = Promise.resolve();
  return {
    run(args, env = {}) {
      const ended = last.then(async () => {
        const answer = once(child, "message", { signal: ending.signal });
        child.send({ args, env: environmentOf(env) } satisfies ProcessCommand);
        const [message] = await answer;
        return message as Ended;
      });
      last = ended.catch(() => {});
      return ended;
    },
  };
}
