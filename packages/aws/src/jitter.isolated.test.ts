import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test, vi } from "vitest";
import { jitter } from "./jitter.ts";

vi.mock("node:timers/promises", () => ({ setTimeout: vi.fn(async () => {}) }));
afterEach(() => vi.restoreAllMocks());

test.each([
  [0, 0],
  [0.25, 50],
  [0.999, 199.8],
])("given the random number %f, it waits for that part of the longest time", async (random, ms) => {
  vi.spyOn(Math, "random").mockReturnValue(random);
  await jitter(200);
  expect(sleep).toHaveBeenLastCalledWith(ms);
});
