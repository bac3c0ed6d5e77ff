/**
 * The names and settings that handlers read from `Resource`. The permissions are in permissions/function-permissions.ts: a
 * link to a queue, a bus or a table itself would grant every action on it.
 */
import { engineSettingsOf } from "@ferry/core/settings/settings-schema";
import { type ConsumerName, type QueueName, workerTable as spec, type TableName } from "@ferry/core/topology";
import { bus } from "../bus/bus.ts";
import { logicalNameOf } from "../naming/names.ts";
import { stageQueues } from "../queues/queues.ts";
import { settings } from "../settings/stage-settings.ts";
import { statusTables } from "../tables/status-tables.ts";
import { stageWorkerTable } from "../tables/worker-table.ts";

const queueLink = (name: QueueName) =>
  new sst.Linkable(logicalNameOf(name), { properties: { url: stageQueues[name].url } });
const tableLink = (name: TableName) =>
  new sst.Linkable(logicalNameOf(name), { properties: { name: statusTables[name].name } });

const busLink = new sst.Linkable("Bus", { properties: { name: bus.name } });
const backupQueueLink = queueLink("backup-queue");
const restoreQueueLink = queueLink("restore-queue");
const backupTableLink = tableLink("backup-table");
const restoreTableLink = tableLink("restore-table");
const segmentTableLink = tableLink("segment-table");
const workerTableLink = new sst.Linkable(logicalNameOf(spec.name), {
  properties: { name: stageWorkerTable.name },
});

/** The links to the three status tables. */
export const statusTableLinks = [backupTableLink, restoreTableLink, segmentTableLink];

const settingsLink = new sst.Linkable("Settings", { properties: engineSettingsOf(settings) });

export const links = {
  backup: [busLink, backupQueueLink, backupTableLink, workerTableLink, settingsLink],
  restore: [busLink, restoreQueueLink, restoreTableLink, workerTableLink, settingsLink],
  projection: [busLink, ...statusTableLinks, workerTableLink],
} satisfies Record<ConsumerName, unknown[]>;
