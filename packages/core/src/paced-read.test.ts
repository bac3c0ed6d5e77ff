import { describe, expect, test } from "vitest";
import { FerryError, permanent } from "./errors.ts";
import { readPaced } from "./paced-read.ts";
import { type Pacer, TRIES_MAX } from "./pacing.ts";

const about = { operation: "Scan", resource: "table", message: "", hint: "" };
const throttled = new FerryError("throttled", "throttled", about);
const reset = new FerryError("transient", "service-error", about);
const denied = permanent("access-denied", about);
const page = { units: 3, items: 8 };

/** Reads with these outcomes, one a try. `turns`: how many the pacer has. */
async function reading(outcomes: readonly (Error | typeof page)[], turns = Number.POSITIVE_INFINITY) {
  const calls: unknown[] = [];
  let tries = 0;
  const pace = {
    reserve: async (units: number) => {
      calls.push(["reserve", units]);
      return turns-- > 0;
    },
    recordConsumption: (expected: number, units: number) =>
      void calls.push(["recordConsumption", expected, units]),
    pause: (ms: number) => void calls.push(["pause", ms]),
    delay: (ms: number) => void calls.push(["delay", ms]),
  } as unknown as Pacer;
  const size = {
    next: () => ({ limit: 10, units: 5 }),
    learn: (items: number, units: number) => void calls.push(["learn", items, units]),
  };
  const read = async (limit: number | undefined) => {
    calls.push(["read", limit]);
    const outcome = outcomes[Math.min(tries++, outcomes.length - 1)]!;
    if (outcome instanceof Error) throw outcome;
    return outcome;
  };
  const given = await readPaced(
    { pace, size, random: () => 1 },
    ({ items }: typeof page) => items,
    read,
  ).catch((error: unknown) => error);
  return { given, calls, tries };
}

describe("a read in turn", () => {
  test("is charged as it consumed, and teaches the size of the next page", async () => {
    expect(await reading([page])).toEqual({
      given: page,
      calls: [
        ["reserve", 5],
        ["read", 10],
        ["learn", 8, 3],
        ["recordConsumption", 5, 3],
      ],
      tries: 1,
    });
  });

  test("is not made where the pacer has no turn left", async () => {
    expect(await reading([page], 0)).toEqual({ given: undefined, calls: [["reserve", 5]], tries: 0 });
  });

  test("that is throttled consumed nothing, and is tried again after longer and longer pauses, without end", async () => {
    const { given, calls, tries } = await reading([...Array(20).fill(throttled), page]);
    expect(given).toBe(page);
    expect(tries).toBe(21);
    const pauses = calls.filter((call) => (call as string[])[0] === "pause");
    // The least wait is 50 ms, its random part doubles from 100 ms on.
    expect(pauses.slice(0, 3)).toEqual([
      ["pause", 150],
      ["pause", 250],
      ["pause", 450],
    ]);
    expect(calls.filter((call) => (call as string[])[0] === "delay")).toEqual([]);
    expect(calls.slice(0, 4)).toEqual([
      ["reserve", 5],
      ["read", 10],
      ["pause", 150],
      ["recordConsumption", 5, 0],
    ]);
  });

  test("whose answer is lost is charged as expected, and tried again after longer and longer delays", async () => {
    const { given, calls } = await reading([reset, reset, page]);
    expect(given).toBe(page);
    expect(calls).toEqual([
      ["reserve", 5],
      ["read", 10],
      ["delay", 250],
      ["recordConsumption", 5, 5],
      ["reserve", 5],
      ["read", 10],
      ["delay", 450],
      ["recordConsumption", 5, 5],
      ["reserve", 5],
      ["read", 10],
      ["learn", 8, 3],
      ["recordConsumption", 5, 3],
    ]);
  });

  test("is given up after a few transient errors, however often it was throttled between them", async () => {
    const { given, tries } = await reading(Array(TRIES_MAX).fill([throttled, reset]).flat());
    expect(given).toBe(reset);
    expect(tries).toBe(2 * TRIES_MAX);
    const only = await reading([reset]);
    expect(only).toMatchObject({ given: reset, tries: TRIES_MAX });
  });

  test("is not tried again after a permanent error, and is charged as expected", async () => {
    expect(await reading([denied])).toEqual({
      given: denied,
      calls: [
        ["reserve", 5],
        ["read", 10],
        ["recordConsumption", 5, 5],
      ],
      tries: 1,
    });
  });
});
