/**
 * The last step of a backup of many segments, in invocations that are too short for all of them: whatever is interrupted, delivered
 * twice or late, the archive is the same.
 */

import { intercept } from "@ferry/memory/intercept";
import { backupRequest, bucket } from "@ferry/memory/testing/tasks";
import { describe, expect, it } from "vitest";
import { numberedItems, type SmallCloud, smallCloud } from "../testing/small-cloud.ts";

const SEGMENTS = 5;
const ITEMS = 8;
/** Four listings at once: after one group, an invocation of 15 minutes hands off. */
const LISTING_MS = 4 * 60_000;

/** A cloud with a backup whose segments are complete. `fails` is called before each call of the last step on the bucket. */
async function complete(
  fails: (call: number) => boolean = () => false,
  change?: (cloud: SmallCloud) => void,
) {
  const cloud = smallCloud();
  const { ports } = cloud;
  ports.tables.put({ region: "us-east-1", name: "cities" }, ...numberedItems(ITEMS));
  cloud.put("TaskRequested", {
    request: { ...backupRequest, "total-segments": SEGMENTS },
  });
  const isFinishing = () =>
    cloud.waiting.some(({ message }) => message.event["detail-type"] === "TaskFinishing");
  await cloud.run({ until: isFinishing });
  change?.(cloud);
  let calls = 0;
  const methods = ["get", "list", "open", "putNew", "head"] as const;
  const archive = intercept("archive", { ...ports.archive }, methods, async ({ method }, run) => {
    if (method === "list") ports.clock.advance(LISTING_MS);
    if (!fails(calls++)) return run();
    // Before the call, or after its effect.
    if (calls % 2 === 0) await run();
    throw new Error("the worker died");
  });
  Object.assign(ports.archive, archive);
  return { cloud, calls: () => calls };
}

/** The objects of the archive, except what tells the time of the seal. */
async function objects({ ports }: SmallCloud) {
  const keys = ports.archive.keys(bucket).filter((key) => !key.includes("manifest-summary"));
  const etags = await Promise.all(keys.map(async (key) => (await ports.archive.head(bucket, key))?.etag));
  return keys.map((key, i) => [key, etags[i]]);
}

const handoffs = ({ events }: SmallCloud) =>
  events.flatMap(({ "detail-type": type, detail }) => {
    const checked = (detail as { "checked-segments"?: number })["checked-segments"];
    return type === "TaskFinishing" && checked !== undefined ? [checked] : [];
  });

async function undisturbed() {
  const { cloud, calls } = await complete();
  await cloud.run();
  return { cloud, calls: calls(), archive: await objects(cloud) };
}

describe("the last step of a backup of five segments", () => {
  it("hands off the segments that it has checked, and succeeds", async () => {
    const { cloud } = await undisturbed();
    expect(handoffs(cloud)).toEqual([4]);
    expect(cloud.rows("backup")).toMatchObject([{ finished: true, items: ITEMS }]);
  });

  it("makes the same archive if its worker dies at any of its calls", async () => {
    const { archive, calls } = await undisturbed();
    for (let at = 0; at < calls; at++) {
      const { cloud } = await complete((call) => call === at);
      await cloud.run();
      expect([at, cloud.rows("backup")[0]?.finished]).toEqual([at, true]);
      expect([at, await objects(cloud)]).toEqual([at, archive]);
    }
  });

  it("makes the same archive if each of its messages is delivered twice, and again at the end", async () => {
    const { archive } = await undisturbed();
    const { cloud } = await complete();
    const delivered = new Set<string>();
    await cloud.run({
      pick(waiting) {
        const finishing = waiting.filter(({ message }) => message.event["detail-type"] === "TaskFinishing");
        for (const { message } of finishing) {
          if (delivered.has(message.event.id)) continue;
          delivered.add(message.event.id);
          cloud.deliver(message.event);
        }
        return 0;
      },
    });
    expect(delivered.size).toBeGreaterThan(1);
    expect(await objects(cloud)).toEqual(archive);
    for (const event of cloud.events.filter((one) => one["detail-type"] === "TaskFinishing"))
      cloud.deliver(event);
    await cloud.run();
    expect(await objects(cloud)).toEqual(archive);
    expect(cloud.rows("backup")).toMatchObject([{ finished: true, items: ITEMS }]);
  });

  it("makes the same archive if workers of an earlier version put no index", async () => {
    const { archive } = await undisturbed();
    const { cloud } = await complete(undefined, ({ ports }) => {
      for (const key of ports.archive.keys(bucket).filter((one) => one.includes("/index/")))
        ports.archive.remove(bucket, key);
    });
    await cloud.run();
    expect(await objects(cloud)).toEqual(archive);
  });

  it("fails if a file of a segment is deleted that only a later invocation checks", async () => {
    const { cloud } = await complete();
    await cloud.run({ until: () => handoffs(cloud).length === 1 });
    const key = cloud.ports.archive.keys(bucket).find((one) => one.includes("/0x0004/"))!;
    cloud.ports.archive.remove(bucket, key);
    await cloud.run();
    expect(cloud.rows("backup")[0]?.reasons).toMatchObject([{ cause: "archive-incomplete" }]);
    expect(cloud.ports.archive.keys(bucket).filter((one) => one.includes("manifest"))).toEqual([]);
  });
});
