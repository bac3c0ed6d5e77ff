import { gzipSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { fullExport, itemLine, storeExport } from "@ferry/memory/native-export";
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
import { defaultSettings } from "../settings/settings.ts";

const items = Array.from({ length: 40 }, (_, i) => `{"id":{"S":"item ${i}"},"n":{"N":"${i * 7919}"}}`);
const summaryOf = async (ports: ReturnType<typeof world>) =>
  JSON.parse(
    new TextDecoder().decode((await ports.archive.get(bucket, "backups/one/manifest-summary.json"))!.body),
  );

async function backedUp(fields: object, settings: object = {}) {
  const ports = world({ settings: { ...defaultSettings, ...settings } });
  for (const item of items) ports.tables.put(source, item);
  await runTask({ ...backupRequest, "total-segments": 2, "batch-bytes": 300, ...fields }, ports);
  return ports;
}

describe("a backup", () => {
  test("with zstd has .json.zst files that zstd reads, and its summary and plan name the compression", async () => {
    const ports = await backedUp({ compression: "zstd", "compression-level": 19 });
    const data = ports.archive.keys(bucket).filter((key) => key.includes("/0x"));
    expect(data.length).toBeGreaterThan(2);
    let lines = "";
    for (const key of data) {
      expect(key).toMatch(/^backups\/one\/0x\d{4}\/0x\d{8}\.json\.zst$/);
      const { body } = (await ports.archive.get(bucket, key))!;
      lines += zstdDecompressSync(body).toString();
    }
    expect(lines.split("\n").filter(Boolean).sort()).toEqual(items.map(itemLine).sort());
    expect(await summaryOf(ports)).toMatchObject({
      outputFormat: "DYNAMODB_JSON",
      ferry: { compression: "zstd" },
    });
  });

  test("has the stage's compression and level unless its request names another", async () => {
    const stage = { compression: "zstd", compressionLevel: 4, zstdLevel: 11 } as const;
    const planOf = async (fields: object) => {
      const ports = world({ settings: { ...defaultSettings, ...stage } });
      const [segment] = await accepted({ ...backupRequest, ...fields }, ports);
      return segment!.plan;
    };
    expect(await planOf({})).toMatchObject({ compression: "zstd", "compression-level": 11 });
    expect(await planOf({ compression: "gzip" })).toMatchObject({
      compression: "gzip",
      "compression-level": 4,
    });
    expect(await planOf({ "compression-level": 19 })).toMatchObject({
      compression: "zstd",
      "compression-level": 19,
    });
  });
});

test("zstd and gzip archives of one table restore the same items", async () => {
  const restored = await Promise.all(
    ["gzip", "zstd"].map(async (compression) => {
      const ports = await backedUp({ compression });
      await runTask({ ...restoreRequest, "total-segments": 3 }, ports);
      return ports.tables.items(destination);
    }),
  );
  expect(restored[0]).toHaveLength(items.length);
  expect(restored[1]).toEqual(restored[0]);
});

test.each([
  ["gzip", (text: string) => gzipSync(text)],
  ["zstd", (text: string) => zstdCompressSync(text)],
  ["no compression", (text: string) => new TextEncoder().encode(text)],
])("an export's files of %s are recognised by their content, whatever their names", async (_, pack) => {
  const ports = world();
  const files = [items.slice(0, 15).map(itemLine), [], items.slice(15).map(itemLine)];
  const spec = { bucket: bucket.name, id: "01", files, pack: (text: string) => Uint8Array.from(pack(text)) };
  const prefix = storeExport(ports.archive, bucket, fullExport(spec));
  await runTask({ ...restoreRequest, "bucket-prefix": prefix }, ports);
  expect(ports.tables.items(destination)).toHaveLength(items.length);
});
