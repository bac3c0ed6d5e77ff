/**
 * EventBridge: an event is delivered to every rule that matches, at least once, late and in any order.
 */
import type { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import type { BusEvent } from "@ferry/core/events/events";
import { isoOf } from "@ferry/core/time";
import { type QueueName, typesPutBy } from "@ferry/core/topology";
import type { Faults } from "./faults.ts";
import type { Effect, Invocation } from "./invocation.ts";
import type { EventBody, Router } from "./router.ts";
import type { Rng, Scheduler } from "./scheduler.ts";

const DELAY_MS_MAX = 20 * 60_000;

export type SimulatedBus = ReturnType<typeof createBus>;

export function createBus(
  options: {
    /** Called with each event when it is put. */
    readonly onAccepted: (event: BusEvent) => void;
    readonly routed: Router["routed"];
    readonly send: (queue: QueueName, body: string, event: BusEvent) => void;
    readonly log: (line: () => string) => void;
  },
  { scheduler, rng, faults }: { scheduler: Scheduler; rng: Rng; faults: Faults },
) {
  let count = 0;

  /** Puts an event. */
  function accept({ "detail-type": type, detail }: EventBody, source: string): BusEvent {
    const event: BusEvent = {
      id: `e-${++count}`,
      time: `${isoOf(scheduler.now()).slice(0, 19)}Z`,
      source,
      "detail-type": type,
      // A copy: later changes of the caller's object do not change the event.
      detail: JSON.parse(JSON.stringify(detail)),
    };
    options.log(() => `bus takes ${event.id} ${describeEvent(event)}`);
    options.onAccepted(event);
    deliver(event);
    return event;
  }

  /** Delivers an event, also one that was delivered before. */
  function deliver(event: BusEvent): void {
    for (const { queue, body } of options.routed(event)) {
      const times = faults.occurs("duplicateEvent") ? 2 : 1;
      for (let time = 0; time < times; time++)
        scheduler.after(faults.occurs("delay") ? rng.between(1000, DELAY_MS_MAX) : rng.between(5, 100), () =>
          options.send(queue, body, event),
        );
    }
  }

  return {
    accept,
    deliver,
    /** The client of one invocation: each call passes through `visit`. It may put only its function's types, as its role. */
    client: (
      consumer: Invocation["consumer"],
      visit: (entries: readonly EventBody[], effect: Effect) => Promise<unknown>,
    ): Pick<EventBridgeClient, "send"> => ({
      send: ((command: PutEventsCommand) => {
        const entries = command.input.Entries ?? [];
        const bodies = entries.map((entry) => ({
          "detail-type": entry.DetailType!,
          detail: JSON.parse(entry.Detail!),
        }));
        const allowed = consumer === "monitor" ? [] : typesPutBy(consumer);
        return visit(bodies, async () => {
          const Entries = entries.map((entry, i) => {
            const { "detail-type": type } = bodies[i]!;
            if (!allowed.includes(type))
              return {
                ErrorCode: "NotAuthorizedForDetailTypeException",
                ErrorMessage: `the role of ${consumer} may not put ${type}`,
              };
            if (faults.occurs("refusedEntry")) return { ErrorCode: "InternalFailure", ErrorMessage: "" };
            return { EventId: accept(bodies[i]!, entry.Source!).id };
          });
          return { FailedEntryCount: Entries.filter((entry) => "ErrorCode" in entry).length, Entries };
        });
      }) as EventBridgeClient["send"],
    }),
  };
}

/** An event's line in a trace. */
function describeEvent({ "detail-type": type, detail }: BusEvent): string {
  const { segment, attempt, counts, handoff, cause, work, segments, state } = detail as Record<string, never>;
  const { segment: failed, attempt: failedIn } = (work ?? {}) as { segment?: number; attempt?: number };
  const fields = {
    segment: segment ?? failed,
    attempt: attempt ?? failedIn,
    handoff,
    cause,
    state,
    segments: segments === undefined ? undefined : (segments as unknown[]).length,
    items: (counts as { items?: number } | undefined)?.items,
  };
  const present = Object.entries(fields).filter(([, value]) => value !== undefined);
  return `${type} ${present.map(([name, value]) => `${name}=${value}`).join(" ")}`.trim();
}
