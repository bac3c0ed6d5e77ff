/**
 * For tests of whole tasks: a small cloud without faults. What is put on the bus goes by the topology's own rules to
 * queues, from there to the engine's real `work` and `projectBatch`, and the status tables' streams announce through the
 * topology's own Pipes. Nothing is late, lost or twice unless the test says so: it picks the next message, puts an event
 * again, or stops in the middle. Tables `source` and `destination` (hash key `id`) and the bucket are there.
 */
import { type BusEvent, type Delivery, type Message, parseMessage } from "@ferry/core/events";
import { projectBatch } from "@ferry/core/projection/projector";
import type { TaskRow } from "@ferry/core/projection/status";
import type { Action } from "@ferry/core/task";
import { world } from "@ferry/core/testing/tasks";
import { isoOf } from "@ferry/core/time";
import { type QueueName, queues } from "@ferry/core/topology";
import { work } from "@ferry/core/worker";
import type { MemoryPorts } from "@ferry/memory/ports";
import { memoryStatusStore } from "@ferry/memory/status-store";
import { announced, type EventBody, reported, routed } from "../cloud/router.ts";

/** A message in a queue. */
export interface Waiting {
  readonly queue: QueueName;
  readonly id: string;
  readonly message: Message;
  readonly body: string;
  readonly receives: number;
}

/** Index of the message to process next; -1 stops the run. */
export type Pick = (waiting: readonly Waiting[]) => number;

export interface SmallCloud {
  readonly ports: MemoryPorts;
  /** Everything that the bus took, in order. */
  readonly events: readonly BusEvent[];
  /** Messages that are not processed yet, in the order in which they came. */
  readonly waiting: readonly Waiting[];
  /** What was given up after its queue's attempts, and why. A dead message of a worker is reported on the bus, too. */
  readonly deadLetters: readonly {
    readonly queue: QueueName;
    readonly type: string;
    readonly error: Error;
  }[];
  /** Puts an event, by default as a caller would; `id` names it where it is put again. */
  put(type: string, detail: unknown, about?: { readonly source?: string; readonly id?: string }): BusEvent;
  /** Delivers an event once more: new messages, same event. */
  deliver(event: BusEvent): void;
  /** Processes messages, by default in order, until none is left, `pick` gives -1, or `until` holds. */
  run(about?: { readonly pick?: Pick; readonly until?: () => boolean }): Promise<void>;
  /** The rows of an action's tasks, in the order of their births. */
  rows(action: Action): TaskRow[];
}

/** Fifteen minutes: the longest Lambda invocation. */
const INVOCATION_MS = 15 * 60_000;

/** A small cloud. Ports may be given instead of memory's, for instance tables that refuse. */
export function smallCloud(overrides: Partial<MemoryPorts> = {}): SmallCloud {
  const events: BusEvent[] = [];
  const waiting: Waiting[] = [];
  const deadLetters: { queue: QueueName; type: string; error: Error }[] = [];
  const status = memoryStatusStore((change) => {
    const said = announced(change);
    if (said !== undefined) accept(said, "ferry");
  });
  const ports = world({ status, ...overrides });
  let messages = 0;

  function accept({ "detail-type": type, detail }: EventBody, source: string, id?: string): BusEvent {
    const event: BusEvent = {
      id: id ?? `event-${events.length + 1}`,
      time: `${isoOf(ports.clock.now()).slice(0, 19)}Z`,
      source,
      "detail-type": type,
      detail: JSON.parse(JSON.stringify(detail)),
    };
    events.push(event);
    deliver(event);
    return event;
  }

  function deliver(event: BusEvent): void {
    for (const { queue, body } of routed(event))
      waiting.push({ queue, id: `message-${++messages}`, message: parseMessage(body), body, receives: 0 });
  }

  async function process(one: Waiting): Promise<void> {
    try {
      if (one.queue === "projection-queue") await project(one);
      else await step({ id: one.id, ...one.message });
    } catch (error) {
      const receives = one.receives + 1;
      if (receives < queues[one.queue].attempts) {
        waiting.push({ ...one, receives });
        return;
      }
      deadLetters.push({
        queue: one.queue,
        type: one.message.event["detail-type"],
        error: error as Error,
      });
      const said = one.queue === "projection-queue" ? undefined : reported(one.body);
      if (said !== undefined) accept(said, "ferry");
    }
  }

  async function project({ id, message }: Waiting): Promise<void> {
    const { failed, refused } = await projectBatch([{ id, message }], { ...ports, store: status });
    if (failed[0] !== undefined) throw failed[0].error;
    for (const { event } of refused) accept({ "detail-type": event.type, detail: event.detail }, "ferry");
  }

  async function step(delivery: Delivery): Promise<void> {
    const concluding = await work(delivery, { ...ports, time: ports.clock.invocation(INVOCATION_MS) });
    const reports = ports.bus.events.splice(0);
    for (const { type, detail } of [...reports, ...concluding])
      accept({ "detail-type": type, detail }, "ferry");
  }

  return {
    ports,
    events,
    waiting,
    deadLetters,
    put: (type, detail, { source = "caller", id } = {}) =>
      accept({ "detail-type": type, detail }, source, id),
    deliver,
    async run({ pick = () => 0, until = () => false } = {}) {
      while (waiting.length > 0 && !until()) {
        const at = pick(waiting);
        if (at < 0) return;
        const [one] = waiting.splice(at, 1);
        if (one === undefined) throw new RangeError(`no message ${at} is waiting`);
        await process(one);
      }
    },
    rows: (action) => status.rows().filter((row) => row.action === action),
  };
}

/** Items `{id, v}` of the table `source`, as DynamoDB JSON. */
export function itemsOf(count: number, value = "v"): string[] {
  return Array.from({ length: count }, (_, i) => `{"id":{"S":"k${i}"},"v":{"S":"${value}"}}`);
}

/** Picks by rng: any order that queues may have. `random` in [0, 1). */
export function shuffled(random: () => number): Pick {
  return (waiting) => Math.floor(random() * waiting.length);
}

/** Picks the first message of a queue; -1 where it has none. */
export function onlyFrom(queue: QueueName): Pick {
  return (waiting) => waiting.findIndex((one) => one.queue === queue);
}
