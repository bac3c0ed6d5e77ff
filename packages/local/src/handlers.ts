/**
 * Ferry's Lambda handlers, loaded from their sources.
 */
import { type ConsumerName, consumers } from "@ferry/core/topology";
import type { Handler } from "@ferry/emulator/lambda/event-source-mapping";

/** One handler for each consumer. */
export type Handlers = Readonly<Record<ConsumerName, Handler>>;

/** Loads the handlers into this process. They read `process.env`: set the host's environment first. */
export async function loadHandlers(): Promise<Handlers> {
  // POWERTOOLS_LOG_LEVEL=INFO shows the workers' logs.
  process.env["POWERTOOLS_LOG_LEVEL"] ??= "WARN";
  process.env["POWERTOOLS_METRICS_DISABLED"] ??= "true";
  const names = Object.keys(consumers) as ConsumerName[];
  const loaded = names.map(async (name) => {
    const { handler } = (await import(`@ferry/aws/functions/${name}`)) as { handler: Handler };
    return [name, handler] as const;
  });
  return Object.fromEntries(await Promise.all(loaded)) as Record<ConsumerName, Handler>;
}
