import { expect, test } from "vitest";
import { defaultSettings } from "./settings.ts";

test("the defaults are these settings", () => {
  expect(defaultSettings).toEqual({
    maximumSegments: 1000,
    sliceBudgetMs: 240_000,
    progressIntervalMs: 15_000,
    cancelPollIntervalMs: 5000,
    retryDelaySeconds: 30,
    batchSpacingMs: 0,
    compression: "gzip",
    compressionLevel: 6,
    zstdLevel: 3,
    maxHandoffsWithoutProgress: 10,
    // A week.
    taskTimeoutMs: 604_800_000,
    // 64 MiB, 64 MiB and 32 GiB.
    maximumCompressedFileBytes: 67_108_864,
    maximumFileBytesInMemory: 67_108_864,
    maximumFileBytes: 34_359_738_368,
  });
});
