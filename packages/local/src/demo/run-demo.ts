/**
 * Backs up and restores a real data set on this machine, and compares the restored table with the original.
 */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { CreateBucketCommand, GetObjectCommand, paginateListObjectsV2, S3Client } from "@aws-sdk/client-s3";
import { openProgress } from "@ferry/terminal/progress";
import { STOP_SIGNALS } from "@ferry/terminal/stop-signals";
import { banner, commandsFor } from "../banner.ts";
import { type Host, startHost } from "../host.ts";
import { putItems } from "../load-table.ts";
import { exitWhenOrphaned } from "../orphan-guard.ts";
import { readOtherEngines } from "../other-engines.ts";
import type { DemoOptions } from "./arguments.ts";
import { cities } from "./cities.ts";
import { createCityTable } from "./city-table.ts";
import { compareTables } from "./compare.ts";
import { everyType } from "./every-type.ts";
import { requestTask } from "./request.ts";
import { summary } from "./summary.ts";

const SOURCE = { region: "us-east-1", table: "cities" };
const COPY = { region: "eu-west-1", table: "cities-copy" };
const BUCKET = { region: "eu-central-1", name: "archives" };
/** Small, so that the archive of a small table has many files. */
const BATCH_BYTES = 1024 * 1024;
/** The archive is copied here, so that it can be read after the host has stopped. Git ignores it. */
const FOLDER = resolve(".ferry/demo");

type Leave = (code: number) => Promise<never>;

let host: Host | undefined;

/** Runs the demo, and ends the process with code 0 only if both tables are identical; with `keep`, at Ctrl-C. */
export async function runDemo(options: DemoOptions): Promise<never> {
  let keep = options.keep;
  /** Stops the host and ends this process; with `keep`, waits for Ctrl-C first. */
  const leave: Leave = async (code) => {
    if (keep && host !== undefined && code < 128) {
      keep = false;
      const examples = commandsFor(SOURCE, COPY, BUCKET.name);
      console.error(`\n${banner(host, process.env, examples)}\n# Still running (--keep). Ctrl-C stops it.`);
      await new Promise(() => {});
    }
    await host?.stop();
    process.exit(code);
  };
  for (const signal of STOP_SIGNALS) process.once(signal, () => void leave(signal === "SIGINT" ? 130 : 143));
  void exitWhenOrphaned(() => void leave(143));
  try {
    return await leave((await demo(options, leave)) ? 0 : 1);
  } catch (error) {
    console.error(`ferry demo: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    return leave(1);
  }
}

/** Runs the whole demo. Returns whether both tables are identical. */
async function demo(options: DemoOptions, leave: Leave): Promise<boolean> {
  const started = performance.now();
  const progress = openProgress(options.json);
  const others = await readOtherEngines(options, process.env).catch((error: Error) => {
    console.error(`ferry demo: ${error.message}`);
    return leave(1);
  });
  progress.log("Starting DynamoDB, S3, SQS and EventBridge on this machine …");
  host = await startHost({ settings: { progressIntervalMs: 200 }, ...others });
  // The stock clients below read these variables.
  Object.assign(process.env, host.env);
  host.failed.catch((error: unknown) => {
    console.error(`ferry demo: ${String(error)}`);
    void leave(1);
  });
  const s3 = new S3Client({ region: BUCKET.region });
  await Promise.all([
    createCityTable(SOURCE.region, SOURCE.table),
    createCityTable(COPY.region, COPY.table),
    s3.send(new CreateBucketCommand({ Bucket: BUCKET.name })),
  ]);

  const items = [everyType(), ...(await cities(options.items - 1))];
  const loaded = await progress.track(`Load ${SOURCE.table} in ${SOURCE.region}`, items.length, (at) =>
    putItems(new DynamoDBClient({ region: SOURCE.region }), SOURCE.table, items, at),
  );

  const location = {
    "bucket-region": BUCKET.region,
    "bucket-name": BUCKET.name,
    "bucket-prefix": `demo/${SOURCE.table}`,
  };
  const backup = await requestTask(
    host,
    progress,
    {
      action: "backup",
      "total-segments": options.segments,
      "table-region": SOURCE.region,
      "table-name": SOURCE.table,
      ...location,
      "batch-bytes": BATCH_BYTES,
    },
    items.length,
  );
  // The number of segments need not be the backup's.
  const restore = await requestTask(
    host,
    progress,
    {
      action: "restore",
      "total-segments": options.segments + 1,
      "table-region": COPY.region,
      "table-name": COPY.table,
      ...location,
    },
    items.length,
  );

  const archive = await copyArchive(s3, location["bucket-prefix"]);
  const comparison = await progress.track("Compare the tables, item by item", items.length * 2, (at) =>
    compareTables(SOURCE, COPY, at),
  );
  const identical =
    comparison.identical && comparison.source === items.length && archive.items === items.length;
  if (options.json)
    console.log(
      JSON.stringify({
        items: loaded,
        scanned: comparison.source,
        stored: archive.items,
        restored: comparison.copy,
        identical,
        backup: backup.task,
        restore: restore.task,
        archive: archive.folder,
      }),
    );
  else
    console.log(
      summary({
        items: loaded,
        backup,
        restore,
        archive,
        comparison,
        identical,
        seconds: (performance.now() - started) / 1000,
      }),
    );
  return identical;
}

/** Copies the archive from S3 to `FOLDER`. Returns its folder, its files and bytes, and the items that its manifest lists. */
async function copyArchive(s3: S3Client, prefix: string) {
  await rm(FOLDER, { recursive: true, force: true });
  let files = 0;
  let bytes = 0;
  let manifest = "";
  for await (const page of paginateListObjectsV2(
    { client: s3 },
    { Bucket: BUCKET.name, Prefix: `${prefix}/` },
  ))
    for (const { Key = "" } of page.Contents ?? []) {
      const object = await s3.send(new GetObjectCommand({ Bucket: BUCKET.name, Key }));
      const body = await object.Body!.transformToByteArray();
      const path = join(FOLDER, Key);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, body);
      if (Key.endsWith(".gz")) {
        files++;
        bytes += body.length;
      }
      if (Key.endsWith("manifest-files.json")) manifest = Buffer.from(body).toString();
    }
  const counts = manifest
    .split("\n")
    .filter(Boolean)
    .map((line) => (JSON.parse(line) as { itemCount: number }).itemCount);
  return { folder: join(FOLDER, prefix), files, bytes, items: counts.reduce((sum, count) => sum + count, 0) };
}
