/**
 * The processes of the bench, which answer each message of their parent with one.
 */
import { type ChildProcess, type ForkOptions, fork } from "node:child_process";
import { once } from "node:events";
import { WORKER_NODE_OPTIONS } from "@ferry/core/settings/node-options";
import type { WayName } from "./measured.ts";

/** How a process is run, if not as its parent is. */
export type RunBy = Pick<ForkOptions, "execPath" | "execArgv">;

/** Starts the process of a way, and waits until it is ready. */
export type StartWay = (by?: RunBy) => Promise<ChildProcess>;

/** The options of Node for a way: the worker's. The SDK's ordinary way has those that Node has by itself. */
export function nodeOptionsOf(way: WayName): NodeJS.ProcessEnv {
  return way === "sdk" ? {} : { NODE_OPTIONS: WORKER_NODE_OPTIONS };
}

export function startModule(
  file: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  { execArgv = [], ...by }: RunBy = {},
): ChildProcess {
  return fork(file, args, {
    ...by,
    env: { ...process.env, ...environment },
    execArgv: [...execArgv, "--expose-gc"],
    stdio: "inherit",
  });
}

/** Sends a message to a child process and returns its answer. Throws if the process ends instead. */
export async function ask<Answer>(child: ChildProcess): Promise<Answer> {
  child.send("go");
  return answerOf(child);
}

/** The next message of a child process. Throws if the process ends instead. */
export async function answerOf<Answer>(child: ChildProcess): Promise<Answer> {
  const done = new AbortController();
  const { signal } = done;
  const ended = once(child, "exit", { signal }).then(([code]) => {
    throw new Error(`a process of the bench ended with code ${code}`);
  });
  ended.catch(() => {});
  try {
    return ((await Promise.race([once(child, "message", { signal }), ended])) as [Answer])[0];
  } finally {
    done.abort();
  }
}
