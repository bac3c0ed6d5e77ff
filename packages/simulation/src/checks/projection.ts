/**
 * A row is what its facts say: counted anew by a few lines of their own, and joined in any order and number.
 */
import type { BusEvent, SegmentCompleted } from "@ferry/core/events";
import { type Fact, factOf } from "@ferry/core/projection/facts";
import { project } from "@ferry/core/projection/project";
import type { TaskRow } from "@ferry/core/projection/status";
import { intoWiped, type Outcome } from "./outcome.ts";
import { nameOf } from "./witness.ts";

export function projectionViolations(outcome: Outcome): string[] {
  return (
    outcome.status
      .rows()
      // A segment that is stored twice, before a wipe and after it, may have two counts.
      .filter((row) => !intoWiped(row, outcome))
      .flatMap((row) => [
        ...recounted(row, outcome),
        ...(sameInAnyOrder(row, outcome) ? [] : [`ORDER: ${nameOf(row)} depends on the order of its facts`]),
      ])
  );
}

function recounted(row: TaskRow, { witness, status }: Outcome): string[] {
  const done = new Map<number, SegmentCompleted>();
  let finished = false;
  for (const { "detail-type": type, detail } of witness.facts) {
    const { task } = detail as SegmentCompleted;
    if (task?.id !== `${row.key}@${row.timestamp}` || task.action !== row.action) continue;
    if (type === "SegmentCompleted")
      done.set((detail as SegmentCompleted).segment, detail as SegmentCompleted);
    if (type === "TaskFinished") finished = true;
  }
  const found: string[] = [];
  const sum = (of: "batches" | "items" | "bytes") =>
    [...done.values()].reduce((all, { counts }) => all + counts[of], 0);
  const counted = { batches: sum("batches"), items: sum("items"), bytes: sum("bytes") };
  const { batches, items, bytes } = row;
  if (JSON.stringify(counted) !== JSON.stringify({ batches, items, bytes }))
    found.push(`RECOUNT: ${nameOf(row)} says ${items} items, its facts ${counted.items}`);
  const segments = [...done.keys()].sort((a, b) => a - b).join();
  if (segments !== row.completed.join())
    found.push(
      `RECOUNT: ${nameOf(row)} has segments ${row.completed.join()} complete, its facts ${segments}`,
    );
  if (finished !== row.finished)
    found.push(`RECOUNT: ${nameOf(row)} is finished: ${row.finished}, its facts ${finished}`);
  const records = new Map(
    status.records(`${row.key}@${row.timestamp}`).map((record) => [record.segment, record]),
  );
  for (const [segment, { counts }] of done)
    if (records.get(segment)?.state !== "completed" || records.get(segment)?.items !== counts.items)
      found.push(
        `RECORD: ${nameOf(row)} segment ${segment} is ${records.get(segment)?.state ?? "not there"}`,
      );
  return found;
}

/** Folded anew, shuffled and with repetitions, the facts give the row that stands. */
function sameInAnyOrder(row: TaskRow, { witness, chance }: Outcome): boolean {
  const own = witness.facts
    .map(readable)
    .filter(
      (fact): fact is Fact =>
        fact?.row.key === row.key &&
        fact.row.timestamp === row.timestamp &&
        fact.row.action === row.action &&
        fact.kind !== "progressed",
    );
  const mixed = [...own, ...own.filter(() => chance.happens(0.5))]
    .map((fact) => ({ fact, at: chance.random() }))
    .sort((a, b) => a.at - b.at);
  const joined = mixed.reduce<TaskRow | undefined>((before, { fact }) => project(before, fact), undefined);
  return comparable(joined) === comparable(row);
}

function comparable(row: TaskRow | undefined): string {
  return JSON.stringify(Object.entries({ ...row, rev: 0 }).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Nothing, of what is no fact. */
function readable(event: BusEvent): Fact | undefined {
  try {
    return factOf(event);
  } catch {
    return undefined;
  }
}
