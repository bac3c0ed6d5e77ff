/**
 * EventBridge: what is put is delivered to every rule that matches, at least once, late and in no order.
 */
import type { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import type { BusEvent } from "@ferry/core/events";
import { isoOf } from "@ferry/core/time";
import type { QueueName } from "@ferry/core/topology";
import type { Faults } from "./faults.ts";
import type { Effect } from "./invocation.ts";
import { routed, type Said } from "./router.ts";
import type { Rng, Scheduler } from "./scheduler.ts";

const DELAY_MS_MAX = 20 * 60_000;

export interface Bus {
  /** Puts an event, as whoever `source` is; `id` names it, where someone puts the same one again. */
  accept(said: Said, source: string): BusEvent;
  /** Delivers an event once more. */
  deliver(event: BusEvent): void;
  /** The client of one invocation: each call passes through `visit`. */
  client(
    visit: (entries: readonly Said[], effect: Effect) => Promise<unknown>,
  ): Pick<EventBridgeClient, "send">;
}

export function createBus(
  about: {
    /** Hears of each event when it is put. */
    readonly heard: (event: BusEvent) => void;
    readonly send: (queue: QueueName, body: string, event: BusEvent) => void;
    readonly log: (line: () => string) => void;
  },
  { scheduler, chance, faults }: { scheduler: Scheduler; chance: Rng; faults: Faults },
): Bus {
  let count = 0;

  function accept({ "detail-type": type, detail }: Said, source: string): BusEvent {
    const event: BusEvent = {
      id: `e-${++count}`,
      time: `${isoOf(scheduler.now()).slice(0, 19)}Z`,
      source,
      "detail-type": type,
      // A text in between: what was put is not changed by what its maker does later.
      detail: JSON.parse(JSON.stringify(detail)),
    };
    about.log(() => `bus takes ${event.id} ${inWords(event)}`);
    about.heard(event);
    deliver(event);
    return event;
  }

  function deliver(event: BusEvent): void {
    for (const { queue, body } of routed(event)) {
      const times = faults.strikes("duplicateEvent") ? 2 : 1;
      for (let time = 0; time < times; time++)
        scheduler.after(
          faults.strikes("delay") ? chance.between(1000, DELAY_MS_MAX) : chance.between(5, 100),
          () => about.send(queue, body, event),
        );
    }
  }

  return {
    accept,
    deliver,
    client: (visit) => ({
      send: ((command: PutEventsCommand) => {
        const entries = command.input.Entries ?? [];
        const said = entries.map((entry) => ({
          "detail-type": entry.DetailType!,
          detail: JSON.parse(entry.Detail!),
        }));
        return visit(said, async () => {
          const Entries = entries.map((entry, i) => {
            if (faults.strikes("refusedEntry")) return { ErrorCode: "InternalFailure", ErrorMessage: "" };
            return { EventId: accept(said[i]!, entry.Source!).id };
          });
          return { FailedEntryCount: Entries.filter((entry) => "ErrorCode" in entry).length, Entries };
        });
      }) as EventBridgeClient["send"],
    }),
  };
}

/** An event's line in a trace. */
function inWords({ "detail-type": type, detail }: BusEvent): string {
  const { segment, attempt, counts, handoff, cause, work, segments, state } = detail as Record<string, never>;
  const { segment: failed, attempt: failedIn } = (work ?? {}) as { segment?: number; attempt?: number };
  const about = {
    segment: segment ?? failed,
    attempt: attempt ?? failedIn,
    handoff,
    cause,
    state,
    segments: segments === undefined ? undefined : (segments as unknown[]).length,
    items: (counts as { items?: number } | undefined)?.items,
  };
  const said = Object.entries(about).filter(([, value]) => value !== undefined);
  return `${type} ${said.map(([name, value]) => `${name}=${value}`).join(" ")}`.trim();
}
