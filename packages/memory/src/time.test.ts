import { describe, expect, it } from "vitest";
import { virtualClock } from "./time.ts";

describe("a virtual clock", () => {
  it("wakes sleepers in the order and at the time they are due, when nothing else can run", async () => {
    const clock = virtualClock({ startMs: 1000 });
    const seen: [string, number][] = [];
    const sleeper = async (name: string, ms: number, times: number) => {
      for (let i = 0; i < times; i++) {
        await clock.sleep(ms);
        seen.push([name, clock.now()]);
      }
    };
    await Promise.all([sleeper("slow", 30, 2), sleeper("quick", 20, 3)]);
    expect(seen).toEqual([
      ["quick", 1020],
      ["slow", 1030],
      ["quick", 1040],
      // Due at the same time: the one that began to sleep first wakes first.
      ["slow", 1060],
      ["quick", 1060],
    ]);
  });

  it("reports an invocation's remaining time", async () => {
    const time = virtualClock({ startMs: 0 }).invocation(100);
    await time.sleep(30);
    expect([time.now(), time.remainingMs()]).toEqual([30, 70]);
  });

  it("with `scheduled`, moves only by advance and wakeNext", async () => {
    const clock = virtualClock({ startMs: 0, scheduled: true });
    let awake = 0;
    const sleeping = [5, 5, 50].map((ms) => clock.sleep(ms).then(() => awake++));
    await new Promise((resolve) => setImmediate(resolve));
    expect(awake).toBe(0);
    clock.advance(10);
    await sleeping[1];
    expect([awake, clock.now()]).toEqual([2, 10]);
    expect(clock.wakeNext()).toBe(true);
    await sleeping[2];
    expect([awake, clock.now(), clock.wakeNext()]).toEqual([3, 50, false]);
  });
});
