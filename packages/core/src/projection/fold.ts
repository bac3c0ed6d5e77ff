/**
 * What the projector does with a batch of messages: the facts of each task fold into one write.
 */
import type { Message } from "../events.ts";
import type { StatusStore } from "../ports.ts";
import { taskId } from "../task.ts";
import { type Fact, factOf } from "./facts.ts";
import { project } from "./project.ts";
import { announcementOf, rankOf, stateOf, type TaskRecord, type TaskRow } from "./status.ts";

/** A row that others write at the same time is read again; a hot one settles well before that often. */
const WRITES_MAX = 50;

interface Numbered {
  readonly id: string;
  readonly fact: Fact;
}

/** A message that could not be projected: it goes back to its queue, and to the dead letters in the end. */
export interface Unprojected {
  readonly id: string;
  readonly error: unknown;
}

/** Projects a batch. Returns the messages that failed; all others are done. Repeating a message changes nothing. */
export async function projectBatch(
  messages: readonly { readonly id: string; readonly message: Message }[],
  store: StatusStore,
): Promise<readonly Unprojected[]> {
  const failed: Unprojected[] = [];
  const tasks = new Map<string, Numbered[]>();
  for (const { id, message } of messages) {
    try {
      const fact = factOf(message.event);
      if (fact === undefined) continue;
      const task = `${fact.row.action} ${taskId(fact.row.key, fact.row.timestamp)}`;
      tasks.set(task, [...(tasks.get(task) ?? []), { id, fact }]);
    } catch (error) {
      failed.push({ id, error });
    }
  }
  await Promise.all(
    [...tasks.values()].map(async (facts) => {
      try {
        failed.push(...(await projectTask(facts, store)));
      } catch (error) {
        failed.push(...facts.map(({ id }) => ({ id, error })));
      }
    }),
  );
  return failed;
}

/** One task's facts: its segments' records, then its row in one write (two where it fails once more). */
async function projectTask(facts: readonly Numbered[], store: StatusStore): Promise<readonly Unprojected[]> {
  await Promise.all(highest(facts).map((record) => store.raise(record)));
  if (facts.every(({ fact }) => fact.kind === "progressed")) return [];
  for (let tries = 0; tries < WRITES_MAX; tries++) {
    const read = await store.read(facts[0]!.fact.row);
    const before = read && joinOf(read);
    const { row, refused } = join(before, facts);
    if (row === undefined || row === read) return refused;
    const next = read === undefined ? row : announceable(read, row);
    const written = await store.write({ ...next, rev: (read?.rev ?? 0) + 1 }, read?.rev);
    if (written && next === row) return refused;
  }
  throw new Error(`the row was written by others ${WRITES_MAX} times in a row`);
}

/**
 * The row to write next. The streams announce that a state was come to, not that an attempt came to it again: where a
 * later one ends as the one before it, the row first leaves that state.
 */
function announceable(read: TaskRow, after: TaskRow): TaskRow {
  const state = stateOf(after);
  const again = state === stateOf(read) && after.attempt > read.attempt;
  const told = announcementOf(state) !== undefined && state !== "succeeded";
  return again && told ? { ...read, attempt: after.attempt, between: true } : after;
}

/** The row without the mark that is not of the join. */
function joinOf(row: TaskRow): TaskRow {
  if (row.between === undefined) return row;
  const { between: _, ...join } = row;
  return join;
}

function join(before: TaskRow | undefined, facts: readonly Numbered[]) {
  let row = before;
  const refused: Unprojected[] = [];
  for (const { id, fact } of facts) {
    const [known, said] = [row?.["request-id"], fact.row["request-id"]];
    if (known !== undefined && said !== undefined && known !== said) {
      const task = taskId(fact.row.key, fact.row.timestamp);
      refused.push({
        id,
        error: new Error(`${task} is request ${known}'s; this fact is of request ${said}`),
      });
    } else if (fact.kind !== "progressed") row = project(row, fact);
  }
  return { row, refused };
}

/** The highest-ranking record of each segment that the facts speak of. */
function highest(facts: readonly Numbered[]): TaskRecord[] {
  const records = new Map<number, TaskRecord>();
  for (const { fact } of facts) {
    const record = recordOf(fact);
    if (record === undefined) continue;
    const known = records.get(record.segment);
    if (known === undefined || rankOf(record) > rankOf(known)) records.set(record.segment, record);
  }
  return [...records.values()];
}

function recordOf(fact: Fact): TaskRecord | undefined {
  if (!("segment" in fact)) return undefined;
  const state = fact.kind === "progressed" ? "running" : fact.kind;
  return {
    task: taskId(fact.row.key, fact.row.timestamp),
    segment: fact.segment,
    state,
    attempt: fact.attempt,
    ...fact.counts,
    ...(fact.kind === "failed" && { reason: fact.text }),
    updatedTime: fact.time,
  };
}
