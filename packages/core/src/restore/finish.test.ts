import { intercept } from "@ferry/memory/intercept";
import { fullExport, itemLine, plantExport } from "@ferry/memory/native-export";
import { memoryTables } from "@ferry/memory/tables";
import { describe, expect, test } from "vitest";
import type { CountProgress, RestorePlan, TaskFinishing } from "../events.ts";
import type { ScanPage } from "../ports.ts";
import {
  accepted,
  backupRequest,
  bucket,
  destination,
  restoreRequest,
  runTask,
  source,
  world,
} from "../testing/tasks.ts";
import { finishRestore } from "./finish.ts";

const ITEMS = 3;
const item = (n: number) => `{"id":{"S":"k${n}"}}`;
const items = Array.from({ length: ITEMS }, (_, n) => item(n));
/** Of all lines. */
const BYTES = items.map(itemLine).join("\n").length + 1;
const lateMs = 120_000;

/**
 * A restore of three items whose segments are complete; of a native export, unless `own`. `there`: what the table held at
 * the plan, `written`: what it holds now.
 */
async function segmentsDone({ own = false, there = [] as string[], written = items } = {}) {
  const ports = world({ tables: memoryTables({ pageBytes: 20 }) });
  const asked = { ...restoreRequest, "restore-mode": "merge" };
  if (own) {
    ports.tables.put(source, ...items);
    await runTask({ ...backupRequest, "total-segments": 1 }, ports);
  } else {
    const made = fullExport({ bucket: bucket.name, id: "01", files: [items.map(itemLine)] });
    asked["bucket-prefix"] = plantExport(ports.archive, bucket, made);
  }
  ports.tables.put(destination, ...there);
  const [segment] = await accepted(asked, ports);
  ports.tables.put(destination, ...written);
  const plan = segment!.plan as RestorePlan;
  const pages: ScanPage[] = [];
  const tables = intercept("tables", ports.tables, ["count"], ({ args }, run) => {
    pages.push(args[0] as ScanPage);
    return run();
  });
  const finish = (change: Partial<TaskFinishing> = {}, more: object = {}) =>
    finishRestore(
      {
        ...{ version: 1, task: plan.task, attempt: 2, plan },
        ...{ "transferred-items": ITEMS, "transferred-bytes": BYTES },
        ...change,
      } as TaskFinishing,
      { ...ports, tables, ...more },
    );
  const holders = async () => (await ports.leases.read(plan.table.arn))?.holders.length;
  return { ports, plan, pages, finish, holders };
}

const resource = "table copies in eu-west-1";
const finished = (plan: RestorePlan) => [
  { type: "TaskFinished", detail: { version: 1, task: plan.task, attempt: 2, items: ITEMS } },
];

describe("a restore that is complete", () => {
  test.each([
    ["into an empty table, of another's export: its table is counted", {}, true],
    ["of Ferry's own archive: no item is counted", { own: true }, false],
    ["into a table that held items: no item is counted", { there: [item(99)] }, false],
  ])("is finished %s", async (_, about, counted) => {
    const { plan, pages, finish, holders } = await segmentsDone(about);
    expect(await holders()).toBe(1);
    expect(await finish()).toStrictEqual(finished(plan));
    expect(pages.length > 0).toBe(counted);
    expect(await holders()).toBe(0);
  });

  test("is finished where the table holds more items than were restored, and not where it holds fewer", async () => {
    const more = await segmentsDone({ written: [...items, item(99)] });
    expect(await more.finish()).toStrictEqual(finished(more.plan));
    const fewer = await segmentsDone({ written: items.slice(1) });
    await expect(fewer.finish()).rejects.toMatchObject({
      kind: "permanent",
      code: "items-missing",
      operation: "count items",
      resource,
      message: "the table was empty, 3 lines of the archive were written, and it holds 2 items.",
      hint: expect.stringContaining("a table with other keys"),
    });
    // Its items are still this restore's to complete.
    expect(await fewer.holders()).toBe(1);
  });

  test("of nothing is finished", async () => {
    const { finish, plan } = await segmentsDone({ written: [] });
    const empty = { ...plan, manifest: { ...plan.manifest, items: 0 } };
    const none = { plan: empty, "transferred-items": 0, "transferred-bytes": 0 };
    expect(await finish(none)).toMatchObject([{ type: "TaskFinished", detail: { items: 0 } }]);
  });

  test.each([
    [
      "items",
      { "transferred-items": ITEMS + 1 },
      "the segments processed 4 items, but the manifest lists 3.",
    ],
    [
      "items",
      { "transferred-items": ITEMS - 1 },
      "the segments processed 2 items, but the manifest lists 3.",
    ],
    [
      "bytes",
      { "transferred-bytes": BYTES - 1 },
      `the segments processed ${BYTES - 1} bytes, but the manifest lists ${BYTES}.`,
    ],
  ])("is not finished with other %s than the manifest lists", async (_, change, message) => {
    const { finish, holders } = await segmentsDone({ own: true });
    await expect(finish(change)).rejects.toMatchObject({
      kind: "permanent",
      code: "totals-differ",
      operation: "finish restore",
      resource,
      message,
      hint: expect.stringContaining("restore again into an empty one"),
    });
    expect(await holders()).toBe(1);
  });

  test("is not held against the bytes of an export that does not tell them", async () => {
    const { finish, plan } = await segmentsDone();
    expect(await finish({ "transferred-bytes": 7 })).toStrictEqual(finished(plan));
  });

  test("is not finished where the archive changed since, or the table was created again", async () => {
    const changed = await segmentsDone();
    changed.ports.archive.remove(bucket, `${changed.plan.request["bucket-prefix"]}/manifest-files.json`);
    await expect(changed.finish()).rejects.toMatchObject({ code: "archive-changed" });
    const replaced = await segmentsDone();
    replaced.ports.tables.create(destination, { keys: [{ name: "id", type: "S" }] });
    replaced.ports.tables.put(destination, ...items);
    await expect(replaced.finish()).rejects.toMatchObject({ code: "table-replaced" });
  });

  test("goes on in another invocation where its count does not fit into one", async () => {
    const { ports, plan, finish, holders } = await segmentsDone();
    const tables = intercept("tables", ports.tables, ["count"], (_, run) => {
      ports.clock.advance(lateMs);
      return run();
    });
    const hurried = () => ({ tables, time: ports.clock.invocation(lateMs + 45_000) });
    const [event, ...others] = await finish({}, hurried());
    expect(others).toEqual([]);
    const counted = {
      items: 2,
      segments: 1,
      next: 1,
      open: [{ segment: 0, after: { id: { S: expect.any(String) } } }],
      idle: 0,
    };
    expect(event).toStrictEqual({
      type: "TaskFinishing",
      detail: {
        version: 1,
        task: plan.task,
        attempt: 2,
        "transferred-items": ITEMS,
        "transferred-bytes": BYTES,
        plan: { S: JSON.stringify(plan) },
        counted,
      },
    });
    expect(await holders()).toBe(1);
    const progress = (event!.detail as { counted: CountProgress }).counted;
    expect(await finish({ counted: progress })).toStrictEqual(finished(plan));
  });

  test("is counted on pages of the average line's size, at the plan's ceiling", async () => {
    const { plan, pages, finish } = await segmentsDone();
    await finish({ plan: { ...plan, "count-units": 400 }, "transferred-bytes": ITEMS * 8192 - 1 });
    // A lease of 93 units, and two units a line.
    expect(pages[0]!.limit).toBe(46);
  });
});
