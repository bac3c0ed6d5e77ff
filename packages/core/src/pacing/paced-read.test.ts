import { describe, expect, test } from "vitest";
import { FerryError, permanent } from "../errors/errors.ts";
import { readPaced } from "./paced-read.ts";
import { type Pacer, TRIES_MAX } from "./pacing.ts";

const details = { operation: "Scan", resource: "table", message: "", hint: "" };
const throttled = new FerryError("throttled", "throttled", details);
const reset = new FerryError("transient", "service-error", details);
const denied = permanent("access-denied", details);
const page = { units: 3, items: 8 };

/** Reads with these outcomes, one for each try. `reservations`: how many the pacer grants. */
async function reading(outcomes: readonly (Error | typeof page)[], reservations = Number.POSITIVE_INFINITY) {
  const calls: unknown[] = [];
  let tries = 0;
  const pace = {
    reserve: async (units: number) => {
      calls.push(["reserve", units]);
      return reservations-- > 0;
    },
    recordConsumption: (expected: number, units: number) =>
      void calls.push(["recordConsumption", expected, units]),
    pause: (ms: number) => void calls.push(["pause", ms]),
    delay: (ms: number) => void calls.push(["delay", ms]),
  } as unknown as Pacer;
  const size = {
    next: () => ({ limit: 10, units: 5 }),
    learn: (...page: unknown[]) => void calls.push(["learn", ...page]),
  };
  const read = async (limit: number | undefined) => {
    calls.push(["read", limit]);
    const outcome = outcomes[Math.min(tries++, outcomes.length - 1)]!;
    if (outcome instanceof Error) throw outcome;
    return outcome;
  };
  const result = await readPaced(
    { pace, size, random: () => 1 },
    ({ items }: typeof page) => ({ items, jsonBytes: 100 }),
    read,
  ).catch((error: unknown) => error);
  return { result, calls, tries };
}

describe("a paced read", () => {
  test("is charged with the units it consumed, and adjusts the size of the next page", async () => {
    expect(await reading([page])).toEqual({
      result: page,
      calls: [
        ["reserve", 5],
        ["read", 10],
        ["learn", 8, 3, 100],
        ["recordConsumption", 5, 3],
      ],
      tries: 1,
    });
  });

  test("is not made if the pacer grants no reservation", async () => {
    expect(await reading([page], 0)).toEqual({ result: undefined, calls: [["reserve", 5]], tries: 0 });
  });

  test("that is throttled consumes nothing, and is repeated without a limit after growing pauses", async () => {
    const { result, calls, tries } = await reading([...Array(20).fill(throttled), page]);
    expect(result).toBe(page);
    expect(tries).toBe(21);
    const pauses = calls.filter((call) => (call as string[])[0] === "pause");
    // The wait is 50 ms plus a random part, whose limit starts at 100 ms and doubles.
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

  test("whose response is lost is charged with the expected units, and repeated after growing delays", async () => {
    const { result, calls } = await reading([reset, reset, page]);
    expect(result).toBe(page);
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
      ["learn", 8, 3, 100],
      ["recordConsumption", 5, 3],
    ]);
  });

  test("fails after a few transient errors; throttled tries between them do not count", async () => {
    const { result, tries } = await reading(Array(TRIES_MAX).fill([throttled, reset]).flat());
    expect(result).toBe(reset);
    expect(tries).toBe(2 * TRIES_MAX);
    const only = await reading([reset]);
    expect(only).toMatchObject({ result: reset, tries: TRIES_MAX });
  });

  test("is not repeated after a permanent error, and is charged with the expected units", async () => {
    expect(await reading([denied])).toEqual({
      result: denied,
      calls: [
        ["reserve", 5],
        ["read", 10],
        ["recordConsumption", 5, 5],
      ],
      tries: 1,
    });
  });
});
