/**
 * A small cloud without faults, for tests of whole tasks. The topology's rules route events to queues, the engine's real
 * `work` and `projectBatch` process the messages, and the topology's Pipes announce row changes. Messages are delayed, lost
 * or duplicated only by the test: it picks the next message, delivers an event again, or stops in the middle. The tables
 * `source` and `destination` (hash key `id`) and the bucket exist.
 */
import { type BusEvent, type Delivery, type Message, parseMessage } from "@ferry/core/events/events";
import { projectBatch } from "@ferry/core/projection/projector";
import type { Action } from "@ferry/core/request/task";
import { isoOf } from "@ferry/core/time";
import { type QueueName, queues } from "@ferry/core/topology";
import { work } from "@ferry/core/worker";
import type { MemoryPorts } from "@ferry/memory/ports";
import { memoryStatusStore } from "@ferry/memory/status-store";
import { world } from "@ferry/memory/testing/tasks";
import { createRouter, type EventBody } from "../cloud/router.ts";

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

export type SmallCloud = ReturnType<typeof smallCloud>;

/** Fifteen minutes: the longest Lambda invocation. */
const INVOCATION_MS = 15 * 60_000;

/**
 * A small cloud. `overrides` replaces memory ports, for instance by tables that fail. With `onEvent` each event is passed to it, and
 * not kept: a task of many slices has hundreds of thousands.
 */
export function smallCloud(overrides: Partial<MemoryPorts> = {}, onEvent?: (event: BusEvent) => void) {
  /** The events of the bus, in order. */
  const events: BusEvent[] = [];
  /** Messages that are not processed yet, in the order of their arrival. */
  const waiting: Waiting[] = [];
  /** Messages whose attempts ran out, and their last errors. Those of workers are also reported on the bus. */
  const deadLetters: { queue: QueueName; type: string; error: Error }[] = [];
  const { announced, reported, routed } = createRouter();
  const status = memoryStatusStore((change) => {
    const report = announced(change);
    if (report !== undefined) accept(report, "ferry");
  });
  const ports = world({ status, ...overrides });
  let messages = 0;
  let accepted = 0;

  function accept({ "detail-type": type, detail }: EventBody, source: string, id?: string): BusEvent {
    const event: BusEvent = {
      id: id ?? `event-${++accepted}`,
      time: `${isoOf(ports.clock.now()).slice(0, 19)}Z`,
      source,
      "detail-type": type,
      detail: JSON.parse(JSON.stringify(detail)),
    };
    if (onEvent === undefined) events.push(event);
    else onEvent(event);
    deliver(event);
    return event;
  }

  /** Delivers an event, also one that was delivered before, in new messages. */
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
      const report = one.queue === "projection-queue" ? undefined : reported(one.body);
      if (report !== undefined) accept(report, "ferry");
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
    /** Puts an event, by default as a caller would; `id` is its event id. */
    put: (type: string, detail: unknown, { source = "caller", id }: { source?: string; id?: string } = {}) =>
      accept({ "detail-type": type, detail }, source, id),
    deliver,
    /** Processes messages, by default in order, until none is left, `pick` returns -1, or `until` returns true. */
    async run({ pick = () => 0, until = () => false }: { pick?: Pick; until?: () => boolean } = {}) {
      while (waiting.length > 0 && !until()) {
        const at = pick(waiting);
        if (at < 0) return;
        const [one] = waiting.splice(at, 1);
        if (one === undefined) throw new RangeError(`no message ${at} is waiting`);
        await process(one);
      }
    },
    /** The rows of an action's tasks, in the order of their creation. */
    rows: (action: Action) => status.rows().filter((row) => row.action === action),
  };
}

/** Items `{id, v}` of the table `source`, as DynamoDB JSON. */
export function numberedItems(count: number, value = "v"): string[] {
  return Array.from({ length: count }, (_, i) => `{"id":{"S":"k${i}"},"v":{"S":"${value}"}}`);
}

/** Picks a random message: queues may deliver in any order. `random` in [0, 1). */
export function shuffled(random: () => number): Pick {
  return (waiting) => Math.floor(random() * waiting.length);
}

/** Picks the first message of a queue; -1 if it has none. */
export function onlyFrom(queue: QueueName): Pick {
  return (waiting) => waiting.findIndex((one) => one.queue === queue);
}
