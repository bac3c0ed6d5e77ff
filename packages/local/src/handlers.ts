/**
 * Ferry's own Lambda handlers, from their sources.
 */
import { type ConsumerName, consumers } from "@ferry/core/topology";
import type { Handler } from "@ferry/emulator/lambda/event-source-mapping";

/** One handler for each consumer. */
export type Handlers = Readonly<Record<ConsumerName, Handler>>;

/** Loads them into this process. They read `process.env`, which must be the host's by now. */
export async function loadHandlers(): Promise<Handlers> {
  // Whoever wants the workers' logs asks for them: POWERTOOLS_LOG_LEVEL=INFO.
  process.env["POWERTOOLS_LOG_LEVEL"] ??= "WARN";
  process.env["POWERTOOLS_METRICS_DISABLED"] ??= "true";
  const names = Object.keys(consumers) as ConsumerName[];
  const loaded = names.map(async (name) => {
    const { handler } = (await import(`@ferry/aws/functions/${name}`)) as { handler: Handler };
    return [name, handler] as const;
  });
  return Object.fromEntries(await Promise.all(loaded)) as Record<ConsumerName, Handler>;
}
