/**
 * Receives Ferry's events for the time of a run, as another system would.
 */
import { type FedEvent, openEventFeed } from "@ferry/client/events/event-feed";
import type { DeployedStage } from "./stage.ts";

/** Events arrive within this time, s. */
const WAIT_SECONDS = 2;

export interface EventListener {
  /** All events received so far. */
  received(): Promise<readonly FedEvent[]>;
  close(): Promise<void>;
}

/**
 * Opens a listener for all of Ferry's events. Its queue is encrypted, like Ferry's, and has a message group per event, where
 * Ferry's have one per task. Throws an Error if its rule delivers nothing: then every event would seem to be missing.
 */
export async function openEventListener({ ferry }: Pick<DeployedStage, "ferry">): Promise<EventListener> {
  const feed = await openEventFeed(ferry.stage, { messageGroup: "$.id" });
  if (!feed.isConfirmed) {
    await feed.close();
    throw new Error(`the rule ${feed.name} delivers no event to its queue`);
  }
  const events: FedEvent[] = [];
  return {
    close: () => feed.close(),
    async received() {
      for (;;) {
        const more = await feed.receive(WAIT_SECONDS);
        if (more.length === 0) return events;
        events.push(...more);
      }
    },
  };
}
