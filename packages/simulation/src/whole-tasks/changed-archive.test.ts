import { stateOf } from "@ferry/core/projection/status";
import { fullExport, itemLine, storeExport } from "@ferry/memory/native-export";
import { bucket, destination, restoreRequest } from "@ferry/memory/testing/tasks";
import { describe, expect, it } from "vitest";
import { type SmallCloud, smallCloud } from "../testing/small-cloud.ts";

/** Lines of `count` items with keys `NAME-n`. */
const lines = (name: string, value: string, count: number) =>
  Array.from({ length: count }, (_, n) => itemLine(`{"id":{"S":"${name}-${n}"},"v":{"S":"${value}"}}`));

/** Restores `before`, and replaces the export by `after` once the table has an item. */
async function replacedMeanwhile(before: readonly string[][], after: readonly string[][]) {
  const cloud = smallCloud();
  const store = (files: readonly string[][]) =>
    storeExport(cloud.ports.archive, bucket, fullExport({ bucket: bucket.name, id: "01", files }));
  const prefix = store(before);
  cloud.put("TaskRequested", {
    request: { ...restoreRequest, "bucket-prefix": prefix, "total-segments": 2 },
  });
  await cloud.run({ until: () => itemsIn(cloud).length > 0 });
  store(after);
  await cloud.run();
  return cloud;
}

const itemsIn = (cloud: SmallCloud) => cloud.ports.tables.items(destination);
const outcome = (cloud: SmallCloud) =>
  cloud.rows("restore").map((row) => ({ state: stateOf(row), cause: row.reasons[0]?.cause }));

describe("a restore whose archive is replaced", () => {
  it("by as many files and lines with other items fails, and writes none of these", async () => {
    const half = (value: string) => [lines("a", value, 50), lines("b", value, 50)];
    const cloud = await replacedMeanwhile(half("monday"), half("tuesday"));
    expect(outcome(cloud)).toEqual([{ state: "failed", cause: "archive-changed" }]);
    expect(itemsIn(cloud).filter((item) => new TextDecoder().decode(item).includes("tuesday"))).toEqual([]);
  });

  it("by the same files in another order fails", async () => {
    const four = (order: readonly number[]) => order.map((n) => lines(`file-${n}`, "v", 25));
    const cloud = await replacedMeanwhile(four([0, 1, 2, 3]), four([2, 3, 0, 1]));
    expect(outcome(cloud)).toEqual([{ state: "failed", cause: "archive-changed" }]);
  });

  it("fails with a message that names the object, and the MD5 and ETag before and after", async () => {
    const cloud = await replacedMeanwhile(
      [lines("a", "1", 5), lines("b", "1", 5)],
      [lines("a", "2", 5), lines("b", "2", 5)],
    );
    const text = cloud.rows("restore")[0]?.reasons[0]?.text;
    expect(text).toMatch(
      /manifest-files\.json had MD5 \S{24} and ETag "\w+" and now has MD5 \S{24} and ETag/,
    );
  });

  it("after the last slice fails in its finishing step", async () => {
    const cloud = smallCloud();
    const store = (value: string) =>
      storeExport(
        cloud.ports.archive,
        bucket,
        fullExport({ bucket: bucket.name, id: "01", files: [lines("a", value, 9)] }),
      );
    cloud.put("TaskRequested", { request: { ...restoreRequest, "bucket-prefix": store("monday") } });
    await cloud.run({ until: () => itemsIn(cloud).length === 9 });
    store("tuesday");
    await cloud.run();
    expect(outcome(cloud)).toEqual([{ state: "failed", cause: "archive-changed" }]);
  });
});

describe.each(["manifest-files.json", "manifest-summary.json", "task.json"])(
  "%s of Ferry's archive",
  (name) => {
    const key = `backups/one/${name}`;

    /** A restore that is planned and whose first slice has not begun. */
    async function planned() {
      const cloud = smallCloud();
      const { ports } = cloud;
      ports.tables.put({ region: "us-east-1", name: "cities" }, '{"id":{"S":"a"}}');
      cloud.put("TaskRequested", {
        request: { ...restoreRequest, action: "backup", "table-region": "us-east-1", "table-name": "cities" },
      });
      await cloud.run();
      cloud.put("TaskRequested", { request: restoreRequest });
      await cloud.run({
        until: () => cloud.waiting.some(({ message }) => message.event["detail-type"] === "SegmentQueued"),
      });
      return cloud;
    }

    it("given that it is deleted, the task fails before an item is written", async () => {
      const cloud = await planned();
      cloud.ports.archive.remove(bucket, key);
      await cloud.run();
      expect(outcome(cloud)).toEqual([{ state: "failed", cause: "archive-changed" }]);
      expect(cloud.rows("restore")[0]?.reasons[0]?.text).toContain(`${key} had MD5`);
      expect(itemsIn(cloud)).toEqual([]);
    });

    it("given one more byte, the task fails before an item is written", async () => {
      const cloud = await planned();
      const stored = await cloud.ports.archive.get(bucket, key);
      cloud.ports.archive.store(bucket, key, new Uint8Array([...stored!.body, 0x0a]), stored!.head.metadata);
      await cloud.run();
      expect(outcome(cloud)).toEqual([{ state: "failed", cause: "archive-changed" }]);
      expect(itemsIn(cloud)).toEqual([]);
    });
  },
);
