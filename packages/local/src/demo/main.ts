/**
 * `npm run demo`: a real data set through the whole of Ferry on this machine, and the proof that nothing changed.
 */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { CreateBucketCommand, GetObjectCommand, paginateListObjectsV2, S3Client } from "@aws-sdk/client-s3";
import { openProgress } from "@ferry/terminal/progress";
import { banner } from "../banner.ts";
import { type Host, startHost } from "../host.ts";
import { exitWhenOrphaned } from "../orphan-guard.ts";
import { readArguments } from "./arguments.ts";
import { cities } from "./cities.ts";
import { compareTables } from "./compare.ts";
import { everyType } from "./every-type.ts";
import { createTable, load } from "./load.ts";
import { requestTask, type TaskPlace } from "./request.ts";
import { summary } from "./summary.ts";

const SOURCE = { region: "us-east-1", table: "cities" };
const COPY = { region: "eu-west-1", table: "cities-copy" };
const BUCKET = { region: "eu-central-1", name: "archives" };
/** Small files, so that a small table shows many. */
const BATCH_BYTES = 1024 * 1024;
/** Where the archive is copied to, to be looked at after the host is gone. Git ignores it. */
const FOLDER = resolve(".ferry/demo");

const options = readArguments();

let host: Host | undefined;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.once(signal, () => void leave(signal === "SIGINT" ? 130 : 143));
void exitWhenOrphaned(() => void leave(143));
try {
  await leave((await demo()) ? 0 : 1);
} catch (error) {
  console.error(`ferry demo: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  await leave(1);
}

/** Runs it all; whether both tables are identical. */
async function demo(): Promise<boolean> {
  const started = performance.now();
  const progress = openProgress(options.json);
  progress.say("Starting DynamoDB, S3, SQS and EventBridge on this machine …");
  host = await startHost({ settings: { progressIntervalMs: 200 } });
  // What the stock clients below read, as anyone's would.
  Object.assign(process.env, host.env);
  host.failed.catch((error: unknown) => {
    console.error(`ferry demo: ${String(error)}`);
    void leave(1);
  });
  const s3 = new S3Client({ region: BUCKET.region });
  await Promise.all([
    createTable(SOURCE.region, SOURCE.table),
    createTable(COPY.region, COPY.table),
    s3.send(new CreateBucketCommand({ Bucket: BUCKET.name })),
  ]);

  const items = [everyType(), ...cities(options.items - 1)];
  const loaded = await progress.track(`Load ${SOURCE.table} in ${SOURCE.region}`, items.length, (at) =>
    load(SOURCE.region, SOURCE.table, items, at),
  );

  const place: TaskPlace = {
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
      ...place,
      "batch-bytes": BATCH_BYTES,
    },
    items.length,
  );
  // Another number of segments than the backup's: it need not match.
  const restore = await requestTask(
    host,
    progress,
    {
      action: "restore",
      "total-segments": options.segments + 1,
      "table-region": COPY.region,
      "table-name": COPY.table,
      ...place,
    },
    items.length,
  );

  const archive = await copyArchive(s3, place["bucket-prefix"]);
  const proof = await progress.track("Compare the tables, item by item", items.length * 2, (at) =>
    compareTables(SOURCE, COPY, at),
  );
  const identical = proof.identical && proof.source === items.length && archive.items === items.length;
  if (options.json)
    console.log(
      JSON.stringify({
        items: loaded,
        scanned: proof.source,
        stored: archive.items,
        restored: proof.copy,
        identical,
        backup: backup.row,
        restore: restore.row,
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
        proof,
        identical,
        seconds: (performance.now() - started) / 1000,
      }),
    );
  return identical;
}

/** Copies the archive out of S3; its folder, and how many items its manifest lists. */
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

/** Ends the host and this process; with `--keep`, first waits for Ctrl-C. */
async function leave(code: number): Promise<never> {
  if (options.keep && host !== undefined && code < 128) {
    options.keep = false;
    console.error(`\n${banner(host, process.env)}\n# Kept up, as --keep asks. Ctrl-C ends it.`);
    await new Promise(() => {});
  }
  await host?.stop();
  process.exit(code);
}
