import { somePlan, someTask } from "@ferry/memory/testing/tasks";
import { describe, expect, test } from "vitest";
import type { RestorePlan } from "../events/events.ts";
import { currentWindow, isSeries, momentOf, segmentsOf, windowOf, windowsOf } from "./windows.ts";

const single = somePlan(someTask("a", "restore"), 4) as RestorePlan;
const increment = (segments: number, to: string) => ({
  ...single.manifest,
  segments,
  window: { from: "2026", to },
});
/** Segments 0 to 3, 4 to 5, 6. */
const series: RestorePlan = {
  ...single,
  "total-segments": 7,
  increments: [increment(2, "2027"), increment(1, "2028")],
};

describe("the windows of a plan", () => {
  test("without increments are one", () => {
    expect(isSeries(single)).toBe(false);
    expect(windowsOf(single)).toEqual([{ index: 0, first: 0, segments: 4 }]);
    expect(isSeries(somePlan(someTask("a")))).toBe(false);
  });

  test("of a series number their segments one after the other", () => {
    expect(isSeries(series)).toBe(true);
    expect(windowsOf(series).map(segmentsOf)).toEqual([[0, 1, 2, 3], [4, 5], [6]]);
    expect(Array.from({ length: 7 }, (_, segment) => windowOf(series, segment).index)).toEqual([
      0, 0, 0, 0, 1, 1, 2,
    ]);
    expect(windowOf(series, 6).manifest).toBe(series.increments![1]);
    expect(windowOf(series, 0).manifest).toBe(series.manifest);
  });

  test.each<[number[], number]>([
    [[], 0],
    [[0, 1, 3], 0],
    // The completion of segment 2 is projected late.
    [[0, 1, 3, 4, 5, 6], 0],
    [[0, 1, 2, 3], 1],
    [[0, 1, 2, 3, 5], 1],
    [[0, 1, 2, 3, 4, 5], 2],
    [[0, 1, 2, 3, 4, 5, 6], 2],
  ])("given the complete segments %j, the current one is %i", (completed, index) => {
    expect(currentWindow(series, completed).index).toBe(index);
  });

  test("the last one has the moment that comes out", () => {
    expect(momentOf(series)).toBe("2028");
    expect(momentOf(single)).toBeUndefined();
  });
});
