import { defaultSettings, SEGMENTS_MAX } from "@ferry/core/settings";
import { describe, expect, it } from "vitest";
import { parseSettings } from "./settings.ts";

describe("a stage's settings", () => {
  it("without fields, are the defaults", () => {
    expect(parseSettings({})).toEqual({ ...defaultSettings, retryDelaySeconds: 5 });
  });

  it("keep the defaults of absent fields and ignore SST's own fields", () => {
    const link = { type: "sst.sst.Linkable", sliceBudgetMs: 1000, retryDelaySeconds: 1 };
    expect(parseSettings(link)).toEqual({ ...defaultSettings, sliceBudgetMs: 1000, retryDelaySeconds: 1 });
  });

  it.each([
    { compressionLevel: 10 },
    { maximumSegments: 0 },
    { maximumSegments: SEGMENTS_MAX + 1 },
    { maximumFileBytesInMemory: 0 },
    { maximumFileBytes: 0 },
    { sliceBudgetMs: "1000" },
    { cancelPollIntervalMs: 0 },
    { retryDelaySeconds: -1 },
    { batchSpacingMs: 1.5 },
    undefined,
  ])("%j is refused", (link) => {
    expect(() => parseSettings(link)).toThrow();
  });

  it("include every setting of the engine", () => {
    expect(Object.keys(parseSettings({}))).toEqual(expect.arrayContaining(Object.keys(defaultSettings)));
  });
});
