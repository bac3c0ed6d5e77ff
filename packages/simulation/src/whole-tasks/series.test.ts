/** Restores of a full export and the incremental exports that follow it, in one request. */
import { gunzipSync } from "node:zlib";
import type { TaskAccepted } from "@ferry/core/events/events";
import { seeded } from "@ferry/core/hash";
import { stateOf } from "@ferry/core/projection/status";
import {
  changeLine,
  type ExportSpec,
  fullExport,
  incrementalExport,
  itemLine,
  type NativeExport,
  storeExport,
} from "@ferry/memory/native-export";
import { bucket, destination, restoreRequest } from "@ferry/memory/testing/tasks";
import { describe, expect, test } from "vitest";
import { numberedItems, type SmallCloud, shuffled, smallCloud } from "../testing/small-cloud.ts";

const T = (hour: number) =>
  `2026-11-0${1 + Math.floor(hour / 24)}T${String(hour % 24).padStart(2, "0")}:00:00.000Z`;
const KEYS = 40;
const PREFIX = (id: string) => `AWSDynamoDB/${id}`;

type Model = Map<string, string>;
const textOf = (name: string, value: string) => `{"id":{"S":"${name}"},"v":{"S":"${value}"}}`;
const keysOf = (name: string) => `{"id":{"S":"${name}"}}`;

/** The windows of a table's random history: its items at the start, and each window's last state of each changed item. */
interface History {
  readonly full: NativeExport;
  readonly increments: readonly NativeExport[];
  /** The items at the end of each window; of the first at its start. */
  readonly states: readonly Model[];
}

/** Deals lines to files at random; the last one stays empty. */
function filesOf(lines: readonly string[], count: number, random: () => number): string[][] {
  const files = Array.from({ length: count + 1 }, (): string[] => []);
  for (const line of lines) files[Math.floor(random() * count)]!.push(line);
  return files;
}

function historyOf(random: () => number, windows = 3, more: Partial<ExportSpec> = {}): History {
  const model: Model = new Map();
  for (let n = 0; n < KEYS; n++) if (random() < 0.7) model.set(`k${n}`, "full");
  const spec = { bucket: bucket.name, ...more };
  const lines = [...model].map(([name, value]) => itemLine(textOf(name, value)));
  const full = fullExport({
    ...spec,
    id: "00-full",
    files: filesOf(lines, 3, random),
    summary: { exportTime: T(0), ...more.summary },
  });
  const states = [new Map(model)];
  const increments = Array.from({ length: windows }, (_, window) => {
    const before = new Map(model);
    const changed = new Set<string>();
    // Many changes of few items: deletes, re-inserts, updates, in one window and across windows.
    for (let n = 0; n < KEYS; n++) {
      const name = `k${Math.floor(random() * KEYS)}`;
      changed.add(name);
      if (random() < 0.45) model.delete(name);
      else model.set(name, `w${window}-${n}`);
    }
    states.push(new Map(model));
    const changes = [...changed].map((name) => {
      const [old, now] = [before.get(name), model.get(name)];
      return changeLine({
        keys: keysOf(name),
        ...(old !== undefined && { oldImage: textOf(name, old) }),
        ...(now !== undefined && { newImage: textOf(name, now) }),
      });
    });
    const id = `0${window + 1}-increment`;
    return incrementalExport({
      ...spec,
      id,
      from: T(window),
      to: T(window + 1),
      files: filesOf(changes, 2, random),
    });
  });
  return { full, increments, states };
}

function store(cloud: SmallCloud, { full, increments }: Pick<History, "full" | "increments">): void {
  for (const one of [full, ...increments]) storeExport(cloud.ports.archive, bucket, one);
}

const seriesRequest = (history: Pick<History, "full" | "increments">, more: object = {}) => ({
  ...restoreRequest,
  "bucket-prefix": history.full.prefix,
  increments: history.increments.map(({ prefix }) => prefix),
  ...more,
});

function put(cloud: SmallCloud, request: object, id = "series"): void {
  cloud.put("TaskRequested", { request, "request-id": id });
}

/** The items of the destination, by key. */
function itemsOf(cloud: SmallCloud): Model {
  const items = cloud.ports.tables
    .items(destination)
    .map((bytes) => JSON.parse(new TextDecoder().decode(bytes)));
  return new Map(items.map(({ id, v }) => [id.S as string, v.S as string] as const).sort());
}

const sorted = (model: Model) => new Map([...model].sort());

describe("a series of a full and three incremental exports", () => {
  test.each(Array.from({ length: 8 }, (_, seed) => seed))(
    "gives the table's state at the end of the last one, though every other event is delivered twice and in any order (seed %i)",
    async (seed) => {
      const random = seeded(seed);
      const history = historyOf(random);
      const cloud = smallCloud();
      store(cloud, history);
      put(cloud, seriesRequest(history, { "total-segments": 1 + (seed % 4) }));
      let seen = 0;
      await cloud.run({
        pick(waiting) {
          for (const event of cloud.events.slice(seen)) if (random() < 0.5) cloud.deliver(event);
          seen = cloud.events.length;
          return shuffled(random)(waiting);
        },
      });
      const [row] = cloud.rows("restore");
      expect(stateOf(row!)).toBe("succeeded");
      expect(itemsOf(cloud)).toEqual(sorted(history.states[3]!));
      const lines = [history.full, ...history.increments].map(linesIn).reduce((a, b) => a + b);
      expect(row!.items).toBe(lines);
      expect(row!.completed).toHaveLength(row!.total);
    },
  );

  test("queues a window's segments only when all of the one before are complete", async () => {
    const history = historyOf(seeded(99));
    const cloud = smallCloud();
    store(cloud, history);
    put(cloud, seriesRequest(history, { "total-segments": 2 }));
    await cloud.run();
    const order = cloud.events
      .filter(({ "detail-type": type }) => type === "SegmentQueued" || type === "SegmentCompleted")
      .map(
        ({ "detail-type": type, detail }) =>
          `${type} ${Math.floor((detail as { segment: number }).segment / 2)}`,
      );
    const first = (name: string) => order.indexOf(name);
    const last = (name: string) => order.lastIndexOf(name);
    for (const window of [1, 2, 3])
      expect(first(`SegmentQueued ${window}`)).toBeGreaterThan(last(`SegmentCompleted ${window - 1}`));
  });

  test("whose windows hold no change, or no file at all, succeeds and counts the table", async () => {
    const { full, states } = historyOf(seeded(5));
    const spec = { bucket: bucket.name };
    const increments = [
      incrementalExport({ ...spec, id: "01", from: T(0), to: T(1), files: [[], []] }),
      incrementalExport({ ...spec, id: "02", from: T(1), to: T(2), files: [] }),
    ];
    const cloud = smallCloud();
    store(cloud, { full, increments });
    put(cloud, seriesRequest({ full, increments }));
    await cloud.run();
    expect(stateOf(cloud.rows("restore")[0]!)).toBe("succeeded");
    expect(itemsOf(cloud)).toEqual(sorted(states[0]!));
    expect(cloud.rows("restore")[0]!.plan).toMatchObject({ "items-before": "none" });
  });

  test("is merged into a table that holds items: keys of no export stay", async () => {
    const history = historyOf(seeded(7));
    const cloud = smallCloud();
    store(cloud, history);
    cloud.ports.tables.put(destination, textOf("other", "kept"), textOf("k0", "overwritten"));
    put(cloud, seriesRequest(history, { "restore-mode": "merge" }));
    await cloud.run();
    const expected = new Map(history.states[3]!).set("other", "kept");
    // Only the full export and changes say what becomes of k0: a key that no export names stays as it was.
    const isNamed = [history.full, ...history.increments].some((one) => textIn(one).includes('"k0"'));
    if (!isNamed) expected.set("k0", "overwritten");
    expect(itemsOf(cloud)).toEqual(sorted(expected));
  });

  test("with only restores the selected items, as they were at the end of the last window", async () => {
    const history = historyOf(seeded(41));
    const names = ["k1", "k2", "k3", "k4", "k5", "k6", "k7"];
    const cloud = smallCloud();
    store(cloud, history);
    cloud.ports.tables.put(
      destination,
      ...names.map((name) => textOf(name, "before")),
      textOf("k8", "before"),
    );
    const only = names.map((name) => ({ id: { S: name } }));
    put(cloud, seriesRequest(history, { "restore-mode": "merge", only }));
    await cloud.run();
    expect(stateOf(cloud.rows("restore")[0]!)).toBe("succeeded");
    const items = itemsOf(cloud);
    expect(items.get("k8")).toBe("before");
    for (const name of names) {
      const isNamed = [history.full, ...history.increments].some((one) => textIn(one).includes(`"${name}"`));
      expect(items.get(name), name).toBe(isNamed ? history.states[3]!.get(name) : "before");
    }
    expect(items.size).toBeLessThanOrEqual(names.length + 1);
  });

  test("that is cancelled in a window continues there when it is retried", async () => {
    const history = historyOf(seeded(11));
    const cloud = smallCloud();
    store(cloud, history);
    put(cloud, seriesRequest(history, { "total-segments": 2 }));
    const queued = (segment: number) => () =>
      cloud.waiting.some(
        ({ message: { event }, queue }) =>
          queue === "restore-queue" &&
          event["detail-type"] === "SegmentQueued" &&
          (event.detail as { segment: number }).segment === segment,
      );
    await cloud.run({ until: queued(4) });
    const { key, timestamp } = cloud.rows("restore")[0]!;
    const task = { action: "restore", key, timestamp };
    cloud.put("TaskCancelRequested", { task });
    await cloud.run({
      pick: (waiting) =>
        Math.max(
          0,
          waiting.findIndex(({ queue }) => queue === "projection-queue"),
        ),
    });
    expect(stateOf(cloud.rows("restore")[0]!)).toBe("cancelled");
    expect(cloud.rows("restore")[0]!.completed).toEqual([0, 1, 2, 3]);
    cloud.put("TaskRetryRequested", { task });
    await cloud.run();
    const accepted = cloud.events.filter(({ "detail-type": type }) => type === "TaskAccepted");
    expect(
      accepted.map(({ detail }) => [(detail as TaskAccepted).attempt, (detail as TaskAccepted).segments]),
    ).toEqual([
      [1, [0, 1]],
      [1, [2, 3]],
      [1, [4, 5]],
      [2, [4, 5]],
      [2, [6, 7]],
    ]);
    expect(stateOf(cloud.rows("restore")[0]!)).toBe("succeeded");
    expect(itemsOf(cloud)).toEqual(sorted(history.states[3]!));
  });

  test("fails in the window of a missing file, without beginning the next one, and goes on when the file is back", async () => {
    const history = historyOf(seeded(13));
    const cloud = smallCloud();
    store(cloud, history);
    const victim = history.increments[1]!.objects.find(({ key }) => key.includes("/data/"))!;
    cloud.ports.archive.remove(bucket, victim.key);
    put(cloud, seriesRequest(history, { "total-segments": 2 }));
    await cloud.run();
    const [row] = cloud.rows("restore");
    expect(stateOf(row!)).toBe("failed");
    expect(row!.reasons).toMatchObject([{ cause: "corrupt-file" }]);
    expect(row!.reasons[0]!.text).toContain(victim.key);
    expect(row!.completed.every((segment) => segment < 6)).toBe(true);
    cloud.ports.archive.store(bucket, victim.key, victim.body);
    const { key, timestamp } = row!;
    cloud.put("TaskRetryRequested", { task: { action: "restore", key, timestamp } });
    await cloud.run();
    expect(stateOf(cloud.rows("restore")[0]!)).toBe("succeeded");
    expect(itemsOf(cloud)).toEqual(sorted(history.states[3]!));
  });

  test("of which one file is corrupt fails and names the file", async () => {
    const history = historyOf(seeded(17));
    const cloud = smallCloud();
    store(cloud, history);
    const victim = history.increments[2]!.objects.find(({ key }) => key.includes("/data/"))!;
    const body = victim.body.slice();
    body[body.length - 1]! ^= 1;
    cloud.ports.archive.store(bucket, victim.key, body);
    put(cloud, seriesRequest(history));
    await cloud.run();
    expect(cloud.rows("restore")[0]!.reasons[0]).toMatchObject({ cause: "corrupt-file" });
  });
});

test.each([1, 2, 3])(
  "a second delivery of a request, after a deploy with a lower maximumSegments, has the segments of the first (seed %i)",
  async (seed) => {
    const random = seeded(seed);
    const history = historyOf(random);
    const cloud = smallCloud();
    store(cloud, history);
    // With empty-only, a late delivery is refused.
    put(cloud, seriesRequest(history, { "restore-mode": "merge" }));
    const isPlanned = () => cloud.events.some(({ "detail-type": type }) => type === "TaskAccepted");
    await cloud.run({ until: isPlanned });
    Object.assign(cloud.ports, { settings: { ...cloud.ports.settings, maximumSegments: 2 } });
    cloud.deliver(cloud.events[0]!);
    await cloud.run({ pick: shuffled(random) });
    const plans = cloud.events.filter(({ "detail-type": type }) => type === "TaskAccepted");
    expect(new Set(plans.map(({ detail }) => (detail as TaskAccepted).plan["total-segments"])).size).toBe(1);
    expect(stateOf(cloud.rows("restore")[0]!)).toBe("succeeded");
    expect(itemsOf(cloud)).toEqual(sorted(history.states[3]!));
  },
);

describe("with until, Ferry finds the increments", () => {
  test.each([
    [T(3), 3],
    ["2026-11-01T02:59:59Z", 2],
    ["2026-12-01T00:00Z", 3],
  ])("until %s: the state at the end of window %i", async (until, windows) => {
    const history = historyOf(seeded(21));
    const cloud = smallCloud();
    store(cloud, history);
    const { increments: _, ...request } = seriesRequest(history, { until });
    put(cloud, request);
    await cloud.run();
    expect(stateOf(cloud.rows("restore")[0]!)).toBe("succeeded");
    expect(itemsOf(cloud)).toEqual(sorted(history.states[windows]!));
    expect(cloud.rows("restore")[0]!.plan).toMatchObject({ increments: { length: windows } });
  });

  test("a second delivery of the request takes the increments of the first, though another export has finished", async () => {
    const history = historyOf(seeded(22));
    const [first, ...later] = history.increments as [NativeExport, ...NativeExport[]];
    const cloud = smallCloud();
    store(cloud, { full: history.full, increments: [first] });
    const { increments: _, ...request } = seriesRequest(history, { until: T(9) });
    put(cloud, request);
    const isPlanned = () => cloud.events.some(({ "detail-type": type }) => type === "TaskAccepted");
    await cloud.run({ until: isPlanned });
    for (const one of later) storeExport(cloud.ports.archive, bucket, one);
    cloud.deliver(cloud.events[0]!);
    await cloud.run();
    const plans = cloud.events.filter(({ "detail-type": type }) => type === "TaskAccepted");
    for (const { detail } of plans)
      expect((detail as TaskAccepted).plan).toMatchObject({ increments: { length: 1 } });
    expect(itemsOf(cloud)).toEqual(sorted(history.states[1]!));
  });
});

describe("exports that are not a series are refused, each with its own message, before anything is written", () => {
  const history = historyOf(seeded(31));
  const [one, two, three] = history.increments.map(({ prefix }) => prefix) as [string, string, string];
  const spec = { bucket: bucket.name, files: [] };
  const other = (id: string, window: { from: string; to: string }, summary: object = {}) =>
    incrementalExport({ ...spec, id, ...window, summary: { ...summary } });
  const later = { from: T(1), to: T(2) };
  const ion = other("ion", later, { outputFormat: "ION" });
  const otherArn = other("arn", later, { tableArn: "arn:aws:dynamodb:us-east-1:000000000000:table/another" });
  const otherId = other("id", later, { tableId: "00000000-6460-4d4a-9a6b-5d360abf4fb3" });
  const overlapping = other("overlap", { from: T(0), to: T(2) });
  const incomplete = other("incomplete", later);
  const damaged = other("damaged", later);

  test.each<[string, readonly string[], string, string]>([
    [
      "a gap",
      [one, three],
      "series-not-joined",
      "begins at 2026-11-01T02:00:00.000Z, but AWSDynamoDB/01-increment ends at 2026-11-01T01:00:00.000Z: the changes between are missing.",
    ],
    ["a gap after the full export", [two, three], "series-not-joined", "the changes between are missing."],
    ["an overlap", [one, overlapping.prefix], "series-not-joined", "the time ranges overlap."],
    [
      "the wrong order",
      [two, one, three],
      "series-not-joined",
      "is in the wrong place: its time range is 2026-11-01T01:00:00.000Z to 2026-11-01T02:00:00.000Z, and the export before it ends at 2026-11-01T00:00:00.000Z.",
    ],
    ["an export in Amazon Ion", [one, ion.prefix], "unknown-format", "Amazon Ion"],
    ["an export that is not complete", [one, incomplete.prefix], "no-manifest", "does not exist"],
    ["a damaged manifest", [one, damaged.prefix], "broken-manifest", "cannot be read"],
    [
      "another table's export",
      [one, otherArn.prefix],
      "series-of-other-table",
      "is of the table with the ARN arn:aws:dynamodb:us-east-1:000000000000:table/another",
    ],
    [
      "a table that was created again",
      [one, otherId.prefix],
      "series-of-other-table",
      "is of the table with the id 00000000-",
    ],
    [
      "a full export as an increment",
      [one, history.full.prefix],
      "not-a-series",
      "is not an incremental export.",
    ],
    ["a folder without an export", [one, PREFIX("nothing")], "no-manifest", "does not exist"],
  ])("%s", async (_, increments, cause, message) => {
    const cloud = smallCloud();
    store(cloud, {
      full: history.full,
      increments: [...history.increments, ion, otherArn, otherId, overlapping, incomplete, damaged],
    });
    cloud.ports.archive.remove(bucket, `${incomplete.prefix}/manifest-summary.json`);
    cloud.ports.archive.store(bucket, `${damaged.prefix}/manifest-files.json`, new TextEncoder().encode("{"));
    put(cloud, { ...seriesRequest(history), increments });
    await cloud.run();
    const [row] = cloud.rows("restore");
    expect(stateOf(row!)).toBe("rejected");
    expect(row!.reasons).toMatchObject([{ cause }]);
    expect(row!.reasons[0]!.text).toContain(message);
    expect(itemsOf(cloud).size).toBe(0);
    // The lease was not taken, or was given back.
    put(cloud, seriesRequest(history), "again");
    await cloud.run();
    expect(stateOf(cloud.rows("restore")[1]!)).toBe("succeeded");
  });

  test("if-absent, whose promise the changes would break", async () => {
    const cloud = smallCloud();
    store(cloud, history);
    put(cloud, seriesRequest(history, { "restore-mode": "if-absent" }));
    await cloud.run();
    expect(cloud.rows("restore")[0]!.reasons).toMatchObject([{ cause: "mode-not-possible" }]);
  });

  test("an incremental export, or a backup, in the place of the full one", async () => {
    const cloud = smallCloud();
    store(cloud, history);
    put(cloud, { ...seriesRequest(history), "bucket-prefix": one, increments: [two] });
    await cloud.run();
    cloud.ports.tables.put({ region: "us-east-1", name: "cities" }, ...numberedItems(2));
    cloud.put("TaskRequested", {
      request: { ...restoreRequest, action: "backup", "table-region": "us-east-1", "table-name": "cities" },
    });
    await cloud.run();
    put(cloud, { ...restoreRequest, increments: [one] }, "backup");
    await cloud.run();
    const texts = cloud.rows("restore").map(({ reasons }) => `${reasons[0]!.cause} ${reasons[0]!.text}`);
    expect(texts[0]).toMatch(/^not-a-series .*is an incremental export, not a full one\./);
    expect(texts[1]).toMatch(/^not-a-series .*is a backup of Ferry, not a full export of DynamoDB/);
  });
});

function textIn(native: NativeExport): string {
  return native.objects
    .filter(({ key }) => key.includes("/data/"))
    .map(({ body }) => gunzipSync(body).toString())
    .join("");
}

function linesIn(native: NativeExport): number {
  return textIn(native).split("\n").length - 1;
}
