import { expect, test } from "vitest";
import { howPricesAreKnown } from "./prices.ts";

test("one sentence says which prices were checked, when, and how many were not", () => {
  expect(howPricesAreKnown()).toBe(
    "Checked 2026-11: the prices of a million read request units, a million write request units, a GB exported, a GB imported; the other 11 are from memory.",
  );
});
