/**
 * SQS: at least once, in no order, invisible while someone has it, set aside when it came too often.
 */
import { parseMessage } from "@ferry/core/events";
import { type QueueName, queues } from "@ferry/core/topology";
import type { Faults } from "./faults.ts";
import type { Rng, Scheduler } from "./scheduler.ts";

interface QueueMessage {
  readonly id: string;
  readonly queue: QueueName;
  readonly body: string;
  receives: number;
  state: "visible" | "hidden" | "done";
  /** Calls off its coming back. */
  callOff: () => void;
}

/** A message as it was received: the handle is void once it was received again. */
export interface Delivered {
  readonly id: string;
  readonly handle: string;
  readonly body: string;
  readonly receives: number;
}

export interface Queues {
  send(queue: QueueName, body: string): void;
  /** Up to `max` visible messages, for `visibilityMs` invisible to others. */
  receive(queue: QueueName, max: number, visibilityMs: number): Delivered[];
  /** Whether anything is visible. */
  any(queue: QueueName): boolean;
  setVisibility(handle: string, ms: number): void;
  remove(handle: string): void;
  /** Moves dead letters that no Pipe takes back to their queue, as an operator does once the cause is mended. */
  redrive(): void;
}

export interface QueuesAbout {
  /** Receives of a worker's message before it is set aside. */
  readonly attempts: number;
  /** Hears that a queue has something visible. */
  readonly ready: (queue: QueueName) => void;
  /** What the Pipe on the redrive queue makes of a dead letter. */
  readonly report: (body: string) => void;
  /** Whether a message is lost altogether. */
  readonly loses: (queue: QueueName, type: string) => boolean;
  readonly log: (line: () => string) => void;
}

const DELAY_MS_MAX = 20 * 60_000;
const DUPLICATE_MS_MAX = 5 * 60_000;

export function createQueues(
  about: QueuesAbout,
  { scheduler, chance, faults }: { scheduler: Scheduler; chance: Rng; faults: Faults },
): Queues {
  const visible = new Map<QueueName, QueueMessage[]>();
  const received = new Map<string, QueueMessage>();
  const dead: QueueMessage[] = [];
  let count = 0;

  function show(message: QueueMessage): void {
    message.state = "visible";
    visible.set(message.queue, [...(visible.get(message.queue) ?? []), message]);
    about.ready(message.queue);
  }
  function hide(message: QueueMessage, ms: number): void {
    message.callOff();
    message.callOff = scheduler.after(ms, () => {
      if (message.state === "hidden") show(message);
    });
  }
  function arrive(queue: QueueName, body: string): void {
    const message: QueueMessage = {
      id: `m-${++count}`,
      queue,
      body,
      receives: 0,
      state: "hidden",
      callOff() {},
    };
    hide(message, faults.strikes("delay") ? chance.between(1000, DELAY_MS_MAX) : chance.between(1, 50));
  }
  /** The message of a handle that still counts. */
  function held(handle: string): QueueMessage | undefined {
    const message = received.get(handle);
    return message?.state === "hidden" && handle === handleOf(message) ? message : undefined;
  }

  return {
    send(queue, body) {
      const type = parseMessage(body).event["detail-type"];
      if (about.loses(queue, type)) {
        about.log(() => `${queue} LOSES ${type}`);
        return;
      }
      arrive(queue, body);
      if (faults.strikes("duplicateMessage"))
        scheduler.after(chance.between(0, DUPLICATE_MS_MAX), () => arrive(queue, body));
    },
    any: (queue) => (visible.get(queue)?.length ?? 0) > 0,
    receive(queue, max, visibilityMs) {
      const waiting = visible.get(queue) ?? [];
      const got: Delivered[] = [];
      while (got.length < max && waiting.length > 0) {
        const [message] = waiting.splice(chance.between(0, waiting.length - 1), 1) as [QueueMessage];
        const attempts = queue === "projection-queue" ? queues[queue].attempts : about.attempts;
        if (message.receives >= attempts) {
          message.state = "done";
          about.log(() => `${queue} sets ${message.id} aside after ${attempts} receives`);
          if (queues[queue].deadLetters === "redrive-queue") about.report(message.body);
          else dead.push(message);
          continue;
        }
        message.receives++;
        message.state = "hidden";
        received.set(handleOf(message), message);
        hide(message, visibilityMs);
        got.push({ ...message, handle: handleOf(message) });
      }
      return got;
    },
    setVisibility(handle, ms) {
      const message = held(handle);
      if (message !== undefined) hide(message, ms);
    },
    remove(handle) {
      const message = held(handle);
      if (message === undefined) return;
      message.state = "done";
      message.callOff();
    },
    redrive() {
      for (const message of dead.splice(0)) {
        message.receives = 0;
        show(message);
      }
    },
  };
}

function handleOf({ id, receives }: QueueMessage): string {
  return `${id}/${receives}`;
}
