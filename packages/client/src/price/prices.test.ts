import { expect, test } from "vitest";
import { howPricesAreKnown } from "./prices.ts";

test("one sentence says which prices were checked, when and with what, and which were not", () => {
  expect(howPricesAreKnown()).toBe(
    "Checked 2026-11: the prices of a million read request units, a million write request units, a GB exported, a GB imported with AWS's own pages, 9 others with pages that repeat them; from memory: a GB restored from an on-demand backup, a GB restored by AWS Backup.",
  );
});
