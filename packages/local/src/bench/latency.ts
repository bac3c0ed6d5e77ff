/**
 * What takes time without any data: a backup of one item on the local host, and the start of a worker.
 */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { startHost } from "../host.ts";
import { createEmptyTable, putItems } from "../load-table.ts";
import { bundleOf } from "./bundle.ts";
import { median } from "./median.ts";

export interface Latency {
  /** From `PutEvents` of the request to the event that ends the task, ms: the first backup, and the later ones. */
  readonly backup: {
    readonly firstMs: number;
    readonly medianMs: number;
    readonly rangeMs: readonly [least: number, most: number];
  };
  /** The bundle of the backup worker: its size, and the CPU time in which Node loads it, ms (median). */
  readonly worker: { readonly gzipBytes: number; readonly loadCpuMs: number };
}

/** The backups before those that count, in which code is compiled. */
const WARM_UPS = 10;
const BACKUPS = 30;
const LOADS = 5;
const TABLE = { region: "us-east-1", name: "one" };
const BUCKET = { region: "us-east-1", name: "archives" };

export async function measureLatency(): Promise<Latency> {
  const folder = await mkdtemp(path.join(tmpdir(), "ferry-bench-"));
  try {
    return { worker: await measureStart(folder), backup: await measureBackup() };
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function measureBackup(): Promise<Latency["backup"]> {
  let ended = Promise.withResolvers<string>();
  const host = await startHost({ onLogged: (event) => ended.resolve(event["detail-type"]) });
  try {
    Object.assign(process.env, host.env);
    const dynamodb = new DynamoDBClient({ region: TABLE.region });
    await createEmptyTable(dynamodb, TABLE.name, [["id", "S"]]);
    await putItems(dynamodb, TABLE.name, [{ id: { S: "a" } }]);
    await new S3Client({ region: BUCKET.region }).send(new CreateBucketCommand({ Bucket: BUCKET.name }));
    const bus = new EventBridgeClient();
    const times: number[] = [];
    for (let number = 0; number < WARM_UPS + BACKUPS; number++) {
      ended = Promise.withResolvers();
      const start = performance.now();
      await bus.send(
        new PutEventsCommand({
          Entries: [
            {
              EventBusName: host.names.bus,
              Source: "bench",
              DetailType: "TaskRequested",
              Detail: JSON.stringify({ request: requestOf(`latency/${number}`) }),
            },
          ],
        }),
      );
      const end = await ended.promise;
      if (end !== "TaskSucceeded") throw new Error(`the backup ended with ${end}`);
      times.push(performance.now() - start);
    }
    const later = times.slice(WARM_UPS);
    return {
      firstMs: times[0]!,
      medianMs: median(later),
      rangeMs: [Math.min(...later), Math.max(...later)],
    };
  } finally {
    await host.stop();
  }
}

function requestOf(prefix: string) {
  return {
    action: "backup",
    "table-region": TABLE.region,
    "table-name": TABLE.name,
    "bucket-region": BUCKET.region,
    "bucket-name": BUCKET.name,
    "bucket-prefix": prefix,
  };
}

const LOAD = `
  const before = process.cpuUsage();
  await import(process.argv[1]);
  const { user, system } = process.cpuUsage(before);
  console.log((user + system) / 1000);`;

/** Loads the bundle in new processes without a cache of compiled modules, as Lambda starts a worker. */
async function measureStart(folder: string): Promise<Latency["worker"]> {
  const entry = fileURLToPath(import.meta.resolve("@ferry/aws/functions/backup"));
  const bundle = await bundleOf(entry, folder, false);
  const env = { ...process.env, NODE_DISABLE_COMPILE_CACHE: "1" };
  const times: number[] = [];
  for (let load = 0; load < LOADS; load++) {
    const args = ["--input-type=module", "-e", LOAD, bundle];
    const { stdout } = await promisify(execFile)(process.execPath, args, { env });
    times.push(Number(stdout));
  }
  return { gzipBytes: gzipSync(await readFile(bundle)).length, loadCpuMs: median(times) };
}

/** The result in two lines. */
export function latencyText({ backup, worker }: Latency): string {
  const ms = (value: number) => `${value.toFixed(0)} ms`;
  return `A backup of one item: ${ms(backup.medianMs)} (${backup.rangeMs.map(ms).join(" to ")}), the median of ${BACKUPS} after ${WARM_UPS} others; the first one ${ms(backup.firstMs)}.
A worker's bundle: ${(worker.gzipBytes / 1024).toFixed(0)} KiB, gzipped; Node loads it in ${ms(worker.loadCpuMs)} of CPU time.`;
}
