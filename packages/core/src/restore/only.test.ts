import { intercept } from "@ferry/memory/intercept";
import {
  changeLine,
  fullExport,
  incrementalExport,
  itemLine,
  storeExport,
} from "@ferry/memory/native-export";
import {
  accepted,
  backupRequest,
  bucket,
  destination,
  request,
  restoreRequest,
  runTask,
  sliceToEnd,
  source,
  world,
} from "@ferry/memory/testing/tasks";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { RestorePlan } from "../events/events.ts";
import { defaultSettings } from "../settings/settings.ts";
import { itemsArbitrary, oddJson } from "../testing/odd-json.ts";

const item = (n: number, of = "old") => `{"of":{"S":"${of}"},"id":{"S":"item-${n}"}}`;
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const restored = (ports: ReturnType<typeof world>) => ports.tables.items(destination).map(decode).sort();
const ids = (...numbers: number[]) => numbers.map((n) => ({ id: { S: `item-${n}` } }));

async function backedUp(items: readonly string[], ports = world(), backup: object = {}) {
  ports.tables.put(source, ...items);
  await runTask({ ...backupRequest, ...backup }, ports);
  return ports;
}

describe("a restore with only", () => {
  test("given any items, then the table holds exactly those that a filter over parsed items selects, byte for byte", async () => {
    await fc.assert(
      fc.asyncProperty(
        itemsArbitrary(30).chain((items) => fc.tuple(...items.map((one) => oddJson(fc.constant(one))))),
        fc.uniqueArray(fc.nat(35), { minLength: 1, maxLength: 10 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 600 }),
        async (items, numbers, segments, batchBytes) => {
          const texts = items.map(({ text }) => text.trim().replace(/[\r\n]/g, " "));
          const ports = await backedUp(texts, world(), { "batch-bytes": batchBytes });
          const only = ids(...numbers);
          const events = await runTask({ ...restoreRequest, "total-segments": segments, only }, ports);
          // All lines were read.
          expect(events).toMatchObject([{ type: "TaskFinished", detail: { items: texts.length } }]);
          const wanted = new Set(only.map(({ id }) => id.S));
          const isWanted = (text: string) => wanted.has(JSON.parse(text).id.S);
          expect(restored(ports)).toEqual(texts.filter(isWanted).sort());
        },
      ),
      { numRuns: 30 },
    );
  });

  test("counts every line that it read, and those that it wrote as matched", async () => {
    const ports = await backedUp(Array.from({ length: 300 }, (_, n) => item(n)));
    const only = [...ids(3, 299), ...ids(1000)];
    const [segment] = await accepted({ ...restoreRequest, "total-segments": 1, only }, ports);
    const { event } = await sliceToEnd(segment!, ports);
    const { bytes } = (segment!.plan as RestorePlan).manifest;
    expect(event).toMatchObject({
      type: "SegmentCompleted",
      detail: { counts: { items: 300, bytes, matched: 2 } },
    });
    expect(restored(ports)).toEqual([item(299), item(3)]);
  });

  test("given that nothing matches, then it reads the whole archive, writes nothing and ends", async () => {
    const ports = await backedUp([item(1), item(2)]);
    const calls: string[] = [];
    const tables = intercept("tables", ports.tables, ["write", "insert"], ({ method }, run) => {
      calls.push(method);
      return run();
    });
    const [segment] = await accepted(
      { ...restoreRequest, "total-segments": 1, only: ids(9) },
      { ...ports, tables },
    );
    const { event } = await sliceToEnd(segment!, { ...ports, tables });
    expect(event?.detail).toMatchObject({ counts: { items: 2, batches: 1, matched: 0 } });
    expect(calls).toEqual([]);
  });

  test("given too little time, then it hands off inside a file, and each line and match is counted once", async () => {
    // A megabyte is a block.
    const wide = (n: number) => `{"id":{"S":"item-${n}"},"f":{"S":"${"x".repeat(300_000)}"}}`;
    const settings = { ...defaultSettings, sliceBudgetMs: 3000 };
    const items = Array.from({ length: 40 }, (_, n) => wide(n));
    const plain = await backedUp(items, world({ settings }), {
      "total-segments": 1,
      "batch-bytes": 20_000_000,
    });
    const numbers = items.map((_, n) => n).filter((n) => n % 5 === 0);
    const [segment] = await accepted(
      { ...restoreRequest, "total-segments": 1, only: ids(...numbers) },
      plain,
    );
    const tables = intercept("tables", plain.tables, ["write"], (_, run) => {
      plain.clock.advance(1200);
      return run();
    });
    const { event, slices } = await sliceToEnd(segment!, { ...plain, tables });
    expect(slices).toBeGreaterThan(1);
    expect(event).toMatchObject({ type: "SegmentCompleted", detail: { counts: { items: 40, matched: 8 } } });
    expect(restored(plain)).toEqual(numbers.map(wide).sort());
  });

  test("given if-absent, then skipped counts of the matched items those whose key is taken", async () => {
    const ports = await backedUp([1, 2, 3, 4].map((n) => item(n)));
    ports.tables.put(destination, item(1, "app"), item(2, "app"));
    const fields = { "total-segments": 1, "restore-mode": "if-absent", only: ids(2, 3) };
    const [segment] = await accepted({ ...restoreRequest, ...fields }, ports);
    const { event } = await sliceToEnd(segment!, ports);
    expect(event?.detail).toMatchObject({ counts: { items: 4, matched: 2, skipped: 1 } });
    expect(restored(ports)).toEqual([item(1, "app"), item(2, "app"), item(3)]);
  });

  test("whose keys do not fit the table is rejected by name", async () => {
    const ports = await backedUp([item(1)]);
    const answer = await request({ ...restoreRequest, only: [...ids(1), { id: { N: "1" } }] }, ports);
    expect(answer).toMatchObject([
      {
        type: "TaskRejected",
        detail: {
          cause: "only-mismatch",
          error: {
            message:
              "The table copies in eu-west-1 does not have the keys that only names: only[1] has id of type N, but the table's is of type S; the table's keys are id (S).",
          },
        },
      },
    ]);
  });
});

describe("a restore with only of DynamoDB's own export", () => {
  const spec = { bucket: bucket.name, id: "01-a" };
  const fields = { ...restoreRequest, "bucket-prefix": `AWSDynamoDB/${spec.id}` };

  test("writes the items of a full export, and does not count the table", async () => {
    const ports = world();
    const files = [[item(1), item(2)].map(itemLine), [itemLine(` ${item(3)} `)]];
    storeExport(ports.archive, bucket, fullExport({ ...spec, files }));
    const [segment] = await accepted({ ...fields, only: ids(2, 3) }, ports);
    expect(segment!.plan).not.toHaveProperty("items-before");
    expect(await runTask({ ...fields, only: ids(2, 3) }, ports)).toMatchObject([{ type: "TaskFinished" }]);
    expect(restored(ports)).toEqual([item(2), item(3)]);
  });

  test("applies an incremental export's changes of the named keys, deletes too", async () => {
    const ports = world();
    ports.tables.put(destination, item(1), item(2), item(3));
    const key = (n: number) => `{"id":{"S":"item-${n}"}}`;
    const files = [
      [
        changeLine({ keys: key(1) }),
        changeLine({ keys: key(2) }),
        changeLine({ keys: key(3), newImage: item(3, "new") }),
        changeLine({ keys: key(4), newImage: item(4, "new") }),
      ],
    ];
    storeExport(ports.archive, bucket, incrementalExport({ ...spec, files }));
    const restore = { ...fields, "restore-mode": "merge", only: ids(1, 3, 9) };
    expect(await runTask(restore, ports)).toMatchObject([{ type: "TaskFinished", detail: { items: 4 } }]);
    expect(restored(ports)).toEqual([item(2), item(3, "new")].sort());
  });
});
