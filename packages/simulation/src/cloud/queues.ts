/**
 * SQS: delivers at least once and in any order, hides a received message for its visibility timeout, and moves it to the dead
 * letters after its attempts.
 */
import { parseMessage } from "@ferry/core/events/events";
import { type QueueName, queues } from "@ferry/core/topology";
import type { Faults } from "./faults.ts";
import type { Rng, Scheduler } from "./scheduler.ts";

interface QueueMessage {
  readonly id: string;
  readonly queue: QueueName;
  readonly body: string;
  receives: number;
  state: "visible" | "hidden" | "done";
  /** Cancels the timer that makes it visible again. */
  cancelTimer: () => void;
}

/** A received message. Its handle is invalid once the message is received again. */
export interface Delivered {
  readonly id: string;
  readonly handle: string;
  readonly body: string;
  readonly receives: number;
}

export type Queues = ReturnType<typeof createQueues>;

export interface QueuesOptions {
  /** How often a worker's message is received before it becomes a dead letter. */
  readonly attempts: number;
  /** Called when a queue has a visible message. */
  readonly ready: (queue: QueueName) => void;
  /** Called with a dead letter for the Pipe on the redrive queue. */
  readonly report: (body: string) => void;
  /** Whether a message is lost altogether. */
  readonly loses: (queue: QueueName, type: string) => boolean;
  readonly log: (line: () => string) => void;
}

const DELAY_MS_MAX = 20 * 60_000;
const DUPLICATE_MS_MAX = 5 * 60_000;

export function createQueues(
  options: QueuesOptions,
  { scheduler, rng, faults }: { scheduler: Scheduler; rng: Rng; faults: Faults },
) {
  const visible = new Map<QueueName, QueueMessage[]>();
  const received = new Map<string, QueueMessage>();
  const dead: QueueMessage[] = [];
  let count = 0;

  function show(message: QueueMessage): void {
    message.state = "visible";
    visible.set(message.queue, [...(visible.get(message.queue) ?? []), message]);
    options.ready(message.queue);
  }
  function hide(message: QueueMessage, ms: number): void {
    message.cancelTimer();
    message.cancelTimer = scheduler.after(ms, () => {
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
      cancelTimer() {},
    };
    hide(message, faults.occurs("delay") ? rng.between(1000, DELAY_MS_MAX) : rng.between(1, 50));
  }
  /** The message of a handle that is still valid. */
  function held(handle: string): QueueMessage | undefined {
    const message = received.get(handle);
    return message?.state === "hidden" && handle === handleOf(message) ? message : undefined;
  }

  return {
    send(queue: QueueName, body: string) {
      const type = parseMessage(body).event["detail-type"];
      if (options.loses(queue, type)) {
        options.log(() => `${queue} LOSES ${type}`);
        return;
      }
      arrive(queue, body);
      if (faults.occurs("duplicateMessage"))
        scheduler.after(rng.between(0, DUPLICATE_MS_MAX), () => arrive(queue, body));
    },
    /** Whether a message is visible. */
    any: (queue: QueueName) => (visible.get(queue)?.length ?? 0) > 0,
    /** Receives up to `max` visible messages and hides them for `visibilityMs`. */
    receive(queue: QueueName, max: number, visibilityMs: number) {
      const waiting = visible.get(queue) ?? [];
      const got: Delivered[] = [];
      while (got.length < max && waiting.length > 0) {
        const [message] = waiting.splice(rng.between(0, waiting.length - 1), 1) as [QueueMessage];
        const attempts = queue === "projection-queue" ? queues[queue].attempts : options.attempts;
        if (message.receives >= attempts) {
          message.state = "done";
          options.log(() => `${queue} moves ${message.id} to the dead letters after ${attempts} receives`);
          if (queues[queue].deadLetters === "redrive-queue") options.report(message.body);
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
    setVisibility(handle: string, ms: number) {
      const message = held(handle);
      if (message !== undefined) hide(message, ms);
    },
    remove(handle: string) {
      const message = held(handle);
      if (message === undefined) return;
      message.state = "done";
      message.cancelTimer();
    },
    /** Moves dead letters that no Pipe reports back to their queue, as an operator does after the repair. */
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
