/**
 * The lease on a restore's table: which restores of this stage may write to it, and the last export that was restored into
 * it. A restore with restore-mode `empty-only`, and one of an incremental export, holds the table alone; others share it.
 */
import type { ErrorCode } from "../error-codes.ts";
import { permanent } from "../errors.ts";
import type { RestorePlan } from "../events.ts";
import type { AppliedWindow, LeaseHolder, Ports, TableLease } from "../ports.ts";
import { isEnded, stateOf } from "../projection/status.ts";
import { isRowOf } from "../registration.ts";

/** How often another restore may come between a read and the write that follows it. */
const TRIES_MAX = 20;

/**
 * An attempt of a restore. `deadlineMs`: when its workers stop, ms since 1970. `isWriting`: false where every segment is
 * complete, and the restore has only to be finished.
 */
export interface Attempt {
  readonly plan: RestorePlan;
  readonly attempt: number;
  readonly deadlineMs: number;
  readonly isWriting: boolean;
}

type LeasePorts = Pick<Ports, "leases" | "status" | "time">;

/**
 * Takes the table's lease for an attempt, or renews it: a task that is asked for again still has it. A holder whose task
 * has ended, or whose deadline has passed, loses it. A retry of an `empty-only` restore is refused where another restore
 * had the table since: the retry writes only what is absent, so the other one's items would stay among its own.
 * Permanent errors: `table-leased`, `table-used`, `window-out-of-order`.
 */
export async function takeLease(attempt: Attempt, ports: LeasePorts): Promise<void> {
  const { plan } = attempt;
  const ownIn = ({ holders }: TableLease) => holders.find(({ task }) => task.id === plan.task.id);
  await change(plan, ports, async (lease, isKnown) => {
    const own = ownIn(lease);
    const mine = holderOf(attempt, 1 + (own?.takes ?? 0));
    const others: LeaseHolder[] = [];
    for (const holder of lease.holders) {
      if (holder.task.id === mine.task.id || (await hasEnded(holder, ports))) continue;
      if (holder.exclusive || mine.exclusive) throw leased(plan, holder);
      others.push(holder);
    }
    // Of a lease that was lost nothing is known. A restore that was finished gave it back itself.
    const isRetry = attempt.attempt > 1 && attempt.isWriting;
    if (isRetry && isEmptyOnly(plan) && isKnown && own === undefined) throw used(plan);
    refuseOutOfOrder(plan, lease.window);
    return { ...lease, holders: [...others, mine] };
  });
}

/** Notes the time range of the export that is about to be restored: from now on the table may hold some of it. */
export function noteWindow(plan: RestorePlan, ports: LeasePorts): Promise<void> {
  return change(plan, ports, async ({ holders, window }) => {
    const next = nextWindow(plan, isOfThisTable(plan, window) ? window : undefined);
    return { holders, ...(next !== undefined && { window: next }) };
  });
}

/** Gives the lease of a restore back that has succeeded, and notes that its export was restored completely. */
export function releaseLease(plan: RestorePlan, ports: LeasePorts): Promise<void> {
  return change(plan, ports, async ({ holders, window }) => ({
    holders: holders.filter(({ task }) => task.id !== plan.task.id),
    ...(window !== undefined && {
      window: window.task === plan.task.id ? { ...window, complete: true } : window,
    }),
  }));
}

/**
 * Gives the lease of a restore back whose request is rejected: its row, by which others could tell, may be written late. Not
 * where it was taken more than once: another delivery of the request may have been accepted with it.
 */
export function withdrawLease(plan: RestorePlan, ports: LeasePorts): Promise<void> {
  return change(plan, ports, async (lease) => ({
    ...lease,
    holders: lease.holders.filter(({ task, takes }) => task.id !== plan.task.id || takes > 1),
  }));
}

/** Reads, decides and writes; again where another restore wrote in between. */
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

function holderOf({ plan, attempt, deadlineMs }: Attempt, takes: number): LeaseHolder {
  return { task: plan.task, attempt, exclusive: isExclusive(plan), "deadline-ms": deadlineMs, takes };
}

function isExclusive(plan: RestorePlan): boolean {
  return plan.manifest.lines === "changes" || isEmptyOnly(plan);
}

function isEmptyOnly({ request }: RestorePlan): boolean {
  return (request["restore-mode"] ?? "empty-only") === "empty-only";
}

/** Whether no worker of the holder writes any more. A row that has not heard of the attempt yet says nothing. */
async function hasEnded(holder: LeaseHolder, { status, time }: LeasePorts): Promise<boolean> {
  if (time.now() >= holder["deadline-ms"]) return true;
  const row = await status.read(holder.task);
  if (row === undefined || !isRowOf(row, holder.task)) return false;
  return row.attempt >= holder.attempt && isEnded(stateOf(row));
}

/**
 * An incremental export holds, of each item that changed in its time range, the version at the range's end. So it may
 * overlap the one before it, but must not end earlier: its versions would replace newer ones. Where the restore before it
 * did not succeed, its range must begin no later than that one's.
 */
function refuseOutOfOrder(plan: RestorePlan, last: AppliedWindow | undefined): void {
  const { window, lines } = plan.manifest;
  if (lines !== "changes" || window === undefined || plan.request["out-of-order"] === true) return;
  if (last === undefined || last.task === plan.task.id || !isOfThisTable(plan, last)) return;
  const isOlder = window.to < last.to;
  const isBehindGap =
    !last.complete && !(last.from !== undefined && window.from !== undefined && window.from <= last.from);
  if (!isOlder && !isBehindGap) return;
  throw refusal(
    "window-out-of-order",
    plan,
    isOlder
      ? `is asked to take the incremental export of ${inWords(window)}; task ${last.task} restored ${inWords(last)} into it, which is newer.`
      : `is asked to take the incremental export of ${inWords(window)}; task ${last.task} began to restore ${inWords(last)} into it and did not succeed.`,
    isOlder
      ? "Restore incremental exports in the order of their time ranges. To apply this one all the same, ask with out-of-order true."
      : "Retry that task first, or restore its export again. To apply this one all the same, ask with out-of-order true.",
  );
}

/** What is known of the table once this restore has begun. */
function nextWindow(plan: RestorePlan, last: AppliedWindow | undefined): AppliedWindow | undefined {
  const mode = plan.request["restore-mode"] ?? "empty-only";
  const { window, lines } = plan.manifest;
  // An empty table has no past.
  if (window === undefined) return mode === "empty-only" ? undefined : last;
  const mine: AppliedWindow = {
    ...window,
    task: plan.task.id,
    ...(plan.table.id !== undefined && { "table-id": plan.table.id }),
    complete: false,
  };
  if (last === undefined || last.task === mine.task) return last ?? mine;
  // What was out of order leaves newer items as the last word.
  if (lines === "changes") return window.to < last.to ? last : mine;
  // A restore that never overwrites adds what is missing: it counts where it does that for the very same export.
  if (mode === "if-absent")
    return !last.complete && last.from === window.from && last.to === window.to ? mine : last;
  return mine;
}

function isOfThisTable(plan: RestorePlan, window: AppliedWindow | undefined): boolean {
  const { id } = plan.table;
  return id === undefined || window?.["table-id"] === undefined || window["table-id"] === id;
}

function inWords({ from, to }: { readonly from?: string; readonly to: string }): string {
  return from === undefined ? `items as of ${to}` : `${from} to ${to}`;
}

function leased(plan: RestorePlan, { task }: LeaseHolder) {
  return refusal(
    "table-leased",
    plan,
    `is written to by restore ${task.id} (request-id ${task["request-id"]}); one of the two needs the table for itself: it has restore-mode empty-only, or is of an incremental export.`,
    "Ask again when that task has ended, or cancel it.",
  );
}

function used(plan: RestorePlan) {
  return refusal(
    "table-used",
    plan,
    "was taken by another restore after this one stopped, so it may hold items of another archive.",
    "Restore into an empty table, or ask anew with restore-mode merge (overwrite) or if-absent (never overwrite).",
  );
}

function refusal(code: ErrorCode, { request }: RestorePlan, message: string, hint: string) {
  const resource = `table ${request["table-name"]} in ${request["table-region"]}`;
  return permanent(code, { operation: "plan restore", resource, message, hint });
}
