/**
 * One invocation of a Lambda function. It dies when a fault kills it or its timeout ends; promises that it then awaits never
 * resolve.
 */
import type { SegmentWork } from "@ferry/core/events/events";
import type { Time } from "@ferry/core/ports";
import type { ConsumerName } from "@ferry/core/topology";
import type { Delivered } from "./queues.ts";
import type { Scheduler } from "./scheduler.ts";

export type Effect = () => Promise<unknown>;

export interface Invocation {
  /** Its name in the trace, for instance `backup#12`. */
  readonly name: string;
  readonly consumer: ConsumerName | "monitor";
  readonly messages: readonly Delivered[];
  /** The detail of its (first) message. */
  readonly work: Partial<SegmentWork>;
  readonly time: Time;
  /** Resolves after this time; never if the invocation died meanwhile. */
  pass(ms: number): Promise<void>;
  /** Ends the invocation. The promise never resolves, so that its caller stops. */
  die(): Promise<never>;
  alive(): boolean;
}

/** `skewMs`: how far its clock is off. `onDeath` is called when it dies. */
export function createInvocation(
  options: Pick<Invocation, "name" | "consumer" | "messages" | "work"> & {
    timeoutMs: number;
    skewMs: number;
  },
  scheduler: Scheduler,
  onDeath: () => void,
): Invocation & { end(): void } {
  const endMs = scheduler.now() + options.timeoutMs;
  let alive = true;
  const die = () => {
    if (alive) {
      alive = false;
      cancelTimer();
      onDeath();
    }
    return new Promise<never>(() => {});
  };
  const cancelTimer = scheduler.after(options.timeoutMs, () => void die());
  const pass = async (ms: number) => {
    await scheduler.sleep(ms);
    if (!alive) await new Promise<never>(() => {});
  };
  return {
    ...options,
    pass,
    die,
    alive: () => alive,
    time: {
      now: () => scheduler.now() + options.skewMs,
      remainingMs: () => Math.max(0, endMs - scheduler.now()),
      sleep: pass,
    },
    end() {
      alive = false;
      cancelTimer();
    },
  };
}
