import { intercept } from "@ferry/memory/intercept";
import { fullExport, itemLine, storeExport } from "@ferry/memory/native-export";
import { memoryTables } from "@ferry/memory/tables";
import {
  accepted,
  backupRequest,
  bucket,
  destination,
  restoreRequest,
  runTask,
  source,
  world,
} from "@ferry/memory/testing/tasks";
import { describe, expect, test } from "vitest";
import type { CountProgress, MessageWith, RestorePlan, TaskFinishing } from "../events/events.ts";
import type { ScanPage } from "../ports.ts";
import { finishRestore } from "./finish.ts";

const ITEMS = 3;
const item = (n: number) => `{"id":{"S":"k${n}"}}`;
const items = Array.from({ length: ITEMS }, (_, n) => item(n));
/** The size of all lines. */
const BYTES = items.map(itemLine).join("\n").length + 1;
const lateMs = 120_000;

/**
 * A restore of three items whose segments are complete; of a native export, unless `own`. `before`: the items in the table
 * during planning; `written`: the items added since.
 */
async function segmentsDone({ own = false, before = [] as string[], written = items } = {}) {
  const ports = world({ tables: memoryTables({ pageBytes: 20 }) });
  const fields = { ...restoreRequest, "restore-mode": "merge" };
  if (own) {
    ports.tables.put(source, ...items);
    await runTask({ ...backupRequest, "total-segments": 1 }, ports);
  } else {
    const made = fullExport({ bucket: bucket.name, id: "01", files: [items.map(itemLine)] });
    fields["bucket-prefix"] = storeExport(ports.archive, bucket, made);
  }
  ports.tables.put(destination, ...before);
  const [segment] = await accepted(fields, ports);
  ports.tables.put(destination, ...written);
  const plan = segment!.plan as RestorePlan;
  const pages: ScanPage[] = [];
  const tables = intercept("tables", ports.tables, ["count"], ({ args }, run) => {
    pages.push(args[0] as ScanPage);
    return run();
  });
  const finish = (change: Partial<MessageWith<RestorePlan, TaskFinishing>> = {}, more: object = {}) =>
    finishRestore(
      {
        task: plan.task,
        attempt: 2,
        plan,
        "transferred-items": ITEMS,
        "transferred-bytes": BYTES,
        ...change,
      },
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
    ["into an empty table, from a native export: the items are counted", {}, true],
    ["from Ferry's own archive: the items are not counted", { own: true }, false],
    ["into a table that held items: the items are not counted", { before: [item(99)] }, false],
  ])("is finished %s", async (_, options, counted) => {
    const { plan, pages, finish, holders } = await segmentsDone(options);
    expect(await holders()).toBe(1);
    expect(await finish()).toStrictEqual(finished(plan));
    expect(pages.length > 0).toBe(counted);
    expect(await holders()).toBe(0);
  });

  test("is finished if the table holds more items than were restored, and fails if it holds fewer", async () => {
    const more = await segmentsDone({ written: [...items, item(99)] });
    expect(await more.finish()).toStrictEqual(finished(more.plan));
    const fewer = await segmentsDone({ written: items.slice(1) });
    await expect(fewer.finish()).rejects.toMatchObject({
      kind: "permanent",
      code: "items-missing",
      operation: "count items",
      resource,
      message:
        "The table copies in eu-west-1 was empty, and 3 lines of the archive were written, but it holds 2 items.",
      hint: expect.stringContaining("a table with other keys"),
    });
    // The restore keeps its lease, so that a retry can complete the table.
    expect(await fewer.holders()).toBe(1);
  });

  test("of an empty archive is finished with 0 items", async () => {
    const { finish, plan } = await segmentsDone({ written: [] });
    const empty = { ...plan, manifest: { ...plan.manifest, items: 0 } };
    const none = { plan: empty, "transferred-items": 0, "transferred-bytes": 0 };
    expect(await finish(none)).toMatchObject([{ type: "TaskFinished", detail: { items: 0 } }]);
  });

  test.each([
    [
      "items",
      { "transferred-items": ITEMS + 1 },
      "The segments processed 4 items, but the manifest lists 3.",
    ],
    [
      "items",
      { "transferred-items": ITEMS - 1 },
      "The segments processed 2 items, but the manifest lists 3.",
    ],
    [
      "bytes",
      { "transferred-bytes": BYTES - 1 },
      `The segments processed ${BYTES - 1} bytes, but the manifest lists ${BYTES}.`,
    ],
  ])("fails if its segments processed other %s than the manifest lists", async (_, change, message) => {
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

  test("is finished with any bytes if the export does not contain its total bytes", async () => {
    const { finish, plan } = await segmentsDone();
    expect(await finish({ "transferred-bytes": 7 })).toStrictEqual(finished(plan));
  });

  test("fails if the archive changed, or the table was created again", async () => {
    const changed = await segmentsDone();
    changed.ports.archive.remove(bucket, `${changed.plan.request["bucket-prefix"]}/manifest-files.json`);
    await expect(changed.finish()).rejects.toMatchObject({ code: "archive-changed" });
    const replaced = await segmentsDone();
    replaced.ports.tables.create(destination, { keys: [{ name: "id", type: "S" }] });
    replaced.ports.tables.put(destination, ...items);
    await expect(replaced.finish()).rejects.toMatchObject({ code: "table-replaced" });
  });

  test("continues in another invocation if its count does not fit into one", async () => {
    const { ports, plan, finish, holders } = await segmentsDone();
    const tables = intercept("tables", ports.tables, ["count"], (_, run) => {
      ports.clock.advance(lateMs);
      return run();
    });
    const shortInvocation = () => ({ tables, time: ports.clock.invocation(lateMs + 45_000) });
    const [event, ...others] = await finish({}, shortInvocation());
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

  test("is counted with pages sized by the average line and the plan's ceiling", async () => {
    const { plan, pages, finish } = await segmentsDone();
    await finish({ plan: { ...plan, "count-units": 400 }, "transferred-bytes": ITEMS * 8192 - 1 });
    // A reservation of 93 units, and two units a line.
    expect(pages[0]!.limit).toBe(46);
  });
});
