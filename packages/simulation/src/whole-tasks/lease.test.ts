import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import type { TableLeases } from "@ferry/core/ports";
import { stateOf, type TaskRow } from "@ferry/core/projection/status";
import { work } from "@ferry/core/worker";
import { memoryTableLeases } from "@ferry/memory/table-leases";
import { bucket, destination, message, restoreRequest } from "@ferry/memory/testing/tasks";
import { describe, expect, test } from "vitest";
import { onlyFrom, type SmallCloud, smallCloud } from "../testing/small-cloud.ts";

const DAY_MS = 24 * 3_600_000;
const keys = [{ name: "id", type: "S" }] as const;
const item = (id: string, v: string) => `{"id":{"S":"${id}"},"v":{"S":"${v}"}}`;
const itemsWithPrefix = (prefix: string, v: string, count: number) =>
  Array.from({ length: count }, (_, i) => item(`${prefix}${i}`, v));
const arn = async (cloud: SmallCloud) => (await cloud.ports.tables.describe(destination)).arn;

/** Puts a DynamoDB export under a prefix: one file per list of lines. */
function store(cloud: SmallCloud, prefix: string, lines: readonly string[][], summary: object = {}): void {
  const put = (key: string, body: string | Uint8Array) =>
    cloud.ports.archive.store(bucket, key, typeof body === "string" ? new TextEncoder().encode(body) : body);
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
  store(
    cloud,
    prefix,
    items.map((file) => file.map((one) => `{"Item":${one}}`)),
    exportTime === undefined ? {} : { exportTime },
  );
const incremental = (cloud: SmallCloud, prefix: string, from: string, to: string, v = prefix) =>
  store(cloud, prefix, [[`{"Keys":{"id":{"S":"a"}},"NewImage":${item("a", v)}}`]], {
    exportType: "INCREMENTAL_EXPORT",
    exportFromTime: from,
    exportToTime: to,
  });

function putRequest(cloud: SmallCloud, prefix: string, fields: object = {}): void {
  cloud.put("TaskRequested", {
    request: { ...restoreRequest, "bucket-prefix": prefix, ...fields },
    "request-id": `request-${prefix}-${cloud.events.length}`,
  });
}
const merge = { "restore-mode": "merge" };
/** Picks the requests first. */
const requestsFirst = (waiting: Parameters<ReturnType<typeof onlyFrom>>[0]) =>
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

/** Cancels a restore once an item is in the table, and runs until it has ended. */
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

describe("a restore that is rejected after it acquired the lease", () => {
  const holders = async (cloud: SmallCloud) =>
    (await cloud.ports.leases.read(await arn(cloud)))?.holders ?? [];

  test("releases the lease itself, because its row may be written late", async () => {
    const cloud = smallCloud();
    full(cloud, "a", [itemsWithPrefix("k", "A", 10)]);
    cloud.ports.tables.put(destination, item("there", "before"));
    putRequest(cloud, "a");
    await cloud.run({ pick: onlyFrom("restore-queue") });
    expect(cloud.events.map((event) => event["detail-type"])).toEqual(["TaskRequested", "TaskRejected"]);
    expect(await holders(cloud)).toEqual([]);
    putRequest(cloud, "a", merge);
    await cloud.run();
    expect(outcomes(cloud)).toEqual(["rejected table-not-empty", "succeeded"]);
  });

  test("keeps the lease if another delivery of its request acquired it too and may have been accepted", async () => {
    const cloud = smallCloud();
    full(cloud, "a", [itemsWithPrefix("k", "A", 10)]);
    putRequest(cloud, "a");
    const { events, ports } = cloud;
    cloud.deliver(events[0]!);
    // While the first delivery checks that the table is empty, the second is accepted and writes its first items.
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
  test("given two that need it empty, the second is rejected with a reason that names the first", async () => {
    const cloud = smallCloud();
    full(cloud, "a", [itemsWithPrefix("k", "A", 100)]);
    full(cloud, "b", [itemsWithPrefix("k", "B", 60), itemsWithPrefix("z", "B", 40)]);
    putRequest(cloud, "a");
    putRequest(cloud, "b");
    await cloud.run({ pick: requestsFirst });
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
  ])("given %s and then %s, the second is rejected", async (one, other) => {
    const cloud = smallCloud();
    full(cloud, "a", [itemsWithPrefix("k", "A", 10)]);
    full(cloud, "b", [itemsWithPrefix("k", "B", 10)]);
    putRequest(cloud, "a", { "restore-mode": one });
    putRequest(cloud, "b", { "restore-mode": other });
    await cloud.run({ pick: requestsFirst });
    expect(outcomes(cloud)).toEqual(["succeeded", "rejected table-leased"]);
    expect(valuesOf(cloud)).toEqual({ A: 10 });
  });

  test("given two that merge, both succeed", async () => {
    const cloud = smallCloud();
    full(cloud, "a", [itemsWithPrefix("a", "A", 10)]);
    full(cloud, "b", [itemsWithPrefix("b", "B", 10)]);
    putRequest(cloud, "a", merge);
    putRequest(cloud, "b", merge);
    await cloud.run({ pick: requestsFirst });
    expect(outcomes(cloud)).toEqual(["succeeded", "succeeded"]);
    expect(valuesOf(cloud)).toEqual({ A: 10, B: 10 });
    expect((await cloud.ports.leases.read(await arn(cloud)))?.holders).toEqual([]);
  });

  test("given an incremental export and a merge, the second is rejected", async () => {
    const cloud = smallCloud();
    incremental(cloud, "a", "2026-11-01T00:00:00Z", "2026-11-01T01:00:00Z");
    full(cloud, "b", [itemsWithPrefix("k", "B", 10)]);
    putRequest(cloud, "a", merge);
    putRequest(cloud, "b", merge);
    await cloud.run({ pick: requestsFirst });
    expect(outcomes(cloud)).toEqual(["succeeded", "rejected table-leased"]);
  });

  test("given two plans at the same moment, exactly one acquires the lease", async () => {
    const memory = memoryTableLeases();
    const readers: (() => void)[] = [];
    // Both read before one of them writes.
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
    full(cloud, "a", [itemsWithPrefix("k", "A", 10)]);
    full(cloud, "b", [itemsWithPrefix("k", "B", 10)]);
    putRequest(cloud, "a");
    putRequest(cloud, "b");
    await Promise.all([cloud.run({ pick: requestsFirst }), cloud.run({ pick: requestsFirst })]);
    expect(outcomes(cloud).sort()).toEqual(["rejected table-leased", "succeeded"]);
  });
});

describe("the lease of a table", () => {
  test("is acquired again by a request that is delivered again", async () => {
    const cloud = smallCloud();
    full(cloud, "a", [itemsWithPrefix("k", "A", 10)]);
    putRequest(cloud, "a");
    cloud.deliver(cloud.events.at(-1)!);
    await cloud.run({ pick: requestsFirst });
    expect(outcomes(cloud)).toEqual(["succeeded"]);
  });

  test("is free once its restore succeeded, even before the row shows it", async () => {
    const cloud = smallCloud();
    full(cloud, "a", [itemsWithPrefix("k", "A", 10)]);
    putRequest(cloud, "a");
    await cloud.run();
    expect((await cloud.ports.leases.read(await arn(cloud)))?.holders).toEqual([]);
  });

  test("is taken over from a task that has ended", async () => {
    const cloud = smallCloud();
    full(cloud, "a", [itemsWithPrefix("a", "A", 10), itemsWithPrefix("b", "A", 10)]);
    full(cloud, "b", [itemsWithPrefix("c", "B", 10)]);
    putRequest(cloud, "a", { "total-segments": 2 });
    await cancelHalfWay(cloud);
    putRequest(cloud, "b", merge);
    await cloud.run();
    expect(outcomes(cloud)[1]).toBe("succeeded");
  });

  test("is not given to a retry if another restore acquired it since", async () => {
    const cloud = smallCloud();
    full(cloud, "a", [itemsWithPrefix("a", "A", 10), itemsWithPrefix("b", "A", 10)]);
    incremental(cloud, "b", "2026-11-01T00:00:00Z", "2026-11-01T01:00:00Z");
    putRequest(cloud, "a", { "total-segments": 2 });
    const row = await cancelHalfWay(cloud);
    putRequest(cloud, "b", merge);
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

  test("is kept by a retry that the row does not show yet", async () => {
    const cloud = smallCloud();
    full(cloud, "a", [itemsWithPrefix("a", "A", 10), itemsWithPrefix("b", "A", 10)]);
    full(cloud, "b", [itemsWithPrefix("c", "B", 10)]);
    putRequest(cloud, "a", { "total-segments": 2 });
    const row = await cancelHalfWay(cloud);
    cloud.put("TaskRetryRequested", { task: taskOf(row), attempt: 1 });
    await cloud.run({
      pick: onlyFrom("restore-queue"),
      until: () => cloud.events.at(-1)!["detail-type"] === "TaskAccepted",
    });
    putRequest(cloud, "b", merge);
    await cloud.run({ pick: requestsFirst });
    expect(outcomes(cloud)).toEqual([expect.stringContaining("succeeded"), "rejected table-leased"]);
    expect(valuesOf(cloud)).toEqual({ A: 20 });
  });

  test("ends at its attempt's deadline, even if the task has not ended", async () => {
    const cloud = smallCloud();
    full(cloud, "a", [itemsWithPrefix("a", "A", 10)]);
    full(cloud, "b", [itemsWithPrefix("b", "B", 10)]);
    putRequest(cloud, "a");
    await cloud.run({ until: () => cloud.rows("restore").length === 1 });
    cloud.ports.clock.advance(6 * DAY_MS);
    putRequest(cloud, "b", merge);
    await cloud.run({ pick: requestsFirst, until: () => cloud.rows("restore").length === 2 });
    expect(outcomes(cloud)[1]).toBe("rejected table-leased");
    cloud.ports.clock.advance(2 * DAY_MS);
    putRequest(cloud, "b", merge);
    await cloud.run({ pick: requestsFirst });
    expect(outcomes(cloud).slice(2)).toEqual(["succeeded"]);
  });
});

describe("a retry of a restore that needed an empty table", () => {
  test("continues if only the finishing step is left, although the lease was released", async () => {
    const cloud = smallCloud();
    full(cloud, "a", [itemsWithPrefix("a", "A", 10)]);
    putRequest(cloud, "a");
    await cloud.run({ until: () => outcomes(cloud)[0] === "finishing" });
    // The worker finishes the restore, and its event is lost.
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

  test("is rejected if another restore used the table since, even if that has ended", async () => {
    const cloud = smallCloud();
    full(cloud, "a", [itemsWithPrefix("a", "A", 10), itemsWithPrefix("b", "A", 10)]);
    full(cloud, "b", [itemsWithPrefix("c", "B", 10)]);
    putRequest(cloud, "a", { "total-segments": 2 });
    const row = await cancelHalfWay(cloud);
    putRequest(cloud, "b", merge);
    await cloud.run();
    const before = valuesOf(cloud);
    cloud.put("TaskRetryRequested", { task: taskOf(row), attempt: 1 });
    await cloud.run();
    expect(outcomes(cloud)).toEqual([expect.stringContaining("cancelled"), "succeeded"]);
    expect(valuesOf(cloud)).toEqual(before);
    expect(
      cloud.events.find(({ detail }) => (detail as { cause?: string }).cause === "table-used"),
    ).toBeDefined();
  });

  test("does not overwrite what the application wrote since", async () => {
    const cloud = smallCloud();
    full(cloud, "p", [itemsWithPrefix("f0-", "archive", 25), itemsWithPrefix("f1-", "archive", 25)]);
    putRequest(cloud, "p", { "total-segments": 2 });
    const row = await cancelHalfWay(cloud);
    cloud.ports.tables.put(
      destination,
      ...itemsWithPrefix("f0-", "application", 20),
      ...itemsWithPrefix("f1-", "application", 20),
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

  test("whose time range ends before that of the last one is rejected with a reason that names both", async () => {
    const cloud = smallCloud();
    incremental(cloud, "w1", T(1), T(2));
    incremental(cloud, "w2", T(2), T(3));
    for (const prefix of ["w2", "w1"]) {
      putRequest(cloud, prefix, merge);
      await cloud.run();
    }
    expect(outcomes(cloud)).toEqual(["succeeded", "rejected window-out-of-order"]);
    const { text } = cloud.rows("restore")[1]!.reasons[0]!;
    for (const hour of [1, 2, 3]) expect(text).toContain(ISO(hour));
    expect(valuesOf(cloud)).toEqual({ w2: 1 });
  });

  test("is accepted in order, repeated, overlapping, or out of order if the request allows it", async () => {
    const cloud = smallCloud();
    incremental(cloud, "w1", T(1), T(2));
    incremental(cloud, "w2", T(2), T(3));
    incremental(cloud, "wide", T(1), T(4));
    const requests = [["w1"], ["w2"], ["w2"], ["wide"], ["w1", { "out-of-order": true }], ["w2"]] as const;
    for (const [prefix, fields] of requests) {
      putRequest(cloud, prefix, { ...merge, ...fields });
      await cloud.run();
    }
    expect(outcomes(cloud)).toEqual([...Array(5).fill("succeeded"), "rejected window-out-of-order"]);
  });

  test("that ends before the full export in the table was made is rejected", async () => {
    const cloud = smallCloud();
    full(cloud, "full", [[item("a", "full")]], T(5));
    incremental(cloud, "old", T(3), T(4));
    incremental(cloud, "new", T(4), T(6));
    for (const [prefix, fields] of [
      ["full", {}],
      ["old", merge],
      ["new", merge],
    ] as const) {
      putRequest(cloud, prefix, fields);
      await cloud.run();
    }
    expect(outcomes(cloud)).toEqual(["succeeded", "rejected window-out-of-order", "succeeded"]);
    expect(valuesOf(cloud)).toEqual({ new: 1 });
  });

  test("can be retried after it failed; a later one is rejected until then", async () => {
    const cloud = smallCloud();
    store(
      cloud,
      "w1",
      [
        [`{"Keys":{"id":{"S":"a"}},"NewImage":${item("a", "w1")}}`],
        [`{"Keys":{"id":{"S":"b"}},"NewImage":${item("b", "w1")}}`],
      ],
      { exportType: "INCREMENTAL_EXPORT", exportFromTime: T(1), exportToTime: T(2) },
    );
    incremental(cloud, "w2", T(2), T(3));
    putRequest(cloud, "w1", { ...merge, "total-segments": 2 });
    const row = await cancelHalfWay(cloud);
    putRequest(cloud, "w2", merge);
    await cloud.run();
    expect(outcomes(cloud)[1]).toBe("rejected window-out-of-order");
    cloud.put("TaskRetryRequested", { task: taskOf(row), attempt: 1 });
    await cloud.run();
    putRequest(cloud, "w2", merge);
    await cloud.run();
    expect(outcomes(cloud).map((one) => one.split(" ")[0])).toEqual(["succeeded", "rejected", "succeeded"]);
  });

  test("without a start of its time range can be retried", async () => {
    const cloud = smallCloud();
    const files = ["a", "b"].map((id) => [`{"Keys":{"id":{"S":"${id}"}},"NewImage":${item(id, "w")}}`]);
    store(cloud, "w", files, { exportType: "INCREMENTAL_EXPORT", exportToTime: T(2) });
    putRequest(cloud, "w", { ...merge, "total-segments": 2 });
    const row = await cancelHalfWay(cloud);
    cloud.put("TaskRetryRequested", { task: taskOf(row), attempt: 1 });
    await cloud.run();
    expect(stateOf(cloud.rows("restore")[0]!)).toBe("succeeded");
  });

  test("into a table that was created again is accepted, regardless of the windows of the old table", async () => {
    const cloud = smallCloud();
    incremental(cloud, "w1", T(1), T(2));
    incremental(cloud, "w2", T(2), T(3));
    putRequest(cloud, "w2", merge);
    await cloud.run();
    cloud.ports.tables.drop(destination);
    cloud.ports.tables.create(destination, { keys });
    putRequest(cloud, "w1", merge);
    await cloud.run();
    expect(outcomes(cloud)).toEqual(["succeeded", "succeeded"]);
  });

  test("is checked against a full export that was merged since, not against one that was only added (if-absent)", async () => {
    const cloud = smallCloud();
    incremental(cloud, "w1", T(1), T(2));
    incremental(cloud, "w2", T(2), T(3));
    full(cloud, "full", [[item("a", "full")]], T(1));
    const requests = [
      ["w2", merge],
      ["full", { "restore-mode": "if-absent" }],
      ["w1", merge],
      ["full", merge],
      ["w1", merge],
    ];
    for (const [prefix, fields] of requests as [string, object][]) {
      putRequest(cloud, prefix, fields);
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
