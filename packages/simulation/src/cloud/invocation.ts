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

export type Invocation = ReturnType<typeof createInvocation>;

/** `onDeath` is called when it dies. */
export function createInvocation(
  options: {
    /** Its name in the trace, for instance `backup#12`. */
    readonly name: string;
    readonly consumer: ConsumerName | "monitor";
    readonly messages: readonly Delivered[];
    /** The detail of its (first) message. */
    readonly work: Partial<SegmentWork>;
    readonly timeoutMs: number;
    /** How far its clock is off. */
    readonly skewMs: number;
  },
  scheduler: Scheduler,
  onDeath: () => void,
) {
  const endMs = scheduler.now() + options.timeoutMs;
  let alive = true;
  /** Ends the invocation. The promise never resolves, so that its caller stops. */
  const die = () => {
    if (alive) {
      alive = false;
      cancelTimer();
      onDeath();
    }
    return new Promise<never>(() => {});
  };
  const cancelTimer = scheduler.after(options.timeoutMs, () => void die());
  /** Resolves after this time; never if the invocation died meanwhile. */
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
    } satisfies Time,
    end() {
      alive = false;
      cancelTimer();
    },
  };
}
