/**
 * The archives that restores read, valid or broken, made without the engine: in Ferry's format and as DynamoDB exports.
 * The expected items of the table are computed here, from the lines.
 */
import { gzipSync, zstdCompressSync } from "node:zlib";
import type { MemoryArchiveStore } from "@ferry/memory/archive-store";
import {
  changeLine,
  type DataFileObject,
  type ExportObject,
  fileList,
  fullExport,
  incrementalExport,
  itemLine,
} from "@ferry/memory/native-export";
import { md5 } from "@ferry/memory/ports";
import { backupRequest, bucket } from "@ferry/memory/testing/tasks";
import { textOf } from "../checks/data-files.ts";
import type { Rng } from "../cloud/scheduler.ts";
import type { Source, Stored } from "./archive-kinds.ts";
import type { Items } from "./items.ts";
import type { Scenario } from "./scenario.ts";
import { sourceSettings } from "./source-settings.ts";

const compress: Readonly<Record<Stored, (text: string) => Uint8Array>> = {
  gzip: (text) => new Uint8Array(gzipSync(text)),
  zstd: (text) => new Uint8Array(zstdCompressSync(text)),
  plain: (text) => utf8(text),
};

/** The items after a restore of an archive, texts by name; undefined: the item is deleted. */
export interface ArchiveModel {
  readonly items: ReadonlyMap<string, string | undefined>;
  readonly lines: number;
}

/** The prefix of an archive of this kind. */
export function prefixOf(kind: Source): string {
  return kind === "full" || kind === "incremental" ? EXPORT_PREFIX : backupRequest["bucket-prefix"];
}

const EXPORT_ID = "01793498400000-a1b2c3d4";
const EXPORT_PREFIX = `AWSDynamoDB/${EXPORT_ID}`;
const FILES_MAX = 100;
const HOUR_MS = 3_600_000;
/** The time of the full export's state. */
const FULL_MS = Date.parse("2026-10-31T23:00:00Z");
const incrementId = (window: number) => `0179349840${window}000-a1b2c3d4`;
const timeOf = (window: number) => new Date(FULL_MS + window * HOUR_MS).toISOString();
/** Of the items that changed in a window. */
const CHANGED_SHARE_MAX = 0.6;
const DELETED_SHARE = 0.4;
/** The parent of a moved archive's prefix. */
const ELSEWHERE = "elsewhere";

/** The request's fields for a series. */
export function seriesFields({
  increments,
  isListed,
}: NonNullable<Scenario["data"]["source"]["series"]>): Readonly<Record<string, unknown>> {
  if (!isListed) return { until: timeOf(increments) };
  return { increments: Array.from({ length: increments }, (_, n) => `AWSDynamoDB/${incrementId(n + 1)}`) };
}

/** A line, and the name and resulting text of its item. */
interface Line {
  readonly name: string;
  readonly text: string | undefined;
  readonly line: string;
}

/**
 * Makes the archive of a scenario from its items' texts, with its fault. A fault in a line needs at least one item.
 */
export function makeArchive(
  scenario: Scenario,
  items: Items,
  archive: MemoryArchiveStore,
  texts: readonly string[],
  rng: Rng,
): ArchiveModel {
  const { kind, stored, fault, series } = scenario.data.source;
  const pack = compress[stored];
  const lines = texts.map((text) => lineOf(text, kind === "incremental" && rng.happens(DELETED_SHARE)));
  const model: ArchiveModel = {
    items: new Map(lines.map(({ name, text }) => [name, text])),
    lines: lines.length,
  };
  // Some files may be empty.
  const most = Math.min(Math.max(1, Math.ceil(lines.length / 3)), FILES_MAX);
  // Two lines with one key in one file: sometimes in one call, sometimes in two.
  const count = rng.between(1, fault === "duplicate key" ? 1 : most);
  const files = Array.from({ length: count }, (): string[] => []);
  for (const { line } of lines) rng.pick(files).push(line);
  breakLines();
  const objects = breakObjects(kind === "full" || kind === "incremental" ? exported() : written());
  for (const { key, body } of objects) archive.store(bucket, key, body, metadataOf(key));
  return series === undefined ? model : withIncrements(series.increments);

  /** Adds incremental exports with changes of some items in each window: updates, deletes, re-inserts and new items. */
  function withIncrements(increments: number): ArchiveModel {
    const items = new Map(model.items);
    let total = model.lines;
    for (let window = 1; window <= increments; window++) {
      const changes = changesIn(window, items);
      total += changes.length;
      const files = Array.from({ length: rng.between(1, 4) }, (): string[] => []);
      for (const change of changes) rng.pick(files).push(change.line);
      for (const { name, text } of changes) items.set(name, text);
      const native = incrementalExport({
        bucket: bucket.name,
        id: incrementId(window),
        from: timeOf(window - 1),
        to: timeOf(window),
        files,
        pack,
      });
      for (const { key, body } of native.objects) archive.store(bucket, key, body, metadataOf(key));
    }
    return { items, lines: total };
  }

  function changesIn(window: number, before: ReadonlyMap<string, string | undefined>): Line[] {
    const changed = rng.between(0, Math.ceil(texts.length * CHANGED_SHARE_MAX));
    // Some numbers are of items that the table did not have.
    const numbers = new Set(Array.from({ length: changed }, () => rng.between(0, texts.length + 2)));
    return [...numbers].map((n) => {
      const text = items.text(n, `w${window}`);
      const name = items.nameOf(text);
      const keys = JSON.stringify(items.key(n));
      const oldImage = before.get(name);
      const old = oldImage !== undefined && { oldImage };
      return rng.happens(DELETED_SHARE)
        ? { name, text: undefined, line: changeLine({ keys, ...old }) }
        : { name, text, line: changeLine({ keys, newImage: text, ...old }) };
    });
  }

  function lineOf(text: string, isDeleted: boolean): Line {
    const name = items.nameOf(text);
    if (kind !== "incremental") return { name, text, line: itemLine(text) };
    const keys = JSON.stringify(items.key(items.numberOf(name)));
    return isDeleted
      ? { name, text: undefined, line: changeLine({ keys, oldImage: text }) }
      : { name, text, line: changeLine({ keys, newImage: text }) };
  }

  function breakLines(): void {
    const filled = files.filter((file) => file.length > 0);
    if (filled.length === 0) return;
    const some = rng.pick(filled);
    const at = rng.between(0, some.length - 1);
    if (fault === "line cut off") some[at] = some[at]!.slice(0, -rng.between(1, some[at]!.length - 1));
    if (fault === "delete in a full export")
      some[at] = changeLine({ keys: JSON.stringify(items.key(rng.between(0, texts.length - 1))) });
    if (fault === "duplicate key") addDuplicate(at, some);
    if (fault === "one key in two files") addDuplicate(at, rng.pick(files));

    /** Adds another version of an item of `some` anywhere in a file. */
    function addDuplicate(of: number, into: string[]): void {
      const n = items.numberOf(nameIn(some[of]!));
      into.splice(rng.between(0, into.length), 0, lineOf(items.text(n, "twice"), false).line);
    }
  }

  function nameIn(line: string): string {
    const { Item, Keys } = JSON.parse(line) as { Item?: object; Keys?: object };
    return items.nameOf(JSON.stringify(Item ?? Keys));
  }

  function exported(): ExportObject[] {
    const spec = {
      bucket: bucket.name,
      id: EXPORT_ID,
      files,
      pack,
      ...(fault === "unknown version" && { summary: { version: "2031-01-01" } }),
    };
    return [...(kind === "full" ? fullExport(spec) : incrementalExport(spec)).objects];
  }

  /** Ferry's own format, see docs/archive-format.md. */
  function written(): ExportObject[] {
    const prefix = backupRequest["bucket-prefix"];
    const bodies = files.map((file) => file.map((line) => `${line}\n`).join(""));
    const data = bodies.map((body, n) => ({
      key: `${prefix}/0x0000/0x${n.toString(16).padStart(8, "0")}.json.${kind === "own" && stored === "zstd" ? "zst" : "gz"}`,
      body: pack(body),
      items: files[n]!.length,
    }));
    const list = fileList(data);
    const id = "us-east-1-cities@1793400000000";
    const ferry = {
      "format-version": 1,
      task: id,
      "request-id": OWNER,
      segments: 1,
      ...(stored === "zstd" && { compression: "zstd" }),
      files: data.length,
      bytes: bodies.reduce((sum, body) => sum + Buffer.byteLength(body), 0),
      "manifest-files-md5": md5(list),
    };
    const summary = {
      ...bareSummary(prefix, data),
      ...(fault === "unknown version" && { version: "2031-01-01" }),
      ...(kind === "own" && { ferry }),
    };
    const json = (name: string, value: object) => ({
      key: `${prefix}/${name}`,
      body: utf8(JSON.stringify(value)),
    });
    const { keys } = scenario.data;
    return [
      ...(kind === "own"
        ? [
            json("task.json", {
              "format-version": 1,
              request: { ...backupRequest, "table-name": "cities" },
              task: {
                id,
                action: "backup",
                key: "us-east-1-cities",
                timestamp: 1793400000000,
                "request-id": OWNER,
              },
              "total-segments": 1,
              "batch-bytes": 1000,
              "compression-level": 6,
              table: {
                arn: "arn:aws:dynamodb:us-east-1:000000000000:table/cities",
                keys: keys.map(({ name }) => name),
              },
              started: "2026-10-31T00:00:00.000Z",
            }),
            json("table.json", { "format-version": 1, keys, ...sourceSettings(scenario) }),
          ]
        : []),
      ...data,
      { key: `${prefix}/manifest-files.json`, body: list },
      json("manifest-summary.json", summary),
    ];
  }

  function breakObjects(all: readonly ExportObject[]): ExportObject[] {
    const isData = ({ key }: ExportObject) => /\.json\.(gz|zst)$/.test(key);
    // A data file with lines.
    const victim = rng.pick(
      all.filter((object) => isData(object) && (texts.length === 0 || textOf(object.body) !== "")),
    );
    const withText = (ends: string, change: (text: string) => string) =>
      all.map((object) =>
        object.key.endsWith(ends)
          ? { ...object, body: utf8(change(new TextDecoder().decode(object.body))) }
          : object,
      );
    switch (fault) {
      case "another count":
        return withFileList(all, (list) => {
          const more = rng.pick(list);
          more.itemCount++;
          // Often the total is right.
          const less = list.find((file) => file !== more && file.itemCount > 0);
          if (less !== undefined && rng.happens(0.7)) less.itemCount--;
        });
      case "file listed twice":
        return withFileList(all, (list) => {
          list.push(rng.pick(list));
        });
      case "another file in its place":
        return all.map((object) => {
          if (object !== victim) return object;
          const text = textOf(object.body).replaceAll('"v":{"S":"v"}', '"v":{"S":"w"}');
          return { ...object, body: pack(text) };
        });
      case "damaged file":
        return all.map((object) => {
          if (object !== victim) return object;
          const body = object.body.slice();
          body[rng.between(0, body.length - 1)]! ^= 1 << rng.between(0, 7);
          return { ...object, body };
        });
      case "bytes behind a file's end": {
        const more = Buffer.alloc(rng.between(1, 20), rng.pick([0, 0x1f, 0x41]));
        const body = Buffer.concat([victim.body, more]);
        return withFileList(
          all.map((object) => (object === victim ? { ...object, body } : object)),
          (list) => {
            const entry = list.find(({ dataFileS3Key: key }) => key === victim.key)!;
            entry.md5Checksum = md5(body);
          },
        );
      }
      case "missing file":
        return all.filter((object) => object !== victim);
      case "checksum object differs":
        return withText(rng.pick(["manifest-files.md5", "manifest-summary.md5"]), () => md5(utf8("another")));
      case "no table.json":
        return all.filter(({ key }) => !key.endsWith("/table.json"));
      case "damaged table.json":
        return withText("/table.json", (text) => text.slice(0, text.length / 2));
      case "moved": {
        // The objects under the old prefix are kept or removed.
        const prefix = scenario.restore["bucket-prefix"];
        const from = kind === "own" ? backupRequest["bucket-prefix"] : EXPORT_PREFIX;
        const copies = all
          .filter(({ key }) => key.startsWith(`${from}/`))
          .map((object) => ({ ...object, key: `${prefix}${object.key.slice(from.length)}` }));
        return rng.happens(0.5) ? [...all, ...copies] : copies;
      }
      default:
        return [...all];
    }
  }
}

/** What a manifest-summary.json must have. */
export function bareSummary(prefix: string, files: readonly DataFileObject[]) {
  return {
    version: "2020-06-30",
    manifestFilesS3Key: `${prefix}/manifest-files.json`,
    itemCount: files.reduce((sum, { items }) => sum + items, 0),
    outputFormat: "DYNAMODB_JSON",
  };
}

/** The prefix of a moved archive. */
export function movedPrefixOf(kind: Source): string {
  return kind === "own" ? `${ELSEWHERE}/one` : `${ELSEWHERE}/AWSDynamoDB/${EXPORT_ID}`;
}

/** The request-id of the request that made an archive of Ferry's: none of this run. */
const OWNER = "r-long-ago";

function metadataOf(key: string): Readonly<Record<string, string>> {
  return /\.json\.(gz|zst)$/.test(key) || !key.includes("backups/") ? {} : { "request-id": OWNER };
}

/** An entry of `manifest-files.json`. */
interface ListedFile {
  itemCount: number;
  md5Checksum: string;
  readonly dataFileS3Key: string;
}

/** The objects with a changed file list, and with a summary and checksums that match it. */
function withFileList(all: readonly ExportObject[], change: (list: ListedFile[]) => void): ExportObject[] {
  const textAt = (ends: string) => {
    const found = all.find(({ key }) => key.endsWith(ends));
    return found && new TextDecoder().decode(found.body);
  };
  const list = textAt("/manifest-files.json")!
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as ListedFile);
  change(list);
  const files = utf8(list.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
  const summary = JSON.parse(textAt("/manifest-summary.json")!);
  summary.itemCount = list.reduce((sum, { itemCount }) => sum + itemCount, 0);
  if (summary.ferry !== undefined)
    summary.ferry = { ...summary.ferry, files: list.length, "manifest-files-md5": md5(files) };
  const bodies: Readonly<Record<string, Uint8Array>> = {
    "manifest-files.json": files,
    "manifest-files.md5": utf8(md5(files)),
    "manifest-summary.json": utf8(JSON.stringify(summary)),
    "manifest-summary.md5": utf8(md5(utf8(JSON.stringify(summary)))),
  };
  return all.map((object) => {
    const body = bodies[object.key.slice(object.key.lastIndexOf("/") + 1)];
    return body === undefined ? object : { ...object, body };
  });
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
