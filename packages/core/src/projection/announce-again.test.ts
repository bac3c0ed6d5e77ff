import { memoryStatusStore, type RowChange } from "@ferry/memory/status-store";
import { somePlan, someTask } from "@ferry/memory/testing/tasks";
import { describe, expect, test } from "vitest";
import type { StatusStore } from "../ports.ts";
import { msOf } from "../time.ts";
import { announceAgain, awaitsAnnouncement, SILENT_MS } from "./announce-again.ts";
import { newTaskRow, stateOf, type TaskRow } from "./status.ts";

const task = someTask("us-east-1-cities");
const plan = somePlan(task, 1);
const time = "2026-11-01T02:00:00Z";
const silentMs = msOf(time) + SILENT_MS;
const finishing: TaskRow = {
  ...newTaskRow(task, time),
  rev: 3,
  accepted: true,
  plan,
  total: 1,
  completed: [0],
};

/** A store that holds this row, and the states to which each write changed it. */
async function holding(row: TaskRow) {
  const states: string[] = [];
  const onChange = ({ after }: RowChange) => states.push(`${stateOf(after)} ${after.rev}`);
  const store = memoryStatusStore(onChange);
  await store.write(row, undefined);
  states.length = 0;
  return { store, states };
}

describe("a finishing row", () => {
  test("that was silent for so long leaves its state and returns to it, and is otherwise unchanged", async () => {
    const { store, states } = await holding(finishing);
    expect(await announceAgain(task, { store, nowMs: silentMs })).toBe(true);
    expect(states).toEqual(["running 4", "finishing 5"]);
    expect(await store.read(task)).toEqual({ ...finishing, rev: 5 });
  });

  test("that was silent for less is not written", async () => {
    const { store, states } = await holding(finishing);
    expect(await announceAgain(task, { store, nowMs: silentMs - 1 })).toBe(false);
    expect(states).toEqual([]);
  });

  test.each([1, 2])(
    "that a projector writes before write %i is left to the projector's write",
    async (write) => {
      const { store, states } = await holding(finishing);
      let writes = 0;
      const contended: StatusStore = {
        ...store,
        async write(row, readRevision) {
          if (++writes === write) {
            const { reannounce: _, ...read } = (await store.read(task))!;
            await store.write({ ...read, finished: true, rev: read.rev + 1 }, read.rev);
          }
          return store.write(row, readRevision);
        },
      };
      expect(await announceAgain(task, { store: contended, nowMs: silentMs })).toBe(false);
      expect(states.at(-1)).toBe(`succeeded ${write + 3}`);
    },
  );
});

test("a row that was left between the two writes is written without the mark", async () => {
  const { store, states } = await holding({ ...finishing, reannounce: true });
  expect(await announceAgain(task, { store, nowMs: silentMs })).toBe(true);
  expect(states).toEqual(["finishing 4"]);
});

test.each([
  ["running", { completed: [] }],
  ["succeeded", { finished: true }],
  ["failed", { failedStepAttempt: 1 }],
])("a row in state %s is not written", async (state, change) => {
  const row = { ...finishing, ...change };
  expect(stateOf(row)).toBe(state);
  expect(awaitsAnnouncement(row)).toBe(false);
  const { store, states } = await holding(row);
  expect(await announceAgain(task, { store, nowMs: silentMs })).toBe(false);
  expect(states).toEqual([]);
});

test("a row that was deleted meanwhile is not written", async () => {
  const { store, states } = await holding(finishing);
  store.remove(finishing);
  expect(await announceAgain(task, { store, nowMs: silentMs })).toBe(false);
  expect(states).toEqual([]);
});
