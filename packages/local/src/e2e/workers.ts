/**
 * The workers in a process of their own, which can be killed as Lambda's sandboxes can. The host's pollers stay: on AWS
 * too they are Lambda's and outlive the function. They take an invocation whose process died for one that threw, so its
 * messages come again at once. On AWS they would come when their visibility, which the handlers set to the rest of their
 * invocation and a margin, ends: the wait alone is spared here, and the handlers' code is the deployed one.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { parseMessage } from "@ferry/core/events";
import { type ConsumerName, consumers } from "@ferry/core/topology";
import type { Handler } from "@ferry/emulator/lambda/event-source-mapping";
import type { Context, SQSEvent } from "aws-lambda";
import type { Handlers } from "../handlers.ts";

/** What an invocation says whose process died. */
export const GONE = "the worker process is gone";

/** An invocation, as the process hears of it. */
export interface Call {
  readonly id: number;
  readonly consumer: ConsumerName;
  readonly event: SQSEvent;
  /** What of it is data. */
  readonly context: Partial<Context>;
  readonly remainingMs: number;
}

type Response = Awaited<ReturnType<Handler>>;

/** What the process says. */
export type Answer =
  | { readonly ready: true }
  | { readonly id: number; readonly response: Response }
  | { readonly id: number; readonly error: string };

export interface Workers {
  /** They work in the process; where there is none, one is started. */
  readonly handlers: Handlers;
  /** Kills the process without a word. Returns the detail-types of the messages that it was at. */
  kill(): Promise<readonly string[]>;
  /** Ends the process for good. */
  stop(): Promise<void>;
}

interface Invocation {
  readonly types: readonly string[];
  readonly resolve: (response: Response) => void;
  readonly reject: (error: Error) => void;
}

interface Process {
  readonly child: ChildProcess;
  readonly ready: Promise<void>;
  readonly gone: Promise<unknown>;
  readonly invocations: Map<number, Invocation>;
}

/** `env` is the environment of the handlers: nothing else of this process's reaches them. */
export function createWorkers(env: Readonly<Record<string, string>>): Workers {
  let current: Process | undefined;
  let stopped = false;
  let lastId = 0;

  function start(): Process {
    const child = fork(new URL("./worker-process.ts", import.meta.url), {
      env: { PATH: process.env["PATH"], POWERTOOLS_LOG_LEVEL: process.env["POWERTOOLS_LOG_LEVEL"], ...env },
      execArgv: [],
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    const invocations = new Map<number, Invocation>();
    const { promise: ready, resolve: isReady, reject: isGone } = Promise.withResolvers<void>();
    // Each invocation that waits for it is told; without one nobody needs to know.
    ready.catch(() => {});
    child.on("message", (answer: Answer) => {
      if ("ready" in answer) return isReady();
      const invocation = invocations.get(answer.id);
      invocations.delete(answer.id);
      if ("error" in answer) invocation?.reject(new Error(answer.error));
      else invocation?.resolve(answer.response);
    });
    const gone = once(child, "exit").then(([code, signal]) => {
      if (current?.child === child) current = undefined;
      const error = new Error(`${GONE} (${signal ?? code})`);
      isGone(error);
      for (const { reject } of invocations.values()) reject(error);
      invocations.clear();
    });
    return { child, ready, gone, invocations };
  }

  const handlerOf = (consumer: ConsumerName): Handler => {
    return async (event, context) => {
      if (stopped) throw new Error("the workers are stopped");
      current ??= start();
      const { child, ready, invocations } = current;
      await ready;
      return new Promise((resolve, reject) => {
        const id = ++lastId;
        const types = event.Records.map(({ body }) => parseMessage(body).event["detail-type"]);
        invocations.set(id, { types, resolve, reject });
        const call: Call = { id, consumer, event, context, remainingMs: context.getRemainingTimeInMillis() };
        child.send(call, (error) => {
          if (error !== null) reject(error);
        });
      });
    };
  };

  const kill = async () => {
    const killed = current;
    if (killed === undefined) return [];
    // What comes from now on waits for the next one: sent to a dying process it would cost one more attempt.
    current = undefined;
    const types = [...killed.invocations.values()].flatMap((invocation) => invocation.types);
    killed.child.kill("SIGKILL");
    await killed.gone;
    return types;
  };

  const names = Object.keys(consumers) as ConsumerName[];
  return {
    handlers: Object.fromEntries(names.map((name) => [name, handlerOf(name)])) as Record<
      ConsumerName,
      Handler
    >,
    kill,
    stop: async () => {
      stopped = true;
      await kill();
    },
  };
}
