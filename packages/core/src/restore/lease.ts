/**
 * The lease on a table: records which restores of this stage may write to it, and the last export that was restored into it. A
 * restore with restore-mode `empty-only`, or of an incremental export, holds it exclusively; other restores share it.
 */

import type { ErrorCode } from "../errors/error-codes.ts";
import { permanent } from "../errors/errors.ts";
import type { RestorePlan } from "../events/events.ts";
import type { Ports } from "../ports.ts";
import { isEnded, stateOf } from "../projection/status.ts";
import { tableResource } from "../request/addresses.ts";
import { isRowOf } from "../request/registration.ts";
import type { RestoreRequest } from "../request/request.ts";
import type { TaskRef } from "../request/task.ts";
import { tableOf, tableReplaced } from "../table/table-identity.ts";
import type { AppliedWindow, LeaseHolder, TableLease } from "./lease-schema.ts";
import { isSeries, momentOf } from "./windows.ts";

/** How often an update is tried if other restores update the lease at the same time. */
const TRIES_MAX = 20;

/**
 * An attempt of a restore. `deadlineMs`: when its workers stop, ms since 1970. `isWriting`: false if every segment is complete
 * and the restore only has to be finished. `maximumSegments`: the setting with which a request is being planned.
 */
export interface Attempt {
  readonly plan: RestorePlan;
  readonly attempt: number;
  readonly deadlineMs: number;
  readonly isWriting: boolean;
  readonly maximumSegments?: number;
}

type LeasePorts = Pick<Ports, "leases" | "status" | "time">;

/**
 * Takes or renews the table's lease for an attempt. Removes holders whose task has ended or whose deadline has passed. Refuses
 * a retry of an `empty-only` restore if another restore held the table since: the retry writes only missing items, so the other
 * restore's items would remain among its own. Refuses a second plan of a request for a table that was created again: segments
 * that are complete in one table would count as complete in the other, and a series would wait for them forever. Returns the
 * `maximumSegments` of the request's first delivery, with which each delivery must be planned: segments of plans that divide the
 * archive differently would count as one another. Permanent errors: `table-leased`, `table-used`, `table-replaced`,
 * `window-out-of-order`.
 */
export async function takeLease(attempt: Attempt, ports: LeasePorts): Promise<number | undefined> {
  const { plan } = attempt;
  let { maximumSegments } = attempt;
  const ownIn = ({ holders }: TableLease) => holders.find(({ task }) => task.id === plan.task.id);
  await change(plan, ports, async (lease, isKnown) => {
    const own = ownIn(lease);
    maximumSegments = own?.["maximum-segments"] ?? attempt.maximumSegments;
    const renewed = holderOf(attempt, { takes: 1 + (own?.takes ?? 0), maximumSegments });
    const others: LeaseHolder[] = [];
    for (const holder of lease.holders) {
      if (holder.task.id === renewed.task.id || (await hasEnded(holder, ports))) continue;
      if (holder.exclusive || renewed.exclusive) throw leased(plan, holder);
      others.push(holder);
    }
    // If the lease item was lost, the holders are unknown. A restore that is only being finished may have released it itself.
    const isRetry = attempt.attempt > 1 && attempt.isWriting;
    if (isRetry && isEmptyOnly(plan) && isKnown && own === undefined) throw used(plan);
    const [planned, present] = [own?.["table-id"], renewed["table-id"]];
    if (planned !== undefined && present !== undefined && planned !== present)
      throw tableReplaced(plan, planned, present);
    refuseOutOfOrder(plan, lease.window);
    // Two deliveries of the request found different exports at the same time. The next delivery takes those of the first.
    if (own?.increments !== undefined && own.increments.join() !== renewed.increments?.join())
      throw new Error(`another delivery of the request ${plan.task["request-id"]} found other exports`);
    return { ...lease, holders: [...others, renewed] };
  });
  return maximumSegments;
}

/** The incremental exports that an earlier delivery of a task's request found; undefined if there was none. */
export async function chosenIncrements(
  tableArn: string,
  task: TaskRef,
  { leases }: Pick<Ports, "leases">,
): Promise<readonly string[] | undefined> {
  const lease = await leases.read(tableArn);
  return lease?.holders.find((holder) => holder.task.id === task.id)?.increments;
}

/** Records the time range of the export before it is restored: from now on the table may hold some of its items. */
export function noteWindow(plan: RestorePlan, ports: LeasePorts): Promise<void> {
  return change(plan, ports, async ({ holders, window }) => {
    const next = nextWindow(plan, isOfThisTable(plan, window) ? window : undefined);
    return { holders, ...(next !== undefined && { window: next }) };
  });
}

/** Releases the lease of a restore that has succeeded, and records that its export was restored completely. */
export function releaseLease(plan: RestorePlan, ports: LeasePorts): Promise<void> {
  return change(plan, ports, async ({ holders, window }) => ({
    holders: holders.filter(({ task }) => task.id !== plan.task.id),
    ...(window !== undefined && {
      window: window.task === plan.task.id ? { ...window, complete: true } : window,
    }),
  }));
}

/**
 * Releases the lease of a restore whose request is rejected, because its row may be written late. Keeps a lease that was taken
 * more than once: another delivery of the request may have been accepted with it.
 */
export function withdrawLease(plan: RestorePlan, ports: LeasePorts): Promise<void> {
  return change(plan, ports, async (lease) => ({
    ...lease,
    holders: lease.holders.filter(({ task, takes }) => task.id !== plan.task.id || takes > 1),
  }));
}

/** Reads the lease, decides and writes; tries again if another restore wrote in between. */
async function change(
  plan: RestorePlan,
  ports: LeasePorts,
  decide: (lease: TableLease, isKnown: boolean) => Promise<TableLease>,
): Promise<void> {
  const { arn } = plan.table;
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const read = await ports.leases.read(arn);
    const next = await decide(read ?? { holders: [] }, read !== undefined);
    if (await ports.leases.replace(arn, read, next)) return;
  }
  throw new Error(`the lease of ${arn} was changed ${TRIES_MAX} times while it was read`);
}

function holderOf(
  { plan, attempt, deadlineMs }: Attempt,
  { takes, maximumSegments }: { readonly takes: number; readonly maximumSegments: number | undefined },
): LeaseHolder {
  const { task, request } = plan;
  return {
    task,
    attempt,
    exclusive: isExclusive(plan),
    "deadline-ms": deadlineMs,
    takes,
    ...(plan.table.id !== undefined && { "table-id": plan.table.id }),
    ...(maximumSegments !== undefined && { "maximum-segments": maximumSegments }),
    ...(request.until !== undefined && {
      increments: plan.increments?.map(({ location }) => location.prefix) ?? [],
    }),
  };
}

function isExclusive(plan: RestorePlan): boolean {
  return plan.manifest.lines === "changes" || isSeries(plan) || isEmptyOnly(plan);
}

function isEmptyOnly({ request }: RestorePlan): boolean {
  return (request["restore-mode"] ?? "empty-only") === "empty-only";
}

/** Whether all workers of the holder have stopped. A row of an earlier attempt does not prove it. */
async function hasEnded(holder: LeaseHolder, { status, time }: LeasePorts): Promise<boolean> {
  if (time.now() >= holder["deadline-ms"]) return true;
  const row = await status.read(holder.task);
  if (row === undefined || !isRowOf(row, holder.task)) return false;
  return row.attempt >= holder.attempt && isEnded(stateOf(row));
}

/**
 * An incremental export holds each item that changed in its time range, in its version at the range's end. So it may overlap
 * the export before it, but must not end earlier: its versions would replace newer ones. If the previous restore did not
 * succeed, its range must begin no later than the previous one.
 */
function refuseOutOfOrder(plan: RestorePlan, last: AppliedWindow | undefined): void {
  const { window, lines } = plan.manifest;
  if (lines !== "changes" || window === undefined || plan.request["out-of-order"] === true) return;
  if (last === undefined || last.task === plan.task.id || !isOfThisTable(plan, last)) return;
  const isOlder = window.to < last.to;
  const isBehindGap =
    !last.complete && !(last.from !== undefined && window.from !== undefined && window.from <= last.from);
  if (!isOlder && !isBehindGap) return;
  throw planError(
    "window-out-of-order",
    plan,
    isOlder
      ? `cannot take the incremental export of ${describe(window)}, because task ${last.task} restored ${describe(last)} into it, which is newer.`
      : `cannot take the incremental export of ${describe(window)}, because task ${last.task} began to restore ${describe(last)} into it and did not succeed.`,
    isOlder
      ? "Restore incremental exports in the order of their time ranges. To apply this one anyway, request it with out-of-order true."
      : "Retry that task first, or restore its export again. To apply this one anyway, request it with out-of-order true.",
  );
}

/** The export to record for the table when this restore begins. */
function nextWindow(plan: RestorePlan, last: AppliedWindow | undefined): AppliedWindow | undefined {
  const mode = plan.request["restore-mode"] ?? "empty-only";
  const { lines } = plan.manifest;
  const to = momentOf(plan);
  const window = isSeries(plan) && to !== undefined ? { to } : plan.manifest.window;
  // A table that was empty holds no earlier export. One into which only some items are restored does not hold the export.
  if (window === undefined || plan.request.only !== undefined)
    return mode === "empty-only" ? undefined : last;
  const next: AppliedWindow = {
    ...window,
    task: plan.task.id,
    ...(plan.table.id !== undefined && { "table-id": plan.table.id }),
    complete: false,
  };
  if (last === undefined || last.task === next.task) return last ?? next;
  // After an export that was applied out of order, the newest items are still those of the later range.
  if (lines === "changes") return window.to < last.to ? last : next;
  // A restore that never overwrites adds only missing items: it is recorded only if it completes the same export.
  if (mode === "if-absent")
    return !last.complete && last.from === window.from && last.to === window.to ? next : last;
  return next;
}

function isOfThisTable(plan: RestorePlan, window: AppliedWindow | undefined): boolean {
  const { id } = plan.table;
  return id === undefined || window?.["table-id"] === undefined || window["table-id"] === id;
}

function describe({ from, to }: { readonly from?: string; readonly to: string }): string {
  return from === undefined ? `items as of ${to}` : `${from} to ${to}`;
}

function leased(plan: RestorePlan, { task }: LeaseHolder) {
  return planError(
    "table-leased",
    plan,
    `is in use by restore ${task.id} (request-id ${task["request-id"]}), and one of the two restores needs it exclusively: it has restore-mode empty-only, or restores an incremental export.`,
    "Request the restore again when that task has ended, or cancel that task.",
  );
}

function used(plan: RestorePlan) {
  return planError(
    "table-used",
    plan,
    "was used by another restore after this one stopped, so it may hold items of another archive.",
    "Restore into an empty table, or request a new restore with restore-mode merge (overwrite) or if-absent (never overwrite).",
  );
}

/** An error of planning a restore: a sentence about its table. */
export function planError(
  code: ErrorCode,
  of: { readonly request: RestoreRequest },
  predicate: string,
  hint: string,
) {
  return permanent(code, {
    operation: "plan restore",
    resource: tableResource(tableOf(of)),
    predicate,
    hint,
  });
}
