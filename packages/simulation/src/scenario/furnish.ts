/**
 * What there is before anything is asked for: the tables, and the archive that a restore reads.
 */
import { gzipSync } from "node:zlib";
import { backupRequest, bucket, destination, source } from "@ferry/core/testing/tasks";
import type { Chance } from "../cloud/scheduler.ts";
import type { MemoryArchiveStore } from "../memory/archive-store.ts";
import { md5 } from "../memory/ports.ts";
import type { MemoryTables } from "../memory/tables.ts";
import { BUCKET_OWNER } from "./control.ts";
import type { Items } from "./items.ts";
import { PROVISIONED_UNITS, type Scenario } from "./scenario.ts";

/** Of an archive that is made here. */
const FILES_MAX = 100;
const PROVISIONED = { readUnits: PROVISIONED_UNITS, writeUnits: PROVISIONED_UNITS };

/** Makes tables and bucket. Returns what the restore's table holds, texts by name. */
export function furnish(
  scenario: Scenario,
  items: Items,
  tables: MemoryTables,
  archive: MemoryArchiveStore,
  chance: Chance,
): ReadonlyMap<string, string> {
  const spec = { keys: scenario.data.keys, ...(scenario.provisioned && { provisioned: PROVISIONED }) };
  archive.createBucket({ ...bucket, owner: BUCKET_OWNER });
  tables.create(source, spec);
  tables.create(destination, { ...spec, indexCount: scenario.indexCount });
  const texts = Array.from({ length: scenario.items }, (_, n) => items.text(n, "v"));
  tables.put(source, ...texts);
  if (scenario.kind === "restore") makeArchive(archive, texts, chance);
  const held = new Map<string, string>();
  const mode = scenario.restore["restore-mode"] ?? "empty-only";
  if (mode === "empty-only") return held;
  const { same, others } = scenario.held;
  for (let n = 0; n < same; n++) hold(n);
  for (let n = 0; n < others; n++) hold(scenario.items + 1000 + n);
  return held;

  function hold(n: number): void {
    const text = items.text(n, "held");
    tables.put(destination, text);
    held.set(items.nameOf(text), text);
  }
}

/**
 * An archive in the dialect of DynamoDB's own exports, made by nothing of the engine's: what a restore must take. How its
 * items fall into files means nothing.
 */
function makeArchive(archive: MemoryArchiveStore, texts: readonly string[], chance: Chance) {
  const prefix = backupRequest["bucket-prefix"];
  const filesMax = Math.max(1, Math.ceil(texts.length / 3));
  const files = chance.between(1, Math.min(filesMax, FILES_MAX));
  const lines = Array.from({ length: files }, (): string[] => []);
  for (const text of texts) chance.pick(lines).push(`{"Item":${text}}\n`);
  const listed = lines.map((of, n) => {
    const body = new Uint8Array(gzipSync(of.join("")));
    const dataFileS3Key = `${prefix}/0x0000/file-${n}.json.gz`;
    archive.plant(bucket, dataFileS3Key, body);
    return { itemCount: of.length, md5Checksum: md5(body), etag: `"${n}"`, dataFileS3Key };
  });
  const put = (name: string, text: string) =>
    archive.plant(bucket, `${prefix}/${name}`, new TextEncoder().encode(text));
  put("manifest-files.json", listed.map((file) => `${JSON.stringify(file)}\n`).join(""));
  put(
    "manifest-summary.json",
    JSON.stringify({
      version: "2020-06-30",
      manifestFilesS3Key: `${prefix}/manifest-files.json`,
      itemCount: texts.length,
      outputFormat: "DYNAMODB_JSON",
    }),
  );
}
