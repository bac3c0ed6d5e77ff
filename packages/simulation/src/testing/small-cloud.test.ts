import { stateOf } from "@ferry/core/projection/status";
import { backupRequest, destination, restoreRequest, source } from "@ferry/memory/testing/tasks";
import { describe, expect, it } from "vitest";
import { numberedItems, smallCloud } from "./small-cloud.ts";

describe("a small cloud", () => {
  it("given a backup and a restore of it, ends both with every item", async () => {
    const cloud = smallCloud();
    cloud.ports.tables.put(source, ...numberedItems(40));
    cloud.put("TaskRequested", { request: { ...backupRequest, "total-segments": 2, "batch-bytes": 500 } });
    await cloud.run();
    cloud.put("TaskRequested", { request: restoreRequest });
    await cloud.run();
    expect([...cloud.rows("backup"), ...cloud.rows("restore")].map(stateOf)).toEqual([
      "succeeded",
      "succeeded",
    ]);
    expect(cloud.ports.tables.items(destination)).toHaveLength(40);
    expect(cloud.deadLetters).toEqual([]);
  });

  it("given a message that fails each time, makes it a dead letter after its queue's attempts and reports it", async () => {
    const cloud = smallCloud({
      limiter: {
        reserve: () => Promise.reject(new Error("no connection")),
        release: async () => {},
      },
    });
    cloud.ports.tables.put(source, ...numberedItems(4));
    cloud.put("TaskRequested", { request: { ...backupRequest, "total-segments": 1, "read-units": 5 } });
    await cloud.run();
    expect(cloud.deadLetters.map(({ type }) => type)).toEqual(["SegmentQueued"]);
    expect(cloud.rows("backup").map(stateOf)).toEqual(["failed"]);
  });
});
