/**
 * Ferry's Lambda handlers, loaded from their sources.
 */
import type { ConsumerName } from "@ferry/core/topology";
import type { Handler } from "@ferry/emulator/lambda/event-source-mapping";

/** One handler for each consumer. */
export type Handlers = Readonly<Record<ConsumerName, Handler>>;

/** Loads the handlers into this process. They read `process.env`: set the host's environment first. */
export async function loadHandlers(): Promise<Handlers> {
  // POWERTOOLS_LOG_LEVEL=INFO shows the workers' logs.
  process.env["POWERTOOLS_LOG_LEVEL"] ??= "WARN";
  process.env["POWERTOOLS_METRICS_DISABLED"] ??= "true";
  const [backup, restore, projection] = await Promise.all([
    import("@ferry/aws/functions/backup"),
    import("@ferry/aws/functions/restore"),
    import("@ferry/aws/functions/projection"),
  ]);
  return { backup: backup.handler, restore: restore.handler, projection: projection.handler };
}
