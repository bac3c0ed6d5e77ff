import { describe, expect, test } from "vitest";
import { measureScale } from "./measure-scale.ts";

const GB = 1e9;

describe("a table of many files", () => {
  test("is backed up and restored completely, with calls and invocations that grow with it", async () => {
    const small = await measureScale(10 * GB, 1000, 8);
    const large = await measureScale(40 * GB, 1000, 8);
    for (const { backup, restore } of [small, large]) expect(restore.files).toBe(backup.files);
    expect(large.backup.files / small.backup.files).toBeCloseTo(4, 1);
    for (const task of ["backup", "restore"] as const) {
      for (const name of ["itemCalls", "workSeconds"] as const)
        expect(large[task][name] / small[task][name]).toBeCloseTo(4, 0);
      // The size of an event does not depend on the number of files.
      expect(large[task].eventBytesMax).toBeLessThan(small[task].eventBytesMax + 50);
    }
    // The last step's calls depend on the segments alone.
    expect(large.backup.lastStep).toEqual(small.backup.lastStep);
    expect(large.restore.lastStep).toEqual(small.restore.lastStep);
    expect(large.backup.lastStep.calls).toBeLessThan(5 * 8);
  });
});
