/**
 * The workers' process: runs Ferry's handlers, unchanged, on the invocations that its parent sends. It ends with its parent.
 */
import { flushCompileCache } from "node:module";
import type { Context } from "aws-lambda";
import { loadHandlers } from "../handlers.ts";
import type { WorkerAnswer, WorkerCall } from "./workers.ts";

// This event occurs however the parent ended.
process.on("disconnect", () => process.exit());
const handlers = await loadHandlers();
// A process that is killed would not store what it has compiled.
flushCompileCache();
const reply = (answer: WorkerAnswer) => process.send!(answer);

process.on("message", (call: WorkerCall) => void work(call));
reply({ ready: true });

async function work({ id, consumer, event, context, remainingMs }: WorkerCall): Promise<void> {
  const endsMs = performance.now() + remainingMs;
  const getRemainingTimeInMillis = () => Math.max(0, Math.floor(endsMs - performance.now()));
  try {
    reply({
      id,
      response: await handlers[consumer](event, { ...context, getRemainingTimeInMillis } as Context),
    });
  } catch (error) {
    reply({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
}
