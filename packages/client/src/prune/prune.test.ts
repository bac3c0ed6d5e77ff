import { DynamoDBClient, GetItemCommand, type QueryCommand } from "@aws-sdk/client-dynamodb";
import { type DeleteObjectsCommand, ListObjectsV2Command, type S3Client } from "@aws-sdk/client-s3";
import { itemOfRow } from "@ferry/aws/status/status-item";
import { newTaskRow } from "@ferry/core/projection/status";
import { fullExport, incrementalExport, itemLine, storeExport } from "@ferry/memory/native-export";
import { backupRequest, bucket, restoreRequest, runTask, source, world } from "@ferry/memory/testing/tasks";
import { describe, expect, test } from "vitest";
import { listArchives } from "../archive/list-archives.ts";
import { openArchive } from "../archive/open-archive.ts";
import type { Stage } from "../stage/stage.ts";
import { listArchiveObjects } from "./archive-objects.ts";
import { preparePrune } from "./prune.ts";
import { removeArchive } from "./remove-archive.ts";

type World = ReturnType<typeof world>;
const PREFIX = "backups/one";
const PLACE = { bucket: bucket.name, prefix: "backups" };

/** Access to the buckets of a world. `refuses`: the keys that S3 refuses to delete; `deletesMax`: how many it deletes before it fails. */
function accessOf(
  ports: World,
  { refuses = (_: string): boolean => false, deletesMax = Number.POSITIVE_INFINITY } = {},
) {
  let deletes = 0;
  const send = async (command: unknown) => {
    if (command instanceof ListObjectsV2Command) return listed(ports, command.input);
    const { Delete } = (command as DeleteObjectsCommand).input;
    if (Delete === undefined) return { Status: "Enabled" };
    const Errors = [];
    for (const { Key = "" } of Delete.Objects ?? []) {
      if (deletes === deletesMax) throw new Error("socket hang up");
      if (refuses(Key)) Errors.push({ Key, Code: "AccessDenied", Message: "Object Lock" });
      else {
        deletes++;
        ports.archive.remove(bucket, Key);
      }
    }
    return { Errors };
  };
  const client = { send } as unknown as S3Client;
  return { archive: ports.archive, region: async () => bucket.region, s3: () => client };
}

/** A page of at most three names, as S3 lists them. */
function listed(
  ports: World,
  { Prefix = "", Delimiter, ContinuationToken = "" }: ListObjectsV2Command["input"],
) {
  const keys = ports.archive.keys(bucket).filter((key) => key.startsWith(Prefix));
  const named = keys.map((key) => {
    const end = Delimiter === undefined ? -1 : key.indexOf(Delimiter, Prefix.length);
    return end === -1 ? key : key.slice(0, end + 1);
  });
  const names = [...new Set(named)].filter((name) => name > ContinuationToken);
  const page = names.slice(0, 3);
  return {
    Contents: page.filter((name) => !name.endsWith("/")).map((Key) => ({ Key, Size: 10 })),
    CommonPrefixes: page.filter((name) => name.endsWith("/")).map((name) => ({ Prefix: name })),
    IsTruncated: names.length > page.length,
    NextContinuationToken: page.at(-1),
  };
}

async function archived(): Promise<World> {
  const ports = world();
  ports.tables.put(source, ...Array.from({ length: 40 }, (_, n) => `{"id":{"S":"item-${n}"}}`));
  await runTask({ ...backupRequest, "total-segments": 3, "batch-bytes": 200 }, ports);
  return ports;
}

async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const value of values) found.push(value);
  return found;
}

/** Prunes everything but the newest archive of each table; that of the tests is not the newest. */
async function prune(ports: World, access = accessOf(ports), exports = false) {
  const { decisions, remove } = await preparePrune(access, PLACE, { rules: { last: 1 }, exports });
  const removed = (await all(remove())).map(({ decision, removed }) => ({
    url: decision.archive.url,
    ...removed,
  }));
  return { decisions, removed };
}

/** A newer archive of the same table, so that no rule keeps the first. */
async function withNewer(ports: World): Promise<World> {
  await runTask({ ...backupRequest, "bucket-prefix": "backups/two" }, ports, "request-2");
  const key = "backups/two/manifest-summary.json";
  const summary = JSON.parse(new TextDecoder().decode((await ports.archive.get(bucket, key))!.body));
  const newer = JSON.stringify({ ...summary, startTime: "2027-01-01T00:00:00.000Z" });
  ports.archive.store(bucket, key, new TextEncoder().encode(newer));
  return ports;
}

/** A stage with one task, which is open while `isOpen` returns true. */
function stageOf(request: Record<string, string>, isOpen: () => boolean, plan?: object): Stage {
  const dynamodb = new DynamoDBClient({ region: bucket.region });
  const row = { key: { S: "k" }, timestamp: { N: "1" } };
  const task = { action: "backup", key: "k", timestamp: 1, id: "t" } as const;
  const item = itemOfRow({
    ...newTaskRow(task, "2026-11-01T02:00:00Z"),
    request: { "bucket-name": bucket.name, "bucket-region": bucket.region, ...request },
  });
  dynamodb.send = async (command: unknown) => {
    if (command instanceof GetItemCommand)
      return { Item: { ...item, ...(plan !== undefined && { plan: { S: JSON.stringify(plan) } }) } };
    const isRunning = (command as QueryCommand).input.ExpressionAttributeValues![":state"]!.S === "running";
    return { Items: isOpen() && isRunning ? [row] : [] };
  };
  return {
    name: "test",
    region: bucket.region,
    bus: "bus",
    table: (name: string) => name,
    access: { dynamodb: () => dynamodb },
  } as unknown as Stage;
}

const keysBelow = (ports: World, prefix: string) =>
  ports.archive.keys(bucket).filter((key) => key.startsWith(`${prefix}/`));

describe("a prune", () => {
  test("removes every object of an archive, and none that does not belong to it", async () => {
    const ports = await withNewer(await archived());
    const foreign = [
      "notes.txt",
      "0x0000/notes",
      "index/notes.json",
      "0x0000/0x00000000.json.gz/deeper",
      "data/x.json.gz",
      "copy/task.json",
    ];
    const own = keysBelow(ports, PREFIX).length;
    for (const name of foreign) ports.archive.store(bucket, `${PREFIX}/${name}`, new Uint8Array(1));
    const newer = keysBelow(ports, "backups/two");
    const { removed } = await prune(ports);
    expect(removed).toEqual([
      {
        url: `s3://${bucket.name}/${PREFIX}`,
        objects: own,
        bytes: 10 * own,
        foreignObjects: foreign.length,
        errors: [],
      },
    ]);
    expect(keysBelow(ports, PREFIX)).toEqual(foreign.map((name) => `${PREFIX}/${name}`).sort());
    expect(keysBelow(ports, "backups/two")).toEqual(newer);
    expect(newer.length).toBeGreaterThan(5);
  });

  test("that stops anywhere leaves no archive that can be read, and the next one completes it", async () => {
    const own = keysBelow(await archived(), PREFIX).length;
    expect(own).toBeGreaterThan(10);
    for (let deletes = 1; deletes < own; deletes++) {
      const ports = await withNewer(await archived());
      await expect(prune(ports, accessOf(ports, { deletesMax: deletes }))).rejects.toThrow("socket hang up");
      expect(keysBelow(ports, PREFIX)).toHaveLength(own - deletes);
      const access = accessOf(ports);
      const states = (await all(listArchives(access, PLACE))).map(({ url, state }) => [url.slice(-3), state]);
      expect(states).toEqual([
        ["one", "pruned"],
        ["two", "sealed"],
      ]);
      await expect(openArchive(access, { ...PLACE, prefix: PREFIX })).rejects.toMatchObject({
        code: expect.stringMatching(/^(broken-archive|no-manifest)$/),
      });
      const { decisions, removed } = await prune(ports);
      expect(decisions.map(({ decision, reasons }) => [decision, ...reasons])).toEqual([
        ["remove", "an earlier prune did not complete"],
        ["keep", "last 1"],
      ]);
      expect(removed).toMatchObject([{ objects: own - deletes, errors: [] }]);
      expect(keysBelow(ports, PREFIX)).toEqual([]);
    }
  });

  test("reports what S3 refuses, and does not remove the rest of that archive", async () => {
    const ports = await withNewer(await archived());
    const own = keysBelow(ports, PREFIX);
    const refuses = (key: string) => key.endsWith("task.json");
    const { removed } = await prune(ports, accessOf(ports, { refuses }));
    expect(removed).toMatchObject([
      { objects: 0, errors: [`${PREFIX}/task.json: AccessDenied: Object Lock`] },
    ]);
    expect(keysBelow(ports, PREFIX)).toEqual(own);
    const data = await prune(ports, accessOf(ports, { refuses: (key) => key.includes("/0x0001/") }));
    expect(data.removed[0]!.errors.length).toBeGreaterThan(0);
    expect(keysBelow(ports, PREFIX)).toContain(`${PREFIX}/manifest-files.json`);
  });

  test("looks at the open tasks again before it removes an archive", async () => {
    const ports = await withNewer(await archived());
    const own = keysBelow(ports, PREFIX);
    let isOpen = false;
    const stage = stageOf({ "bucket-prefix": PREFIX }, () => isOpen);
    const prepared = await preparePrune(accessOf(ports), PLACE, { rules: { last: 1 }, stage });
    expect(prepared.decisions.map(({ decision }) => decision)).toEqual(["remove", "keep"]);
    isOpen = true;
    expect(await all(prepared.remove())).toMatchObject([
      { removed: { objects: 0, errors: [`s3://${bucket.name}/${PREFIX}: in use by task t`] } },
    ]);
    expect(keysBelow(ports, PREFIX)).toEqual(own);
  });

  test("keeps an archive that a restore with manifest-keys as-listed reads, and the one in which its data files are", async () => {
    const ports = await withNewer(await archived());
    const text = async (key: string) =>
      new TextDecoder().decode((await ports.archive.get(bucket, key))!.body);
    const put = (key: string, body: string) =>
      ports.archive.store(bucket, key, new TextEncoder().encode(body));
    // The manifest was copied twice. It names the data files of the first archive.
    const summary = await text(`${PREFIX}/manifest-summary.json`);
    put(
      "elsewhere/a/manifest-summary.json",
      summary.replaceAll(`${PREFIX}/manifest`, "elsewhere/b/manifest"),
    );
    put("elsewhere/b/manifest-files.json", await text(`${PREFIX}/manifest-files.json`));
    const own = keysBelow(ports, PREFIX);
    const location = { prefix: "elsewhere/a", writtenFor: "elsewhere/b", keys: "as-listed", shared: false };
    const stage = stageOf({ "bucket-prefix": "elsewhere/a" }, () => true, { manifest: { location } });
    const prepared = await preparePrune(accessOf(ports), PLACE, { rules: { last: 1 }, stage });
    expect(prepared.decisions.map(({ decision, reasons }) => [decision, ...reasons])).toEqual([
      ["keep", "in use by task t"],
      ["keep", "last 1"],
    ]);
    expect(await all(prepared.remove())).toEqual([]);
    expect(keysBelow(ports, PREFIX)).toEqual(own);
  });

  test("keeps an archive of which another place has only the manifest", async () => {
    const ports = await withNewer(await archived());
    const { body } = (await ports.archive.get(bucket, `${PREFIX}/manifest-summary.json`))!;
    const copy = "backups/three/manifest-summary.json";
    const late = JSON.stringify({
      ...JSON.parse(new TextDecoder().decode(body)),
      startTime: "2027-02-01T00:00:00.000Z",
    });
    ports.archive.store(bucket, copy, new TextEncoder().encode(late));
    const { decisions, removed } = await prune(ports);
    expect(decisions.map(({ archive, decision }) => [archive.url.split("/").at(-1), decision])).toEqual([
      ["one", "keep"],
      ["three", "keep"],
      ["two", "remove"],
    ]);
    expect(decisions[0]!.reasons).toEqual([
      `the manifest at s3://${bucket.name}/backups/three names its files`,
    ]);
    expect(decisions[1]!.archive).toMatchObject({
      state: "sealed",
      filesAt: `s3://${bucket.name}/${PREFIX}`,
    });
    expect(removed).toHaveLength(1);
    // A whole copy does not need the original.
    for (const key of keysBelow(ports, PREFIX))
      ports.archive.store(
        bucket,
        key.replace(PREFIX, "backups/three"),
        (await ports.archive.get(bucket, key))!.body,
      );
    ports.archive.store(bucket, copy, new TextEncoder().encode(late));
    expect((await prune(ports)).decisions[0]).toMatchObject({ decision: "remove" });
  });

  test("needs a rule", async () => {
    await expect(preparePrune(accessOf(await archived()), PLACE, { rules: {} })).rejects.toMatchObject({
      group: "usage",
      message: expect.stringContaining("needs at least one rule"),
    });
  });

  test("says that the bucket keeps versions", async () => {
    const { keepsVersions } = await preparePrune(accessOf(await archived()), PLACE, { rules: { last: 1 } });
    expect(keepsVersions).toBe(true);
  });
});

describe("a prune of exports", () => {
  const spec = { bucket: bucket.name, under: "backups" };
  const to = (day: number) => `2026-10-0${day}T00:00:00.000Z`;
  const full = (id: string, day: number) =>
    fullExport({
      ...spec,
      id,
      files: [[itemLine('{"id":{"S":"a"}}')], []],
      summary: { exportTime: to(day) },
    });

  test("keeps a full export on which an incremental one builds, also if only that is named, and removes others whole", async () => {
    const ports = world();
    for (const native of [full("01-old", 1), full("02-base", 2), full("03-new", 5)])
      storeExport(ports.archive, bucket, native);
    storeExport(
      ports.archive,
      bucket,
      incrementalExport({ ...spec, id: "04-inc", files: [[]], from: to(2), to: to(3) }),
    );
    for (const key of ports.archive.keys(bucket).filter((one) => one.includes("04-inc")))
      expect(key).not.toBe("");
    const incrementals = ports.archive.keys(bucket).filter((key) => !/0[123]-/.test(key));
    const { decisions } = await prune(ports, accessOf(ports), true);
    expect(decisions.map(({ archive, decision }) => [archive.url.slice(-6), decision])).toEqual([
      ["01-old", "remove"],
      ["2-base", "keep"],
      ["03-new", "keep"],
      ["04-inc", "leave"],
    ]);
    const left = ports.archive.keys(bucket);
    expect(left.filter((key) => key.includes("01-old"))).toEqual([]);
    expect(left.filter((key) => key.includes("02-base")).length).toBeGreaterThan(3);
    expect(left).toEqual(expect.arrayContaining(incrementals));

    const base = { bucket: bucket.name, prefix: "backups/AWSDynamoDB/02-base" };
    const within = { years: 0, months: 0, days: 0, hours: 1 };
    const alone = await preparePrune(accessOf(ports), base, { rules: { within }, exports: true });
    expect(alone.decisions[0]!.reasons).toContainEqual(expect.stringMatching(/04-inc builds on it$/));
  });

  test("that stops anywhere is completed by the next", async () => {
    const native = full("01-old", 1);
    const own = native.objects.length;
    for (let deletes = 2; deletes < own; deletes++) {
      const ports = world();
      storeExport(ports.archive, bucket, native);
      storeExport(ports.archive, bucket, full("03-new", 5));
      await expect(prune(ports, accessOf(ports, { deletesMax: deletes }), true)).rejects.toThrow(
        "socket hang up",
      );
      await expect(
        openArchive(accessOf(ports), { bucket: bucket.name, prefix: native.prefix }),
      ).rejects.toMatchObject({
        code: "no-manifest",
      });
      await prune(ports, accessOf(ports), true);
      expect(keysBelow(ports, native.prefix)).toEqual([]);
    }
  });
});

test("the objects of an archive are removed in the order of its steps", async () => {
  const ports = await archived();
  const { steps } = await listArchiveObjects(accessOf(ports), bucket, { prefix: PREFIX, writer: "ferry" });
  expect(steps.map((step) => step.map(({ key }) => key.slice(PREFIX.length + 1, PREFIX.length + 7)))).toEqual(
    [
      ["task.j"],
      ["manife", "manife"],
      expect.arrayContaining(["0x0000", "0x0001", "0x0002", "index/", "table.", "manife"]),
      ["manife"],
    ],
  );
  await removeArchive(accessOf(ports), bucket, { prefix: PREFIX, writer: "ferry" });
  expect(ports.archive.keys(bucket)).toEqual([]);
  // A pruned prefix can be used again.
  expect(await runTask(backupRequest, ports, "request-3")).toMatchObject([{ type: "TaskFinished" }]);
  expect(await runTask(restoreRequest, ports)).toMatchObject([{ type: "TaskFinished" }]);
});
