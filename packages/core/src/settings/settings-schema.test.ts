import * as v from "valibot";
import { describe, expect, it, test } from "vitest";
import { defaultSettings, SEGMENTS_MAX } from "./settings.ts";
import { engineSettingsOf, operatorEntries, settingsSchema } from "./settings-schema.ts";

const parseLink = (link: unknown) => v.parse(settingsSchema, link);
const written = v.strictObject(operatorEntries);

describe("a stage's settings in the workers' link", () => {
  it("without fields, are the defaults", () => {
    expect(parseLink({})).toEqual(defaultSettings);
  });

  it("keep the defaults of absent fields and ignore SST's own fields", () => {
    const link = { type: "sst.sst.Linkable", sliceBudgetMs: 1000, retryDelaySeconds: 1 };
    expect(parseLink(link)).toEqual({ ...defaultSettings, sliceBudgetMs: 1000, retryDelaySeconds: 1 });
  });

  it.each([
    { compressionLevel: 10 },
    { zstdLevel: 20 },
    { compression: "brotli" },
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
    expect(() => parseLink(link)).toThrow();
  });

  it("include every setting of the engine", () => {
    expect(Object.keys(parseLink({}))).toEqual(expect.arrayContaining(Object.keys(defaultSettings)));
  });
});

describe("a stage's settings as an operator writes them", () => {
  test("without fields, become the defaults", () => {
    expect(engineSettingsOf(v.parse(written, {}))).toEqual(defaultSettings);
  });

  test("are converted to the engine's units", () => {
    const settings = v.parse(written, {
      sliceBudgetSeconds: 10,
      taskTimeoutHours: 2,
      batchSpacingMs: 3,
      compression: "zstd",
    });
    expect(engineSettingsOf(settings)).toEqual({
      ...defaultSettings,
      sliceBudgetMs: 10_000,
      taskTimeoutMs: 7_200_000,
      batchSpacingMs: 3,
      compression: "zstd",
    });
  });

  test.each([
    ["sliceBudgetSeconds", 10, 840],
    ["taskTimeoutHours", 1, 8760],
    ["retryDelaySeconds", 0, 900],
    ["progressIntervalMs", 1000, 60_000],
    ["maximumFileBytes", 1024 ** 2, 128 * 1024 ** 3],
  ])("%s must be between %i and %i, which the link accepts too", (name, lowest, highest) => {
    for (const value of [lowest, highest]) {
      const settings = engineSettingsOf(v.parse(written, { [name]: value }));
      expect(parseLink(settings)).toEqual(settings);
    }
    for (const value of [lowest - 1, highest + 1])
      expect(v.safeParse(written, { [name]: value }).success).toBe(false);
  });
});
