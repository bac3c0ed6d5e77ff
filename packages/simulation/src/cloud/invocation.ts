/**
 * One run of a Lambda function: it dies where a fault kills it or its time is up, and whatever it waits for then
 * never comes.
 */
import type { SegmentWork } from "@ferry/core/events";
import type { Time } from "@ferry/core/ports";
import type { ConsumerName } from "@ferry/core/topology";
import type { Delivered } from "./queues.ts";
import type { Scheduler } from "./scheduler.ts";

export type Effect = () => Promise<unknown>;

export interface Invocation {
  /** For the trace: `backup#12`. */
  readonly name: string;
  readonly consumer: ConsumerName;
  readonly messages: readonly Delivered[];
  /** The detail of its (first) message. */
  readonly work: Partial<SegmentWork>;
  readonly time: Time;
  /** Resolves after so long; never, if it died meanwhile. */
  pass(ms: number): Promise<void>;
  /** It ends here. The promise is for whoever waits for it: it never resolves. */
  die(): Promise<never>;
  alive(): boolean;
}

/** `skewMs`: how far its clock is off. `died` hears of its death. */
export function createInvocation(
  about: Pick<Invocation, "name" | "consumer" | "messages" | "work"> & { timeoutMs: number; skewMs: number },
  scheduler: Scheduler,
  died: () => void,
): Invocation & { end(): void } {
  const endMs = scheduler.now() + about.timeoutMs;
  let alive = true;
  const die = () => {
    if (alive) {
      alive = false;
      callOff();
      died();
    }
    return new Promise<never>(() => {});
  };
  const callOff = scheduler.after(about.timeoutMs, () => void die());
  const pass = async (ms: number) => {
    await scheduler.sleep(ms);
    if (!alive) await new Promise<never>(() => {});
  };
  return {
    ...about,
    pass,
    die,
    alive: () => alive,
    time: {
      now: () => scheduler.now() + about.skewMs,
      remainingMs: () => Math.max(0, endMs - scheduler.now()),
      sleep: pass,
    },
    end() {
      alive = false;
      callOff();
    },
  };
}
