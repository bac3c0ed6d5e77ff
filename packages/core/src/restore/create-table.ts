/**
 * The destination table of a restore with `create-table`. The table carries an owner from its creation, so that each delivery
 * of the request finds the table that an earlier one created, and no restore uses a table of another.
 */

import { bucketOf } from "../archive/bucket.ts";
import { type Fingerprint, fingerprintOf } from "../archive/fingerprint.ts";
import { tableKey } from "../archive/keys.ts";
import { homeOf } from "../archive/location.ts";
import type { Manifest } from "../archive/manifest.ts";
import { decodeTableFile, type TableFile } from "../archive/table-settings.ts";
import { FerryError, permanent } from "../errors/errors.ts";
import type { FerryEvent, MessageWith, Plan, RestorePlan, TaskAccepted } from "../events/events.ts";
import type { Ports, TableDescription } from "../ports.ts";
import { isEnded, stateOf } from "../projection/status.ts";
import { type TableAddress, tableResource } from "../request/addresses.ts";
import { isRowOf } from "../request/registration.ts";
import type { RestoreRequest } from "../request/request.ts";
import type { TaskRef } from "../request/task.ts";
import { invocationLeftMs } from "../segment/slice-budget.ts";
import { tableOf } from "../table/table-identity.ts";
import { newTable, unusable } from "./new-table.ts";

/** How often, and how long, one invocation looks whether the table is ACTIVE. Then it hands off. */
const POLL_MS = 3_000;
const WAIT_MS_MAX = 20_000;
/** DescribeTable may not find a table in the first seconds after its creation. */
const WAITS_WITHOUT_TABLE_MAX = 3;

/** A table that this task created, and the table.json from which it did. */
export interface CreatedTable {
  readonly table: TableDescription;
  readonly file: Fingerprint;
}

/**
 * Creates the table, or finds the one that an earlier delivery of the request created. It may still be CREATING. Permanent
 * errors: `table-exists`, `table-settings-unusable`, `broken-archive`, and those of the port.
 */
export async function createDestination(
  request: RestoreRequest,
  task: TaskRef,
  manifest: Manifest,
  ports: Ports,
): Promise<CreatedTable> {
  const { settings, fingerprint } = await readTableFile(request, manifest, ports);
  const { definition } = newTable(request, settings);
  const address = tableOf({ request });
  const owner = ownerOf(task);
  const table =
    (await findOwn(address, owner, ports)) ??
    (await ports.admin.create(address, definition, owner)) ??
    // Another delivery of the request, or another system, created it in between.
    (await findOwn(address, owner, ports));
  if (table === undefined) throw notReadable(address, "was created a moment ago and cannot be read yet");
  return { table, file: fingerprint };
}

/** The archive's table.json. Permanent errors: `table-settings-unusable` if there is none, `broken-archive`. */
export async function readTableFile(
  request: RestoreRequest,
  manifest: Manifest,
  ports: Pick<Ports, "archive" | "codec">,
): Promise<{ readonly settings: TableFile; readonly fingerprint: Fingerprint }> {
  const bucket = bucketOf(request);
  const key = tableKey(homeOf(manifest.location));
  const stored = await ports.archive.get(bucket, key);
  if (stored === undefined)
    throw unusable(
      request,
      `cannot be created: the archive has no ${key}, which contains the settings of the backed-up table.`,
      "DynamoDB's own exports do not contain a table's settings: create the table yourself, and request the restore without create-table.",
    );
  return {
    settings: decodeTableFile(bucket, key, stored.body),
    fingerprint: fingerprintOf(stored, ports.codec.md5),
  };
}

/** The owner of the tables that a task creates. It has only characters that a tag's value may have. */
export function ownerOf(task: TaskRef): string {
  return `${task["request-id"]}/${task.id.slice(task.key.length + 1)}`;
}

/** The table if it exists and has this owner. Permanent error `table-exists` if it has another, or none. */
async function findOwn(
  address: TableAddress,
  owner: string,
  ports: Ports,
): Promise<TableDescription | undefined> {
  const table = await describeIfExists(address, ports);
  if (table === undefined) return undefined;
  const found = await ports.admin.owner(address, table.arn);
  if (found === owner) return table;
  if (found === undefined && table.status === "CREATING")
    throw notReadable(address, "is being created, and its tags cannot be read yet");
  throw permanent("table-exists", {
    operation: "create table",
    resource: tableResource(address),
    predicate: `exists, and this restore did not create it${found === undefined ? "" : `: its owner is ${found}`}`,
    hint: "Choose another table-name, delete the table, or request the restore without create-table to restore into it.",
  });
}

async function describeIfExists(
  address: TableAddress,
  ports: Pick<Ports, "tables">,
): Promise<TableDescription | undefined> {
  try {
    return await ports.tables.describe(address);
  } catch (error) {
    if (error instanceof FerryError && error.code === "no-such-table") return undefined;
    throw error;
  }
}

/** The plan of a restore that created its table. */
type PlanOfCreated = RestorePlan & Required<Pick<RestorePlan, "created">>;

/** Whether the task created its table. */
export function isCreated(plan: Plan): plan is PlanOfCreated {
  return "created" in plan && plan.created !== undefined;
}

/**
 * Waits until the table that the task created is ACTIVE. Returns undefined if it is, or if the attempt was cancelled: the
 * segments then end it. Otherwise returns the event with which another invocation continues to wait, or nothing if the
 * attempt has ended. Permanent errors: `table-not-active`, `no-such-table`, `deadline-exceeded`.
 */
export async function awaitTable(
  accepted: MessageWith<PlanOfCreated, TaskAccepted>,
  ports: Ports,
): Promise<readonly FerryEvent[] | undefined> {
  const { task, plan, attempt, waits = 0 } = accepted;
  const untilMs = ports.time.now() + Math.min(WAIT_MS_MAX, invocationLeftMs(ports));
  for (;;) {
    const table = await describeIfExists(tableOf(plan), ports);
    if (table?.status === "ACTIVE" || table?.status === "UPDATING") return undefined;
    if (table === undefined ? waits >= WAITS_WITHOUT_TABLE_MAX : table.status !== "CREATING")
      throw permanent(table === undefined ? "no-such-table" : "table-not-active", {
        operation: "wait for table",
        resource: tableResource(tableOf(plan)),
        predicate: `was created by this restore, and ${table === undefined ? "does not exist any more" : `is ${table.status}`}`,
        hint: "Find out what changed or deleted the table, and request a new restore.",
      });
    const row = await ports.status.read(task);
    if (row !== undefined && isRowOf(row, task)) {
      if (row.cancelledAttempt >= attempt) return undefined;
      const state = stateOf(row);
      // A row that is behind may show the end of an earlier attempt, or the rejection of another delivery of the request.
      const hasEnded = row.attempt === attempt && isEnded(state) && state !== "rejected";
      if (row.attempt > attempt || hasEnded) return [];
    }
    if (ports.time.now() >= accepted["deadline-ms"])
      throw permanent("deadline-exceeded", {
        operation: "wait for table",
        resource: tableResource(tableOf(plan)),
        predicate: `is still being created at the end of attempt ${attempt}`,
        hint: "Put a TaskRetryRequested when the table is ACTIVE.",
      });
    if (ports.time.now() + POLL_MS > untilMs) break;
    await ports.time.sleep(POLL_MS);
  }
  return [{ type: "TaskAccepted", detail: { ...accepted, waits: waits + 1 } }];
}

function notReadable(address: TableAddress, predicate: string) {
  return new FerryError("transient", "table-being-created", {
    operation: "create table",
    resource: tableResource(address),
    predicate,
    hint: "The queue delivers the message again.",
  });
}
