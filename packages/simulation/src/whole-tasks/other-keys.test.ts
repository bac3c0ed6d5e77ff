import { gzipSync } from "node:zlib";
import { stateOf } from "@ferry/core/projection/status";
import {
  changeLine,
  fullExport,
  incrementalExport,
  itemLine,
  type NativeExport,
  storeExport,
} from "@ferry/memory/native-export";
import { memoryTables } from "@ferry/memory/tables";
import { backupRequest, bucket, destination, restoreRequest, source } from "@ferry/memory/testing/tasks";
import { describe, expect, it } from "vitest";
import { type SmallCloud, smallCloud } from "../testing/small-cloud.ts";

/** `count` items with the keys `id` and `at`, in 97 partitions. */
const sorted = (count: number) =>
  Array.from({ length: count }, (_, n) => `{"id":{"S":"p${n % 97}"},"at":{"N":"${n}"},"v":{"S":"v${n}"}}`);

/** Distributes lines over files, neighbouring lines in one file. */
const inFiles = (lines: readonly string[], files: number) =>
  Array.from({ length: files }, (_, n) =>
    lines.filter((_line, i) => Math.floor((i * files) / lines.length) === n),
  );

const spec = { bucket: bucket.name, id: "01793487600000-a1b2c3d4" };

/** Restores an export into the table `destination`, keyed by `id`, and runs until it has ended. */
async function restored(made: NativeExport, fields: object = {}, cloud = smallCloud()): Promise<SmallCloud> {
  const prefix = storeExport(cloud.ports.archive, bucket, made);
  cloud.put("TaskRequested", { request: { ...restoreRequest, "bucket-prefix": prefix, ...fields } });
  await cloud.run();
  expect(cloud.deadLetters).toEqual([]);
  return cloud;
}

function outcome(cloud: SmallCloud) {
  const [row] = cloud.rows("restore");
  const reason = row?.reasons[0];
  return { state: row && stateOf(row), cause: reason?.cause, text: reason?.text };
}

const itemsIn = (cloud: SmallCloud) => cloud.ports.tables.items(destination).length;

describe("a full export of a table with keys id and at, restored into a table keyed by id", () => {
  const items = sorted(3000).map(itemLine);

  it.each(["empty-only", "merge", "if-absent"])(
    "fails with restore-mode %s and a reason that names file and lines",
    async (mode) => {
      const cloud = await restored(fullExport({ ...spec, files: inFiles(items, 5) }), {
        "restore-mode": mode,
      });
      expect(outcome(cloud)).toMatchObject({ state: "failed", cause: "key-schema-mismatch" });
      expect(outcome(cloud).text).toMatch(
        /Lines 1 and 98 of s3:\S+\/data\/\w+\.json\.gz are different items with the same key in the table/,
      );
      // The fault is found before a line of the file is written.
      expect(itemsIn(cloud)).toBe(0);
    },
  );

  it("also fails if the table holds items", async () => {
    const cloud = smallCloud();
    cloud.ports.tables.put(destination, '{"id":{"S":"other"}}');
    await restored(fullExport({ ...spec, files: inFiles(items, 5) }), { "restore-mode": "merge" }, cloud);
    expect(outcome(cloud)).toMatchObject({ state: "failed", cause: "key-schema-mismatch" });
  });

  it.each(["empty-only", "merge", "if-absent"])(
    "fails with restore-mode %s if items with one key are in several files, because the table holds fewer items",
    async (mode) => {
      // Each file holds each partition at most once.
      const files = Array.from({ length: 10 }, (_, n) => items.slice(n * 97, (n + 1) * 97));
      const cloud = await restored(fullExport({ ...spec, files }), { "restore-mode": mode });
      expect(outcome(cloud)).toMatchObject({ state: "failed", cause: "items-missing" });
      expect(outcome(cloud).text).toContain("970 lines of the archive were written, but it holds 97 items");
    },
  );

  it("succeeds if no two items share an id", async () => {
    const distinct = Array.from({ length: 3000 }, (_, n) => itemLine(`{"id":{"S":"k${n}"},"at":{"N":"1"}}`));
    const cloud = await restored(fullExport({ ...spec, files: inFiles(distinct, 5) }));
    expect(outcome(cloud)).toEqual({ state: "succeeded", cause: undefined, text: undefined });
    expect(itemsIn(cloud)).toBe(3000);
  });
});

describe("a line of a full export", () => {
  it.each([
    ["without a key of the table", '{"at":{"N":"1"}}', "has no key attribute id (S)"],
    [
      "with a key of another type",
      '{"id":{"N":"1"}}',
      "has the key attribute id of type N, but the table's is of type S",
    ],
  ])(
    "%s fails the task before the file is written, with a reason that names file and line",
    async (_, item, message) => {
      const lines = ['{"id":{"S":"a"}}', '{"id":{"S":"b"}}', item].map(itemLine);
      const cloud = await restored(fullExport({ ...spec, files: [lines] }));
      expect(outcome(cloud)).toMatchObject({ state: "failed", cause: "key-schema-mismatch" });
      expect(outcome(cloud).text).toMatch(/Line 3 of s3:\S+\/data\/\w+\.json\.gz has/);
      expect(outcome(cloud).text).toContain(message);
      expect(itemsIn(cloud)).toBe(0);
    },
  );

  it("that occurs twice, adjacent or not, fails the task with a reason that names both", async () => {
    for (const distance of [1, 40]) {
      const lines = Array.from({ length: 60 }, (_, n) =>
        itemLine(`{"id":{"S":"k${n === 10 + distance ? 10 : n}"}}`),
      );
      const cloud = await restored(fullExport({ ...spec, files: [lines] }));
      expect(outcome(cloud)).toMatchObject({ state: "failed", cause: "duplicate-key" });
      expect(outcome(cloud).text).toMatch(
        new RegExp(`Lines 11 and ${11 + distance} of s3:\\S+ have the same key`),
      );
    }
  });

  it("that is a delete of an incremental export fails the task with a reason that names file and line", async () => {
    const lines = [itemLine('{"id":{"S":"a"}}'), '{"Keys":{"id":{"S":"a"}}}'];
    const cloud = await restored(fullExport({ ...spec, files: [lines] }), { "restore-mode": "merge" });
    expect(outcome(cloud)).toMatchObject({ state: "failed", cause: "corrupt-file" });
    expect(outcome(cloud).text).toMatch(
      /data\/\w+\.json\.gz holds line 2, .*Keys, which belongs to incremental/,
    );
    expect(itemsIn(cloud)).toBe(0);
  });

  it("that cannot be read and is the first is rejected during planning", async () => {
    const cloud = await restored(fullExport({ ...spec, files: [['{"Item":{"id":{"S":"a"}}']] }));
    expect(outcome(cloud)).toMatchObject({ state: "rejected", cause: "corrupt-file" });
    expect(outcome(cloud).text).toContain("holds line 1, which cannot be read");
  });
});

describe("an incremental export", () => {
  const merge = { "restore-mode": "merge" };
  const put = (id: string, more = "") =>
    changeLine({ keys: `{"id":{"S":"${id}"}}`, newImage: `{"id":{"S":"${id}"}${more}}` });

  it("of a table with one key more is rejected during planning, with a reason that names both schemas", async () => {
    const keys = '{"id":{"S":"a"},"at":{"N":"1"}}';
    const cloud = await restored(
      incrementalExport({ ...spec, files: [[changeLine({ keys, newImage: keys })]] }),
      merge,
    );
    expect(outcome(cloud)).toMatchObject({ state: "rejected", cause: "key-schema-mismatch" });
    expect(outcome(cloud).text).toContain("has the keys id (S); the archive's items have id (S), at (N)");
  });

  it.each([
    [
      "names other keys",
      changeLine({ keys: '{"id":{"S":"b"},"at":{"N":"1"}}', newImage: '{"id":{"S":"b"},"at":{"N":"1"}}' }),
      { cause: "key-schema-mismatch", text: "gz has the keys id, at, but the table has id (S)" },
    ],
    [
      "deletes by a key of another type",
      changeLine({ keys: '{"id":{"N":"1"}}' }),
      { cause: "key-schema-mismatch", text: "gz has the key attribute id of type N" },
    ],
    [
      "has an image of another key",
      changeLine({ keys: '{"id":{"S":"b"}}', newImage: '{"id":{"S":"c"}}' }),
      {
        cause: "corrupt-file",
        text: "holds line 2, which cannot be read: the keys in its NewImage and Keys differ",
      },
    ],
    [
      "changes a key again",
      changeLine({ keys: '{"id":{"S":"a"}}' }),
      { cause: "duplicate-key", text: "gz have the same key" },
    ],
    [
      "is a whole item",
      itemLine('{"id":{"S":"b"}}'),
      { cause: "corrupt-file", text: "holds line 2, which cannot be read: a line has Item" },
    ],
  ])("with a line that %s fails with a reason that names file and line", async (_, line, { cause, text }) => {
    const cloud = await restored(incrementalExport({ ...spec, files: [[put("a"), line]] }), merge);
    expect(outcome(cloud)).toMatchObject({ state: "failed", cause });
    expect(outcome(cloud).text).toContain(text);
    expect(outcome(cloud).text).toMatch(/data\/\w+\.json\.gz/);
    expect(itemsIn(cloud)).toBe(0);
  });

  it("is applied if its keys are the table's, without a count of the table", async () => {
    const cloud = await restored(
      incrementalExport({
        ...spec,
        files: [[put("a"), put("b", ',"v":{"N":"1"}')], [changeLine({ keys: '{"id":{"S":"c"}}' })]],
      }),
      merge,
    );
    expect(outcome(cloud).state).toBe("succeeded");
    expect(itemsIn(cloud)).toBe(2);
  });
});

describe("the count of a table that was empty", () => {
  const lines = Array.from({ length: 500 }, (_, n) => itemLine(`{"id":{"S":"k${n}"}}`));

  it("is not made if the table held items", async () => {
    const count = () => Promise.reject(new Error("counted"));
    const cloud = smallCloud({ tables: { ...memoryTables(), count } });
    cloud.ports.tables.put(destination, '{"id":{"S":"k1"}}', '{"id":{"S":"other"}}');
    await restored(fullExport({ ...spec, files: [lines] }), { "restore-mode": "merge" }, cloud);
    expect(outcome(cloud).state).toBe("succeeded");
  });

  it("includes items that the application put meanwhile, and does not fail the task", async () => {
    const cloud = smallCloud();
    const prefix = storeExport(cloud.ports.archive, bucket, fullExport({ ...spec, files: [lines] }));
    cloud.put("TaskRequested", {
      request: { ...restoreRequest, "bucket-prefix": prefix, "restore-mode": "merge" },
    });
    await cloud.run({ until: () => itemsIn(cloud) > 0 });
    cloud.ports.tables.put(destination, '{"id":{"S":"application"}}');
    await cloud.run();
    expect(outcome(cloud).state).toBe("succeeded");
  });

  it("fails the task if an item is missing at its end", async () => {
    const cloud = smallCloud();
    const prefix = storeExport(cloud.ports.archive, bucket, fullExport({ ...spec, files: [lines] }));
    cloud.put("TaskRequested", { request: { ...restoreRequest, "bucket-prefix": prefix } });
    await cloud.run({ until: () => itemsIn(cloud) === 500 });
    cloud.ports.tables.remove(destination, { id: { S: "k7" } });
    await cloud.run();
    expect(outcome(cloud)).toMatchObject({ state: "failed", cause: "items-missing" });
    expect(outcome(cloud).text).toContain("500 lines of the archive were written, but it holds 499 items");
  });

  it("continues in another invocation if one is too short", async () => {
    const tables = memoryTables({ pageBytes: 200 });
    const cloud = smallCloud({
      tables: {
        ...tables,
        // Two minutes per page: an invocation has time for a few pages.
        count: async (page) => {
          cloud.ports.clock.advance(120_000);
          return tables.count(page);
        },
      },
    });
    await restored(fullExport({ ...spec, files: [lines] }), {}, cloud);
    expect(outcome(cloud).state).toBe("succeeded");
    const finishing = cloud.events.filter((event) => event["detail-type"] === "TaskFinishing");
    expect(finishing.length).toBeGreaterThan(3);
    expect(finishing.at(-1)?.detail).toMatchObject({ counted: { segments: 1, next: 1 } });
  });

  it("fails the task if several invocations in a row count nothing", async () => {
    let throttled = false;
    const tables = memoryTables({ faults: { scan: () => (throttled ? "throttled" : undefined) } });
    const cloud = smallCloud({ tables });
    const prefix = storeExport(cloud.ports.archive, bucket, fullExport({ ...spec, files: [lines] }));
    cloud.put("TaskRequested", { request: { ...restoreRequest, "bucket-prefix": prefix } });
    await cloud.run({ until: () => itemsIn(cloud) === 500 });
    throttled = true;
    await cloud.run();
    expect(outcome(cloud)).toMatchObject({ state: "failed", cause: "no-progress" });
    throttled = false;
    const { key, timestamp } = cloud.rows("restore")[0]!;
    cloud.put("TaskRetryRequested", { task: { action: "restore", key, timestamp } });
    await cloud.run();
    expect(outcome(cloud).state).toBe("succeeded");
  });

  it("uses at most half of the read capacity of a provisioned table", async () => {
    const cloud = smallCloud();
    cloud.ports.tables.drop(destination);
    cloud.ports.tables.create(destination, {
      keys: [{ name: "id", type: "S" }],
      provisioned: { readUnits: 4, writeUnits: 1000 },
    });
    const filler = "x".repeat(4000);
    const large = Array.from({ length: 100 }, (_, n) =>
      itemLine(`{"id":{"S":"k${n}"},"x":{"S":"${filler}"}}`),
    );
    const prefix = storeExport(cloud.ports.archive, bucket, fullExport({ ...spec, files: [large] }));
    cloud.put("TaskRequested", { request: { ...restoreRequest, "bucket-prefix": prefix } });
    await cloud.run({
      until: () => cloud.waiting.some(({ message }) => message.event["detail-type"] === "TaskFinishing"),
    });
    const startMs = cloud.ports.clock.now();
    await cloud.run();
    expect(outcome(cloud).state).toBe("succeeded");
    // 100 units at two per second.
    expect(cloud.ports.clock.now() - startMs).toBeGreaterThan(45_000);
  });
});

describe("an archive of Ferry's whose data file was replaced by another program", () => {
  /** Makes an archive of Ferry's with these lines as its only data file, and a matching manifest. */
  async function rewritten(lines: readonly string[], cloud: SmallCloud): Promise<string> {
    const { archive, codec, tables } = cloud.ports;
    tables.put(source, '{"id":{"S":"a"}}');
    cloud.put("TaskRequested", { request: { ...backupRequest, "total-segments": 1 } });
    await cloud.run();
    const key = "backups/one/0x0000/0x00000000.json.gz";
    const text = lines.map((line) => `${line}\n`).join("");
    const body = new Uint8Array(gzipSync(text));
    const entry = { itemCount: lines.length, md5Checksum: codec.md5(body), etag: "e", dataFileS3Key: key };
    const list = new TextEncoder().encode(`${JSON.stringify(entry)}\n`);
    const summaryKey = "backups/one/manifest-summary.json";
    const summary = JSON.parse(new TextDecoder().decode((await archive.get(bucket, summaryKey))!.body));
    const ferry = { ...summary.ferry, bytes: text.length, "manifest-files-md5": codec.md5(list) };
    const changed = { ...summary, itemCount: lines.length, ferry };
    archive.store(bucket, key, body);
    archive.store(bucket, "backups/one/manifest-files.json", list);
    archive.store(bucket, summaryKey, new TextEncoder().encode(JSON.stringify(changed)));
    return key;
  }
  const items = (count: number) => Array.from({ length: count }, (_, n) => `{"id":{"S":"k${n}"}}`);

  it.each([
    [
      "two lines of one key",
      [...items(60), '{"id":{"S":"k59"}}'],
      "duplicate-key",
      "Lines 60 and 61 of s3://archives/",
    ],
    [
      "a line without its key",
      [...items(60), '{"x":{"S":"y"}}'],
      "key-schema-mismatch",
      "Line 61 of s3://archives/",
    ],
    [
      "an empty key",
      [...items(60), '{"id":{"S":""}}'],
      "invalid-request",
      "refused lines 51 to 61 of s3://archives/",
    ],
  ])("fails for %s in one call, with a reason that names file and lines", async (_, lines, cause, text) => {
    const cloud = smallCloud();
    const key = await rewritten(lines.map(itemLine), cloud);
    cloud.put("TaskRequested", { request: restoreRequest });
    await cloud.run();
    expect(outcome(cloud)).toMatchObject({ state: "failed", cause });
    expect(outcome(cloud).text).toContain(text);
    expect(outcome(cloud).text).toContain(key);
  });

  it("is restored without a count, because its key schema is known", async () => {
    const tables = memoryTables();
    let counts = 0;
    const count: typeof tables.count = (page) => {
      counts++;
      return tables.count(page);
    };
    const cloud = smallCloud({ tables: { ...tables, count } });
    await rewritten(items(60).map(itemLine), cloud);
    cloud.put("TaskRequested", { request: restoreRequest });
    await cloud.run();
    expect(outcome(cloud).state).toBe("succeeded");
    expect(counts).toBe(0);
    // A manifest without Ferry's part does not have the key schema: its restore counts the table.
    await restored(
      fullExport({ ...spec, files: [[itemLine('{"id":{"S":"x"}}')]] }),
      {},
      smallCloud({ tables: { ...tables, count } }),
    );
    expect(counts).toBe(1);
  });
});
