/**
 * Starts the engines' thread.
 */
import { Worker } from "node:worker_threads";
import type { EventEnvelope } from "../eventbridge/put-events.ts";

export interface ThreadOptions {
  readonly stage: string;
  readonly homeRegion: string;
  /** 0 for a free one. */
  readonly port: number;
  readonly duplicate: boolean;
  readonly retryDelaySeconds: number;
  /** The detail-types of Ferry's events that `hear` is called with. */
  readonly heard: readonly string[];
}

export type FromThread =
  | { readonly endpoint: string }
  | { readonly log: string }
  | { readonly heard: EventEnvelope };

export interface Engines {
  /** `http://127.0.0.1:PORT` */
  readonly endpoint: string;
  /** Rejects if the thread ends by itself. */
  readonly failed: Promise<never>;
  stop(): Promise<void>;
}

/** Resolves when everything is created and the port answers; rejects when it cannot be (the port is taken, …). */
export async function startEngines(
  options: ThreadOptions,
  log: (line: string) => void,
  hear: (event: EventEnvelope) => void = () => {},
): Promise<Engines> {
  const worker = new Worker(new URL("./thread.ts", import.meta.url), {
    workerData: options,
    // Nothing of the real cloud reaches the engines.
    env: { PATH: process.env["PATH"] },
    execArgv: [],
  });
  let stopping = false;
  const failed = new Promise<never>((_, reject) => {
    worker.once("error", reject);
    worker.once("exit", (code) => {
      if (!stopping) reject(new Error(`the engines ended by themselves (${code})`));
    });
  });
  // Whoever wants to know waits for it; nobody else is to be ended by it.
  failed.catch(() => {});
  const ready = new Promise<string>((resolve) => {
    worker.on("message", (message: FromThread) => {
      if ("log" in message) log(message.log);
      else if ("heard" in message) hear(message.heard);
      else resolve(message.endpoint);
    });
  });
  const endpoint = await Promise.race([ready, failed]);
  return {
    endpoint,
    failed,
    stop: async () => {
      stopping = true;
      await worker.terminate();
    },
  };
}
