import { PROBE_TYPE } from "@ferry/client/events/events";
import { routes } from "@ferry/core/topology";
import { compilePattern } from "@ferry/emulator/eventbridge/event-pattern";
import { expect, test } from "vitest";

test("no rule of Ferry matches the client's probe", () => {
  const event = { source: "ferry.client", "detail-type": PROBE_TYPE, detail: { feed: "f" } };
  const matching = Object.entries(routes).filter(([, { pattern }]) => compilePattern(pattern)(event));
  expect(matching).toEqual([]);
});
