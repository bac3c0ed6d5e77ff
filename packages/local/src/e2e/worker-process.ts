/**
 * The process of the workers: runs Ferry's own handlers, unchanged, on what its parent hands over; ends with it.
 */
import type { Context } from "aws-lambda";
import { loadHandlers } from "../handlers.ts";
import type { Answer, Call } from "./workers.ts";

// However the parent ended.
process.on("disconnect", () => process.exit());
const handlers = await loadHandlers();
const tell = (answer: Answer) => process.send!(answer);

process.on("message", (call: Call) => void work(call));
tell({ ready: true });

async function work({ id, consumer, event, context, remainingMs }: Call): Promise<void> {
  const endsMs = performance.now() + remainingMs;
  const getRemainingTimeInMillis = () => Math.max(0, Math.floor(endsMs - performance.now()));
  try {
    tell({
      id,
      response: await handlers[consumer](event, { ...context, getRemainingTimeInMillis } as Context),
    });
  } catch (error) {
    tell({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
}
