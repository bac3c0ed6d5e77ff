import { zlibCodec } from "@ferry/aws/codec";
import {
  changeLine,
  fullExport,
  incrementalExport,
  itemLine,
  storeExport,
} from "@ferry/memory/native-export";
import { backupRequest, bucket, destination, runTask, source, world } from "@ferry/memory/testing/tasks";
import { expect, test, vi } from "vitest";
import type { AwsAccess } from "../access.ts";
import { openComparison } from "./compare-table.ts";
import { openArchive } from "./open-archive.ts";
import { verifyArchive } from "./verify-archive.ts";

const PLACE = { bucket: bucket.name, prefix: "backups/one" };

const item = (id: number, more = `"n":{"N":"${id}"},"set":{"SS":["a","b"]}`) =>
  `{"id":{"S":"item-${String(id).padStart(6, "0")}"},${more}}`;

type World = ReturnType<typeof world>;

function accessOf(ports: World): Pick<AwsAccess, "archive" | "region" | "tables" | "describe"> {
  return {
    archive: ports.archive,
    tables: ports.tables,
    region: async () => bucket.region,
    describe: (table) => ports.tables.describe(table),
  };
}

/** A sealed archive of `count` items in `segments` segments, and the same items in the destination. */
async function archived(count: number, segments = 4): Promise<World> {
  const ports = world();
  const items = Array.from({ length: count }, (_, id) => item(id));
  ports.tables.put(source, ...items);
  ports.tables.put(destination, ...items);
  await runTask({ ...backupRequest, "total-segments": segments, "batch-bytes": 200_000 }, ports);
  return ports;
}

async function compare(ports: World, place = PLACE) {
  const archive = await openArchive(accessOf(ports), place);
  const comparison = await openComparison(accessOf(ports), archive, destination);
  const verified = await verifyArchive(archive, { onBlock: comparison.onBlock });
  expect(verified.problems).toEqual([]);
  return comparison.finish();
}

const keyOf = (id: number) => ({ id: { S: `item-${String(id).padStart(6, "0")}` } });

test("an undamaged archive has no problems, and all its files, items and bytes are read", async () => {
  const ports = await archived(5000);
  const archive = await openArchive(accessOf(ports), PLACE);
  const seen: number[] = [];
  const verified = await verifyArchive(archive, { onItems: (items) => seen.push(items) });
  expect(verified).toMatchObject({ items: 5000, bytes: archive.manifest.bytes, problems: [] });
  expect(verified.files).toBe(archive.files.length);
  expect(seen.at(-1)).toBe(5000);
});

test("an archive is verified without the library with which the workers compress", async () => {
  const workers = vi.spyOn(zlibCodec, "decompress");
  try {
    const ports = await archived(100);
    const verified = await verifyArchive(await openArchive(accessOf(ports), PLACE));
    expect(verified).toMatchObject({ items: 100, problems: [] });
    expect(workers).not.toHaveBeenCalled();
  } finally {
    workers.mockRestore();
  }
});

test("a changed byte, a truncated file and a deleted file are each named", async () => {
  const ports = await archived(3000);
  const archive = await openArchive(accessOf(ports), PLACE);
  const [changed, truncated, deleted] = archive.files.map((file) => file.dataFileS3Key);
  for (const [key, damage] of [
    [changed!, (body: Uint8Array) => body.map((byte, at) => (at === body.length - 20 ? byte ^ 1 : byte))],
    [truncated!, (body: Uint8Array) => body.subarray(0, body.length - 20)],
  ] as const) {
    const { body, head } = (await ports.archive.get(bucket, key))!;
    ports.archive.store(bucket, key, damage(body), head.metadata);
  }
  ports.archive.remove(bucket, deleted!);
  const { problems } = await verifyArchive(archive);
  expect(problems.map(({ object, code }) => [object, code])).toEqual(
    [changed, truncated, deleted].map((key) => [`s3://archives/${key}`, "corrupt-file"]),
  );
});

test("a table with the archive's items has no differences", async () => {
  const ports = await archived(3000, 8);
  expect(await compare(ports)).toMatchObject({ archiveItems: 3000, tableItems: 3000, differences: [] });
});

test("of 4,000 items, one with a changed attribute, one missing and one extra are found and named", async () => {
  const ports = await archived(4000, 8);
  ports.tables.put(destination, item(2711, '"n":{"N":"2712"},"set":{"SS":["a","b"]}'), item(4000));
  ports.tables.remove(destination, keyOf(31));
  expect(await compare(ports)).toMatchObject({
    archiveItems: 4000,
    tableItems: 4000,
    changed: 1,
    missing: 1,
    extra: 1,
    differences: [
      { kind: "missing", key: keyOf(31) },
      { kind: "changed", key: keyOf(2711) },
      { kind: "extra", key: keyOf(4000) },
    ],
  });
});

test("items that are equal by value are equal, however they are written", async () => {
  const ports = await archived(10);
  ports.tables.put(destination, '{"set":{"SS":["b","a"]},"n":{"N":"3.0"},"id":{"S":"item-000003"}}');
  expect(await compare(ports)).toMatchObject({ changed: 0, missing: 0, extra: 0 });
});

test("a table whose scan is divided in another way is compared, too", async () => {
  const ports = await archived(2000, 4);
  const { scan } = ports.tables;
  // The segments of the scan come in another order than those of the backup.
  ports.tables.scan = (page) => scan({ ...page, segment: (page.segment + 1) % page.totalSegments });
  ports.tables.remove(destination, keyOf(7));
  expect(await compare(ports)).toMatchObject({
    changed: 0,
    missing: 1,
    extra: 0,
    differences: [{ kind: "missing", key: keyOf(7) }],
  });
});

test("an export of DynamoDB is compared as one set", async () => {
  const ports = world();
  ports.tables.put(destination, item(1), item(2), item(3));
  const lines = [[itemLine(item(1))], [itemLine(item(2, '"n":{"N":"5"}'))]];
  const prefix = storeExport(
    ports.archive,
    bucket,
    fullExport({ bucket: bucket.name, id: "x", files: lines }),
  );
  expect(await compare(ports, { bucket: bucket.name, prefix })).toMatchObject({
    archiveItems: 2,
    tableItems: 3,
    differences: [
      { kind: "changed", key: keyOf(2) },
      { kind: "extra", key: keyOf(3) },
    ],
  });
});

test("an incremental export cannot be compared", async () => {
  const ports = world();
  const files = [[changeLine({ keys: '{"id":{"S":"a"}}', newImage: '{"id":{"S":"a"}}' })]];
  const prefix = storeExport(
    ports.archive,
    bucket,
    incrementalExport({ bucket: bucket.name, id: "x", files }),
  );
  const archive = await openArchive(accessOf(ports), { bucket: bucket.name, prefix });
  expect((await verifyArchive(archive)).problems).toEqual([]);
  await expect(openComparison(accessOf(ports), archive, destination)).rejects.toThrow("changes");
});

test("a table with other keys cannot be compared", async () => {
  const ports = await archived(3);
  ports.tables.drop(destination);
  ports.tables.create(destination, { keys: [{ name: "id", type: "N" }] });
  const archive = await openArchive(accessOf(ports), PLACE);
  await expect(openComparison(accessOf(ports), archive, destination)).rejects.toMatchObject({
    code: "key-schema-mismatch",
    group: "refused",
  });
});
