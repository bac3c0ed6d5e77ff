import { expect, test, vi } from "vitest";
import { recordedCalls } from "./recorded-calls.ts";

test("aws-calls.json has the calls that the functions' code makes (npm test -- --update regenerates it)", async () => {
  // The monitor logs the tasks that it finds.
  for (const method of ["warn", "log"] as const) vi.spyOn(console, method).mockImplementation(() => {});
  vi.stubEnv("POWERTOOLS_METRICS_DISABLED", "true");
  const calls = await recordedCalls();
  expect(new Set(calls.map((call) => call.function)).size).toBe(4);
  await expect(`${JSON.stringify(calls, undefined, 2)}\n`).toMatchFileSnapshot("aws-calls.json");
});
