/**
 * What handlers find under `Resource`. Names and settings only: what a role may do with them stands in roles.ts, since
 * linking a queue, a bus or a table itself would grant every action on it.
 */
import type { Settings } from "@ferry/core/settings";
import { type QueueName, type TableName, workerTable } from "@ferry/core/topology";
import { bus } from "./bus.ts";
import { logical } from "./here.ts";
import { notes } from "./notes.ts";
import { queues } from "./queues.ts";
import { settings } from "./settings.ts";
import { status } from "./status.ts";

export const busLink = new sst.Linkable("Bus", { properties: { name: bus.name } });

const queueLink = (name: QueueName) =>
  new sst.Linkable(logical(name), { properties: { url: queues[name].url } });
const tableLink = (name: TableName) =>
  new sst.Linkable(logical(name), { properties: { name: status[name].name } });

export const queueLinks = {
  "backup-queue": queueLink("backup-queue"),
  "restore-queue": queueLink("restore-queue"),
};

export const tableLinks: Readonly<Record<TableName, sst.Linkable<{ name: $util.Output<string> }>>> = {
  "backup-table": tableLink("backup-table"),
  "restore-table": tableLink("restore-table"),
  "segment-table": tableLink("segment-table"),
};

export const workerTableLink = new sst.Linkable(logical(workerTable.name), {
  properties: { name: notes.name },
});

const engine: Settings = {
  maximumSegments: settings.maximumSegments,
  sliceBudgetMs: settings.sliceBudgetSeconds * 1_000,
  progressIntervalMs: settings.progressIntervalMs,
  lookIntervalMs: settings.lookIntervalMs,
  batchSpacingMs: settings.batchSpacingMs,
  compressionLevel: settings.compressionLevel,
  maximumIdleHops: settings.maximumIdleHops,
  taskTimeoutMs: settings.taskTimeoutHours * 3_600_000,
  maximumFileBytesInMemory: settings.maximumFileBytesInMemory,
  maximumFileBytes: settings.maximumFileBytes,
};

export const settingsLink = new sst.Linkable("Settings", {
  properties: { ...engine, retryDelaySeconds: settings.retryDelaySeconds },
});
