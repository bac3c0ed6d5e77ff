import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import type { TableLeases } from "@ferry/core/ports";
import { stateOf, type TaskRow } from "@ferry/core/projection/status";
import { bucket, destination, message, restoreRequest } from "@ferry/core/testing/tasks";
import { work } from "@ferry/core/worker";
import { memoryTableLeases } from "@ferry/memory/table-leases";
import { describe, expect, test } from "vitest";
import { onlyFrom, type SmallCloud, smallCloud } from "../testing/small-cloud.ts";

const DAY_MS = 24 * 3_600_000;
const keys = [{ name: "id", type: "S" }] as const;
const item = (id: string, v: string) => `{"id":{"S":"${id}"},"v":{"S":"${v}"}}`;
const keyed = (prefix: string, v: string, count: number) =>
  Array.from({ length: count }, (_, i) => item(`${prefix}${i}`, v));
const arn = async (cloud: SmallCloud) => (await cloud.ports.tables.describe(destination)).arn;

/** Puts an export of DynamoDB's under a prefix: one file for each list of lines. */
function plant(cloud: SmallCloud, prefix: string, lines: readonly string[][], summary: object = {}): void {
  const put = (key: string, body: string | Uint8Array) =>
    cloud.ports.archive.plant(bucket, key, typeof body === "string" ? new TextEncoder().encode(body) : body);
  const listed = lines.map((file, i) => {
    const body = new Uint8Array(gzipSync(file.map((line) => `${line}\n`).join("")));
    const dataFileS3Key = `${prefix}/data/f${i}.json.gz`;
    put(dataFileS3Key, body);
    const md5Checksum = createHash("md5").update(body).digest("base64");
    return { itemCount: file.length, md5Checksum, etag: "e", dataFileS3Key };
  });
  put(`${prefix}/manifest-files.json`, listed.map((file) => `${JSON.stringify(file)}\n`).join(""));
  put(
    `${prefix}/manifest-summary.json`,
    JSON.stringify({
      version: "exportType" in summary ? "2023-08-01" : "2020-06-30",
      manifestFilesS3Key: `${prefix}/manifest-files.json`,
      itemCount: lines.flat().length,
      outputFormat: "DYNAMODB_JSON",
      ...summary,
    }),
  );
}

const full = (cloud: SmallCloud, prefix: string, items: readonly string[][], exportTime?: string) =>
  plant(
    cloud,
    prefix,
    items.map((file) => file.map((one) => `{"Item":${one}}`)),
    exportTime === undefined ? {} : { exportTime },
  );
const incremental = (cloud: SmallCloud, prefix: string, from: string, to: string, v = prefix) =>
  plant(cloud, prefix, [[`{"Keys":{"id":{"S":"a"}},"NewImage":${item("a", v)}}`]], {
    exportType: "INCREMENTAL_EXPORT",
    exportFromTime: from,
    exportToTime: to,
  });

function ask(cloud: SmallCloud, prefix: string, about: object = {}): void {
  cloud.put("TaskRequested", {
    request: { ...restoreRequest, "bucket-prefix": prefix, ...about },
    "request-id": `request-${prefix}-${cloud.events.length}`,
  });
}
const merge = { "restore-mode": "merge" };
/** Plans every request that waits before anything else happens. */
const planFirst = (waiting: Parameters<ReturnType<typeof onlyFrom>>[0]) =>
  Math.max(
    0,
    waiting.findIndex(({ message }) => message.event["detail-type"] === "TaskRequested"),
  );
const taskOf = ({ action, key, timestamp }: TaskRow) => ({ action, key, timestamp });
const outcomes = (cloud: SmallCloud) =>
  cloud.rows("restore").map((row) => [stateOf(row), ...row.reasons.map(({ cause }) => cause)].join(" "));
const valuesOf = (cloud: SmallCloud) => {
  const counts: Record<string, number> = {};
  for (const bytes of cloud.ports.tables.items(destination)) {
    const { v } = JSON.parse(new TextDecoder().decode(bytes));
    counts[v.S] = (counts[v.S] ?? 0) + 1;
  }
  return counts;
};

/** Cancels a restore when its first file is in the table, and lets it end. */
async function cancelHalfWay(cloud: SmallCloud): Promise<TaskRow> {
  await cloud.run({
    pick: (waiting) => Math.max(0, onlyFrom("projection-queue")(waiting)),
    until: () => cloud.ports.tables.items(destination).length > 0,
  });
  const row = cloud.rows("restore").at(-1)!;
  cloud.put("TaskCancelRequested", { task: taskOf(row), attempt: 1 });
  await cloud.run({ pick: (waiting) => Math.max(0, onlyFrom("projection-queue")(waiting)) });
  expect(stateOf(cloud.rows("restore").at(-1)!)).toBe("cancelled");
  return cloud.rows("restore").at(-1)!;
}

describe("a restore that is rejected after it took the lease", () => {
  const holders = async (cloud: SmallCloud) =>
    (await cloud.ports.leases.read(await arn(cloud)))?.holders ?? [];

  test("gives the lease back itself: its row may be written late", async () => {
    const cloud = smallCloud();
    full(cloud, "a", [keyed("k", "A", 10)]);
    cloud.ports.tables.put(destination, item("there", "before"));
    ask(cloud, "a");
    await cloud.run({ pick: onlyFrom("restore-queue") });
    expect(cloud.events.map((event) => event["detail-type"])).toEqual(["TaskRequested", "TaskRejected"]);
    expect(await holders(cloud)).toEqual([]);
    ask(cloud, "a", merge);
    await cloud.run();
    expect(outcomes(cloud)).toEqual(["rejected table-not-empty", "succeeded"]);
  });

  test("keeps the lease, where another delivery of its request took it, too, and may have been accepted", async () => {
    const cloud = smallCloud();
    full(cloud, "a", [keyed("k", "A", 10)]);
    ask(cloud, "a");
    const { events, ports } = cloud;
    cloud.deliver(events[0]!);
    // While the first delivery looks whether the table is empty, the second is accepted, and its first items are written.
    const { scan } = ports.tables;
    let isFirst = true;
    ports.tables.scan = async (page) => {
      if (!isFirst) return scan(page);
      isFirst = false;
      await cloud.run({ pick: onlyFrom("restore-queue"), until: () => events.length > 1 });
      ports.tables.put(destination, item("k0", "A"));
      return scan(page);
    };
    await cloud.run({ pick: onlyFrom("restore-queue"), until: () => events.length > 2 });
    expect(events.slice(1).map((event) => event["detail-type"])).toEqual(["TaskAccepted", "TaskRejected"]);
    expect(await holders(cloud)).toMatchObject([{ takes: 2 }]);
  });
});

describe("two restores into one table at once", () => {
  test("given two that need it empty, the second is refused and names the first", async () => {
    const cloud = smallCloud();
    full(cloud, "a", [keyed("k", "A", 100)]);
    full(cloud, "b", [keyed("k", "B", 60), keyed("z", "B", 40)]);
    ask(cloud, "a");
    ask(cloud, "b");
    await cloud.run({ pick: planFirst });
    const [first, second] = cloud.rows("restore");
    expect(outcomes(cloud)).toEqual(["succeeded", "rejected table-leased"]);
    expect(second!.reasons[0]!.text).toContain(`${first!.key}@${first!.timestamp}`);
    expect(valuesOf(cloud)).toEqual({ A: 100 });
  });

  test.each([
    ["empty-only", "merge"],
    ["empty-only", "if-absent"],
    ["merge", "empty-only"],
    ["if-absent", "empty-only"],
  ])("given %s and then %s, the second is refused", async (one, other) => {
    const cloud = smallCloud();
    full(cloud, "a", [keyed("k", "A", 10)]);
    full(cloud, "b", [keyed("k", "B", 10)]);
    ask(cloud, "a", { "restore-mode": one });
    ask(cloud, "b", { "restore-mode": other });
    await cloud.run({ pick: planFirst });
    expect(outcomes(cloud)).toEqual(["succeeded", "rejected table-leased"]);
    expect(valuesOf(cloud)).toEqual({ A: 10 });
  });

  test("given two that merge, both go on", async () => {
    const cloud = smallCloud();
    full(cloud, "a", [keyed("a", "A", 10)]);
    full(cloud, "b", [keyed("b", "B", 10)]);
    ask(cloud, "a", merge);
    ask(cloud, "b", merge);
    await cloud.run({ pick: planFirst });
    expect(outcomes(cloud)).toEqual(["succeeded", "succeeded"]);
    expect(valuesOf(cloud)).toEqual({ A: 10, B: 10 });
    expect((await cloud.ports.leases.read(await arn(cloud)))?.holders).toEqual([]);
  });

  test("given an incremental export and a merge, the second is refused", async () => {
    const cloud = smallCloud();
    incremental(cloud, "a", "2026-11-01T00:00:00Z", "2026-11-01T01:00:00Z");
    full(cloud, "b", [keyed("k", "B", 10)]);
    ask(cloud, "a", merge);
    ask(cloud, "b", merge);
    await cloud.run({ pick: planFirst });
    expect(outcomes(cloud)).toEqual(["succeeded", "rejected table-leased"]);
  });

  test("given two plans at the same moment, exactly one has the table", async () => {
    const memory = memoryTableLeases();
    const readers: (() => void)[] = [];
    // Both have read before either writes.
    const leases: TableLeases = {
      ...memory,
      async read(tableArn) {
        const read = await memory.read(tableArn);
        if (readers.length < 2)
          await new Promise<void>((resolve) => {
            readers.push(resolve);
            if (readers.length === 2) for (const go of readers) go();
          });
        return read;
      },
    };
    const cloud = smallCloud({ leases });
    full(cloud, "a", [keyed("k", "A", 10)]);
    full(cloud, "b", [keyed("k", "B", 10)]);
    ask(cloud, "a");
    ask(cloud, "b");
    await Promise.all([cloud.run({ pick: planFirst }), cloud.run({ pick: planFirst })]);
    expect(outcomes(cloud).sort()).toEqual(["rejected table-leased", "succeeded"]);
  });
});

describe("the lease of a table", () => {
  test("is had again by a plan that is delivered again", async () => {
    const cloud = smallCloud();
    full(cloud, "a", [keyed("k", "A", 10)]);
    ask(cloud, "a");
    cloud.deliver(cloud.events.at(-1)!);
    await cloud.run({ pick: planFirst });
    expect(outcomes(cloud)).toEqual(["succeeded"]);
  });

  test("is free once its restore succeeded, although the row has not heard of it", async () => {
    const cloud = smallCloud();
    full(cloud, "a", [keyed("k", "A", 10)]);
    ask(cloud, "a");
    await cloud.run();
    expect((await cloud.ports.leases.read(await arn(cloud)))?.holders).toEqual([]);
  });

  test("is taken over from a task that has ended, and from no other", async () => {
    const cloud = smallCloud();
    full(cloud, "a", [keyed("a", "A", 10), keyed("b", "A", 10)]);
    full(cloud, "b", [keyed("c", "B", 10)]);
    ask(cloud, "a", { "total-segments": 2 });
    await cancelHalfWay(cloud);
    ask(cloud, "b", merge);
    await cloud.run();
    expect(outcomes(cloud)[1]).toBe("succeeded");
  });

  test("is refused to a retry whose table another restore has taken since", async () => {
    const cloud = smallCloud();
    full(cloud, "a", [keyed("a", "A", 10), keyed("b", "A", 10)]);
    incremental(cloud, "b", "2026-11-01T00:00:00Z", "2026-11-01T01:00:00Z");
    ask(cloud, "a", { "total-segments": 2 });
    const row = await cancelHalfWay(cloud);
    ask(cloud, "b", merge);
    await cloud.run({ until: () => cloud.rows("restore").length === 2 });
    cloud.put("TaskRetryRequested", { task: taskOf(row), attempt: 1 });
    await cloud.run({
      pick: (waiting) =>
        Math.max(
          0,
          waiting.findIndex(({ message }) => message.event["detail-type"] === "TaskRetryRequested"),
        ),
    });
    expect(outcomes(cloud)).toEqual([expect.stringContaining("cancelled"), "succeeded"]);
    expect(
      cloud.events.find(({ detail }) => (detail as { cause?: string }).cause === "table-leased"),
    ).toBeDefined();
  });

  test("is kept by a retry of which the row has not heard", async () => {
    const cloud = smallCloud();
    full(cloud, "a", [keyed("a", "A", 10), keyed("b", "A", 10)]);
    full(cloud, "b", [keyed("c", "B", 10)]);
    ask(cloud, "a", { "total-segments": 2 });
    const row = await cancelHalfWay(cloud);
    cloud.put("TaskRetryRequested", { task: taskOf(row), attempt: 1 });
    await cloud.run({
      pick: onlyFrom("restore-queue"),
      until: () => cloud.events.at(-1)!["detail-type"] === "TaskAccepted",
    });
    ask(cloud, "b", merge);
    await cloud.run({ pick: planFirst });
    expect(outcomes(cloud)).toEqual([expect.stringContaining("succeeded"), "rejected table-leased"]);
    expect(valuesOf(cloud)).toEqual({ A: 20 });
  });

  test("ends with its attempt's deadline, whatever became of the task", async () => {
    const cloud = smallCloud();
    full(cloud, "a", [keyed("a", "A", 10)]);
    full(cloud, "b", [keyed("b", "B", 10)]);
    ask(cloud, "a");
    await cloud.run({ until: () => cloud.rows("restore").length === 1 });
    cloud.ports.clock.advance(6 * DAY_MS);
    ask(cloud, "b", merge);
    await cloud.run({ pick: planFirst, until: () => cloud.rows("restore").length === 2 });
    expect(outcomes(cloud)[1]).toBe("rejected table-leased");
    cloud.ports.clock.advance(2 * DAY_MS);
    ask(cloud, "b", merge);
    await cloud.run({ pick: planFirst });
    expect(outcomes(cloud).slice(2)).toEqual(["succeeded"]);
  });
});

describe("a retry of a restore that needed an empty table", () => {
  test("goes on where the restore has only to be finished, although it gave its lease back", async () => {
    const cloud = smallCloud();
    full(cloud, "a", [keyed("a", "A", 10)]);
    ask(cloud, "a");
    await cloud.run({ until: () => outcomes(cloud)[0] === "finishing" });
    // The worker finishes the restore, and what it says is lost.
    const finishing = cloud.events.find((event) => event["detail-type"] === "TaskFinishing")!;
    const time = cloud.ports.clock.invocation(900_000);
    const [finished] = await work(message("TaskFinishing", finishing.detail), { ...cloud.ports, time });
    expect(finished).toMatchObject({ type: "TaskFinished" });
    cloud.put("TaskRetryRequested", { task: taskOf(cloud.rows("restore")[0]!), attempt: 1 });
    const isLost = (one: unknown) => JSON.stringify(one) === JSON.stringify(finishing);
    await cloud.run({ pick: (waiting) => waiting.findIndex((one) => !isLost(one.message.event)) });
    expect(outcomes(cloud)).toEqual(["succeeded"]);
    expect(valuesOf(cloud)).toEqual({ A: 10 });
  });

  test("is refused where another restore had the table since, even one that has ended", async () => {
    const cloud = smallCloud();
    full(cloud, "a", [keyed("a", "A", 10), keyed("b", "A", 10)]);
    full(cloud, "b", [keyed("c", "B", 10)]);
    ask(cloud, "a", { "total-segments": 2 });
    const row = await cancelHalfWay(cloud);
    ask(cloud, "b", merge);
    await cloud.run();
    const there = valuesOf(cloud);
    cloud.put("TaskRetryRequested", { task: taskOf(row), attempt: 1 });
    await cloud.run();
    expect(outcomes(cloud)).toEqual([expect.stringContaining("cancelled"), "succeeded"]);
    expect(valuesOf(cloud)).toEqual(there);
    expect(
      cloud.events.find(({ detail }) => (detail as { cause?: string }).cause === "table-used"),
    ).toBeDefined();
  });

  test("does not overwrite what the application wrote since", async () => {
    const cloud = smallCloud();
    full(cloud, "p", [keyed("f0-", "archive", 25), keyed("f1-", "archive", 25)]);
    ask(cloud, "p", { "total-segments": 2 });
    const row = await cancelHalfWay(cloud);
    cloud.ports.tables.put(
      destination,
      ...keyed("f0-", "application", 20),
      ...keyed("f1-", "application", 20),
    );
    cloud.put("TaskRetryRequested", { task: taskOf(row), attempt: 1 });
    await cloud.run();
    expect(stateOf(cloud.rows("restore")[0]!)).toBe("succeeded");
    expect(valuesOf(cloud)).toEqual({ application: 40, archive: 10 });
  });
});

describe("an incremental export", () => {
  const T = (hour: number) => `2026-11-01T${String(hour).padStart(2, "0")}:00:00Z`;
  const ISO = (hour: number) => T(hour).replace("Z", ".000Z");

  test("whose time range ends before that of the last one is refused, naming both", async () => {
    const cloud = smallCloud();
    incremental(cloud, "w1", T(1), T(2));
    incremental(cloud, "w2", T(2), T(3));
    for (const prefix of ["w2", "w1"]) {
      ask(cloud, prefix, merge);
      await cloud.run();
    }
    expect(outcomes(cloud)).toEqual(["succeeded", "rejected window-out-of-order"]);
    const { text } = cloud.rows("restore")[1]!.reasons[0]!;
    for (const hour of [1, 2, 3]) expect(text).toContain(ISO(hour));
    expect(valuesOf(cloud)).toEqual({ w2: 1 });
  });

  test("is taken in order, again, overlapping, or out of order where the request says so", async () => {
    const cloud = smallCloud();
    incremental(cloud, "w1", T(1), T(2));
    incremental(cloud, "w2", T(2), T(3));
    incremental(cloud, "wide", T(1), T(4));
    const asked = [["w1"], ["w2"], ["w2"], ["wide"], ["w1", { "out-of-order": true }], ["w2"]] as const;
    for (const [prefix, about] of asked) {
      ask(cloud, prefix, { ...merge, ...about });
      await cloud.run();
    }
    expect(outcomes(cloud)).toEqual([...Array(5).fill("succeeded"), "rejected window-out-of-order"]);
  });

  test("that ends before the full export in the table was made is refused", async () => {
    const cloud = smallCloud();
    full(cloud, "full", [[item("a", "full")]], T(5));
    incremental(cloud, "old", T(3), T(4));
    incremental(cloud, "new", T(4), T(6));
    for (const [prefix, about] of [
      ["full", {}],
      ["old", merge],
      ["new", merge],
    ] as const) {
      ask(cloud, prefix, about);
      await cloud.run();
    }
    expect(outcomes(cloud)).toEqual(["succeeded", "rejected window-out-of-order", "succeeded"]);
    expect(valuesOf(cloud)).toEqual({ new: 1 });
  });

  test("is retried and asked for again after it failed; a later one waits for it", async () => {
    const cloud = smallCloud();
    plant(
      cloud,
      "w1",
      [
        [`{"Keys":{"id":{"S":"a"}},"NewImage":${item("a", "w1")}}`],
        [`{"Keys":{"id":{"S":"b"}},"NewImage":${item("b", "w1")}}`],
      ],
      { exportType: "INCREMENTAL_EXPORT", exportFromTime: T(1), exportToTime: T(2) },
    );
    incremental(cloud, "w2", T(2), T(3));
    ask(cloud, "w1", { ...merge, "total-segments": 2 });
    const row = await cancelHalfWay(cloud);
    ask(cloud, "w2", merge);
    await cloud.run();
    expect(outcomes(cloud)[1]).toBe("rejected window-out-of-order");
    cloud.put("TaskRetryRequested", { task: taskOf(row), attempt: 1 });
    await cloud.run();
    ask(cloud, "w2", merge);
    await cloud.run();
    expect(outcomes(cloud).map((one) => one.split(" ")[0])).toEqual(["succeeded", "rejected", "succeeded"]);
  });

  test("that does not say where its time range begins can be retried", async () => {
    const cloud = smallCloud();
    const files = ["a", "b"].map((id) => [`{"Keys":{"id":{"S":"${id}"}},"NewImage":${item(id, "w")}}`]);
    plant(cloud, "w", files, { exportType: "INCREMENTAL_EXPORT", exportToTime: T(2) });
    ask(cloud, "w", { ...merge, "total-segments": 2 });
    const row = await cancelHalfWay(cloud);
    cloud.put("TaskRetryRequested", { task: taskOf(row), attempt: 1 });
    await cloud.run();
    expect(stateOf(cloud.rows("restore")[0]!)).toBe("succeeded");
  });

  test("into a table that was created again is taken, whatever its predecessor had", async () => {
    const cloud = smallCloud();
    incremental(cloud, "w1", T(1), T(2));
    incremental(cloud, "w2", T(2), T(3));
    ask(cloud, "w2", merge);
    await cloud.run();
    cloud.ports.tables.drop(destination);
    cloud.ports.tables.create(destination, { keys });
    ask(cloud, "w1", merge);
    await cloud.run();
    expect(outcomes(cloud)).toEqual(["succeeded", "succeeded"]);
  });

  test("is judged anew after a full export was restored, or was only added to what is there", async () => {
    const cloud = smallCloud();
    incremental(cloud, "w1", T(1), T(2));
    incremental(cloud, "w2", T(2), T(3));
    full(cloud, "full", [[item("a", "full")]], T(1));
    const asked = [
      ["w2", merge],
      ["full", { "restore-mode": "if-absent" }],
      ["w1", merge],
      ["full", merge],
      ["w1", merge],
    ];
    for (const [prefix, about] of asked as [string, object][]) {
      ask(cloud, prefix, about);
      await cloud.run();
    }
    expect(outcomes(cloud)).toEqual([
      "succeeded",
      "succeeded",
      "rejected window-out-of-order",
      "succeeded",
      "succeeded",
    ]);
  });
});
