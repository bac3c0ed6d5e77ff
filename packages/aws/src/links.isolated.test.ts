import { describe, expect, it, vi } from "vitest";

// Must run before `sst` is loaded: it reads the environment once.
vi.hoisted(() => {
  const links = {
    App: { name: "ferry", stage: "test" },
    Bus: { name: "ferry-test", type: "sst.sst.Linkable" },
    BackupQueue: { url: "http://127.0.0.1/q" },
    RestoreQueue: { name: "no-url" },
    SegmentTable: { name: "ferry-test-segment-table" },
    RestoreTable: { name: "" },
    Settings: { retryDelaySeconds: 2 },
    Monitor: { pipes: ["p"], stalledAfterMs: "5" },
  };
  for (const [name, value] of Object.entries(links))
    process.env[`SST_RESOURCE_${name}`] = JSON.stringify(value);
});

import { busName, monitorLink, queueUrl, tableName, workerSettings } from "./links.ts";

describe("links outside SST", () => {
  it("given valid links, their values are returned", () => {
    expect(busName()).toBe("ferry-test");
    expect(queueUrl("BackupQueue")).toBe("http://127.0.0.1/q");
    expect(tableName("SegmentTable")).toBe("ferry-test-segment-table");
    expect(workerSettings()).toMatchObject({ retryDelaySeconds: 2, compressionLevel: 6 });
  });

  it("given a missing link, reading it throws", () => {
    expect(() => tableName("BackupTable")).toThrow("BackupTable");
  });

  it("given a link of the wrong shape, the error names the link and the field", () => {
    expect(() => queueUrl("RestoreQueue")).toThrow(/link RestoreQueue .*url/s);
    expect(() => tableName("RestoreTable")).toThrow(/link RestoreTable .*name/s);
    expect(() => monitorLink()).toThrow(/link Monitor .*stalledAfterMs/s);
  });
});
