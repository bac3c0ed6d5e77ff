import { expect, test } from "vitest";
import { readCount } from "./instructions.ts";

test("the number of instructions is read from cachegrind's log", () => {
  const log =
    "==12== Cachegrind, a cache and branch-prediction profiler\n==12== \n==12== I   refs:      3,694,150,313\n";
  expect(readCount(log)).toBe(3_694_150_313);
  expect(() => readCount("==12== Killed")).toThrow(
    "valgrind printed no number of instructions: ==12== Killed",
  );
});
