/**
 * Runs the workers in a separate process, which can be killed as Lambda's sandboxes can. The host's pollers continue: on
 * AWS too they are Lambda's and outlive the function. They treat an invocation whose process died like one that threw, so
 * its messages are redelivered at once. On AWS they are redelivered when their visibility ends, which the handlers set to
 * the rest of their invocation and a margin. Only this wait is left out; the handlers' code is the deployed code.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { parseMessage } from "@ferry/core/events/events";
import { type ConsumerName, consumers } from "@ferry/core/topology";
import type { Handler } from "@ferry/emulator/lambda/event-source-mapping";
import { nodeArguments, nodeVariables } from "@ferry/terminal/testing/node-process";
import type { Context, SQSEvent } from "aws-lambda";
import type { Handlers } from "../handlers.ts";

/** The error message of an invocation whose process died. */
export const WORKER_EXITED = "the worker process exited";

/** An invocation, as it is sent to the process. */
export interface WorkerCall {
  readonly id: number;
  readonly consumer: ConsumerName;
  readonly event: SQSEvent;
  /** The fields that are data. */
  readonly context: Partial<Context>;
  readonly remainingMs: number;
}

type Response = Awaited<ReturnType<Handler>>;

/** A message from the process. */
export type WorkerAnswer =
  | { readonly ready: true }
  | { readonly id: number; readonly response: Response }
  | { readonly id: number; readonly error: string };

export interface Workers {
  /** They run in the process, which is started when it is needed. */
  readonly handlers: Handlers;
  /** Kills the process with SIGKILL. Returns the detail-types of the messages that it was processing. */
  kill(): Promise<readonly string[]>;
  /** Ends the process; invocations after that are refused. */
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
  readonly exited: Promise<unknown>;
  readonly invocations: Map<number, Invocation>;
}

/**
 * `program` is the bundle of worker-process.ts. `env` is the environment of the handlers; they receive no variable of AWS of this
 * process.
 */
export function createWorkers(program: string, env: Readonly<Record<string, string>>): Workers {
  let current: Process | undefined;
  let stopped = false;
  let lastId = 0;

  const { POWERTOOLS_LOG_LEVEL } = process.env;
  const inherited = { ...nodeVariables(), POWERTOOLS_LOG_LEVEL };

  function start(): Process {
    const child = fork(program, {
      env: { ...inherited, ...env },
      execArgv: [...nodeArguments],
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    const invocations = new Map<number, Invocation>();
    const { promise: ready, resolve: isReady, reject: onExit } = Promise.withResolvers<void>();
    // Invocations await this promise; the empty catch only avoids an unhandled rejection.
    ready.catch(() => {});
    child.on("message", (answer: WorkerAnswer) => {
      if ("ready" in answer) return isReady();
      const invocation = invocations.get(answer.id);
      invocations.delete(answer.id);
      if ("error" in answer) invocation?.reject(new Error(answer.error));
      else invocation?.resolve(answer.response);
    });
    const exited = once(child, "exit").then(([code, signal]) => {
      if (current?.child === child) current = undefined;
      const error = new Error(`${WORKER_EXITED} (${signal ?? code})`);
      onExit(error);
      for (const { reject } of invocations.values()) reject(error);
      invocations.clear();
    });
    return { child, ready, exited, invocations };
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
        const call: WorkerCall = {
          id,
          consumer,
          event,
          context,
          remainingMs: context.getRemainingTimeInMillis(),
        };
        child.send(call, (error) => {
          if (error !== null) reject(error);
        });
      });
    };
  };

  const kill = async () => {
    const killed = current;
    if (killed === undefined) return [];
    // Later invocations wait for a new process: one that is sent to the dying process would use up another attempt.
    current = undefined;
    const types = [...killed.invocations.values()].flatMap((invocation) => invocation.types);
    killed.child.kill("SIGKILL");
    await killed.exited;
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
