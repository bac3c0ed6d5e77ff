/**
 * Starts the engines' thread.
 */
import { Worker } from "node:worker_threads";
import type { EventEnvelope } from "../eventbridge/put-events.ts";
import type { JsonObject } from "../json.ts";
import type { CallSqs } from "../sqs-calls.ts";

export interface ThreadOptions {
  readonly stage: string;
  readonly homeRegion: string;
  /** 0 for a free port. */
  readonly port: number;
  readonly duplicate: boolean;
  readonly retryDelaySeconds: number;
  /** The URL of another DynamoDB engine, for all tables except Ferry's own. */
  readonly otherDynamoDb?: string;
  /** The URL of another S3 engine, for all buckets. */
  readonly otherS3?: string;
  /** The detail-types of Ferry's events that are passed to `onEvent`. */
  readonly reportedTypes: readonly string[];
}

/** A call of SQS, which the thread answers with the same id. */
export interface ToThread {
  readonly id: number;
  readonly operation: string;
  readonly input: object;
}

export type FromThread =
  | { readonly endpoint: string }
  | { readonly id: number; readonly output: JsonObject }
  | { readonly id: number; readonly error: Pick<Error, "name" | "message"> }
  | { readonly log: string }
  | { readonly event: EventEnvelope };

export interface Engines {
  /** `http://127.0.0.1:PORT` */
  readonly endpoint: string;
  readonly sqs: CallSqs;
  /** Rejects if the thread ends before `stop`. */
  readonly failed: Promise<never>;
  /** Calls of SQS that wait for their answer do not get one any more. */
  stop(): Promise<void>;
}

/** Resolves when all resources are created and the port answers; rejects if that fails (the port is in use, for instance). */
export async function startEngines(
  options: ThreadOptions,
  log: (line: string) => void,
  onEvent: (event: EventEnvelope) => void = () => {},
): Promise<Engines> {
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  const worker = new Worker(new URL("./thread.ts", import.meta.url), {
    workerData: options,
    // The engines must not read AWS credentials or endpoints. With Node's cache of compiled modules they start in two thirds
    // of the CPU time.
    env: { PATH, ...(NODE_COMPILE_CACHE !== undefined && { NODE_COMPILE_CACHE }) },
    execArgv: [],
  });
  let stopping = false;
  const failed = new Promise<never>((_, reject) => {
    worker.once("error", reject);
    worker.once("exit", (code) => {
      if (!stopping) reject(new Error(`the engines' thread ended unexpectedly (exit code ${code})`));
    });
  });
  // Callers await this promise; the empty catch only avoids an unhandled rejection.
  failed.catch(() => {});
  const calls = new Map<number, PromiseWithResolvers<JsonObject>>();
  let lastId = 0;
  const ready = new Promise<string>((resolve) => {
    worker.on("message", (message: FromThread) => {
      if ("id" in message) {
        const call = calls.get(message.id)!;
        calls.delete(message.id);
        if ("error" in message) call.reject(Object.assign(new Error(), message.error));
        else call.resolve(message.output);
        return;
      }
      if ("log" in message) log(message.log);
      else if ("event" in message) onEvent(message.event);
      else resolve(message.endpoint);
    });
  });
  const endpoint = await Promise.race([ready, failed]);
  return {
    endpoint,
    failed,
    sqs: (operation, input) => {
      const call = Promise.withResolvers<JsonObject>();
      const id = ++lastId;
      calls.set(id, call);
      worker.postMessage({ id, operation, input } satisfies ToThread);
      return call.promise;
    },
    stop: async () => {
      stopping = true;
      await worker.terminate();
    },
  };
}
