import { intercept } from "@ferry/memory/intercept";
import { describe, expect, test } from "vitest";
import type { RestorePlan } from "../events.ts";
import type { AppliedWindow, LeaseHolder, TableLease } from "../ports.ts";
import { newTaskRow, type TaskRow } from "../projection/status.ts";
import type { TaskRef } from "../task.ts";
import { someTask, world } from "../testing/tasks.ts";
import { type Attempt, noteWindow, releaseLease, takeLease, withdrawLease } from "./lease.ts";

const ARN = "arn:aws:dynamodb:eu-west-1:000000000000:table/copies";
const mine = someTask("mine", "restore", "r-mine");
const theirs = someTask("theirs", "restore", "r-theirs");
const T = (hour: number) => `2026-11-01T0${hour}:00:00.000Z`;

interface About {
  readonly mode?: string;
  readonly lines?: "items" | "changes";
  readonly window?: { readonly from?: string; readonly to: string };
  readonly id?: string;
  readonly outOfOrder?: boolean;
}

function plan({ mode, lines = "items", window, id, outOfOrder }: About = {}): RestorePlan {
  return {
    task: mine,
    request: {
      "table-region": "eu-west-1",
      "table-name": "copies",
      ...(mode !== undefined && { "restore-mode": mode }),
      ...(outOfOrder !== undefined && { "out-of-order": outOfOrder }),
    },
    table: { arn: ARN, keys: ["id"], ...(id !== undefined && { id }) },
    manifest: { lines, ...(window !== undefined && { window }) },
  } as unknown as RestorePlan;
}

/** A world in which this is known of the table, now being 1,000,000 ms before any deadline. */
async function given(lease?: TableLease, rows: readonly TaskRow[] = []) {
  const ports = world();
  if (lease !== undefined) await ports.leases.replace(ARN, undefined, lease);
  for (const row of rows) await ports.status.write(row, undefined);
  const deadlineMs = ports.clock.now() + 1_000_000;
  const take = (about: About = {}, change: Partial<Attempt> = {}) =>
    takeLease({ plan: plan(about), attempt: 1, deadlineMs, isWriting: true, ...change }, ports);
  return { ports, deadlineMs, take, lease: () => ports.leases.read(ARN) };
}

const holder = (task: TaskRef, change: Partial<LeaseHolder> = {}): LeaseHolder => ({
  task,
  attempt: 1,
  exclusive: true,
  "deadline-ms": Number.MAX_SAFE_INTEGER,
  takes: 1,
  ...change,
});
const resource = "table copies in eu-west-1";

describe("a lease", () => {
  test.each<[About, boolean]>([
    [{}, true],
    [{ mode: "empty-only" }, true],
    [{ mode: "merge" }, false],
    [{ mode: "if-absent" }, false],
    [{ mode: "merge", lines: "changes" }, true],
  ])("of a restore of %j is exclusive: %s", async (about, exclusive) => {
    const { take, lease, deadlineMs } = await given();
    await take(about, { attempt: 3 });
    expect(await lease()).toEqual({
      holders: [{ task: mine, attempt: 3, exclusive, "deadline-ms": deadlineMs, takes: 1 }],
    });
  });

  test.each([
    [true, "merge", false],
    [true, "empty-only", false],
    [false, "empty-only", false],
    [false, "merge", true],
  ])("beside one that is exclusive (%s) is had with restore-mode %s: %s", async (exclusive, mode, had) => {
    const other = holder(theirs, { exclusive });
    const { take, lease } = await given({ holders: [other] });
    if (had) {
      await take({ mode });
      expect((await lease())?.holders.map(({ task }) => task.id)).toEqual([theirs.id, mine.id]);
      return;
    }
    await expect(take({ mode })).rejects.toMatchObject({
      kind: "permanent",
      code: "table-leased",
      operation: "plan restore",
      resource,
      message: expect.stringContaining(`is written to by restore ${theirs.id} (request-id r-theirs)`),
    });
    expect(await lease()).toEqual({ holders: [other] });
  });

  test("that the task has is renewed, and what is known of the table's window stays", async () => {
    const window: AppliedWindow = { to: T(1), task: "t", complete: true };
    const { take, lease, deadlineMs } = await given({ holders: [holder(mine)], window });
    await take({}, { attempt: 2 });
    expect(await lease()).toEqual({
      holders: [{ task: mine, attempt: 2, exclusive: true, "deadline-ms": deadlineMs, takes: 2 }],
      window,
    });
  });

  const row = (task: TaskRef, change: Partial<TaskRow>): TaskRow => ({
    ...newTaskRow(task, "2026-11-01T02:00:00Z"),
    accepted: true,
    total: 1,
    ...change,
  });
  test.each<[string, Partial<LeaseHolder>, TaskRow | undefined, boolean]>([
    ["of which no row tells", {}, undefined, false],
    ["that is running", {}, row(theirs, {}), false],
    ["that ended", {}, row(theirs, { finished: true }), true],
    ["that ended in an earlier attempt", { attempt: 2 }, row(theirs, { failed: { 0: 1 } }), false],
    ["that ended in a later attempt", {}, row(theirs, { attempt: 2, finished: true }), true],
    ["whose row is another task's", {}, row(theirs, { finished: true, "task-id": "x" }), false],
    ["whose deadline is now", { "deadline-ms": 0 }, undefined, true],
  ])("of a task %s is taken over: %4$s", async (_, change, known, taken) => {
    const { take, lease } = await given({ holders: [holder(theirs, change)] }, known ? [known] : []);
    if (!taken) return expect(take()).rejects.toMatchObject({ code: "table-leased" });
    await take();
    expect((await lease())?.holders.map(({ task }) => task.id)).toEqual([mine.id]);
  });

  test("is over at its deadline, and not a moment before", async () => {
    for (const [leftMs, ended] of [
      [0, true],
      [1, false],
    ] as const) {
      const { take, ports, lease } = await given();
      const held = { holders: [holder(theirs, { "deadline-ms": ports.clock.now() + leftMs })] };
      await ports.leases.replace(ARN, undefined, held);
      if (ended) await take();
      else await expect(take()).rejects.toMatchObject({ code: "table-leased" });
      expect((await lease())?.holders[0]?.task.id).toBe(ended ? mine.id : theirs.id);
    }
  });

  test.each([
    [19, true],
    [20, false],
  ])("that others change %i times while it is read is had: %s", async (times, had) => {
    const { ports, deadlineMs } = await given();
    let left = times;
    const leases = intercept("leases", ports.leases, ["replace"], async (_, run) =>
      left-- > 0 ? false : run(),
    );
    const taken = takeLease({ plan: plan(), attempt: 1, deadlineMs, isWriting: true }, { ...ports, leases });
    if (had) return taken;
    return expect(taken).rejects.toThrow(`the lease of ${ARN} was changed 20 times while it was read`);
  });

  describe("that a retry does not hold any more", () => {
    test.each<[string, TableLease | undefined, About, Partial<Attempt>, boolean]>([
      ["is refused: another restore had the table", { holders: [] }, {}, { attempt: 2 }, false],
      ["is had by a first attempt", { holders: [] }, {}, { attempt: 1 }, true],
      ["is had where only the end is left", { holders: [] }, {}, { attempt: 2, isWriting: false }, true],
      ["is had with restore-mode merge", { holders: [] }, { mode: "merge" }, { attempt: 2 }, true],
      ["is had where the lease was lost", undefined, {}, { attempt: 2 }, true],
      ["is had where the task still holds it", { holders: [holder(mine)] }, {}, { attempt: 2 }, true],
      [
        "is refused where an ended task holds it",
        { holders: [holder(theirs, { "deadline-ms": 0 })] },
        {},
        { attempt: 2 },
        false,
      ],
    ])("%s", async (_, known, about, change, had) => {
      const { take } = await given(known);
      if (had) return take(about, change);
      return expect(take(about, change)).rejects.toMatchObject({
        kind: "permanent",
        code: "table-used",
        operation: "plan restore",
        resource,
        message: expect.stringContaining("was taken by another restore"),
      });
    });
  });

  test.each([
    [1, false],
    [2, true],
  ])("that the task took %i times stays where its request is rejected: %s", async (takes, stays) => {
    const others = [holder(theirs, { exclusive: false })];
    const own = holder(mine, { takes });
    const window: AppliedWindow = { to: T(1), task: "t", complete: true };
    const { ports, lease } = await given({ holders: [own, ...others], window });
    await withdrawLease(plan(), ports);
    expect(await lease()).toEqual({ holders: [...(stays ? [own] : []), ...others], window });
  });

  test("is given back by the task alone that held it", async () => {
    const others = [holder(theirs, { exclusive: false })];
    const { ports, lease } = await given({ holders: [...others, holder(mine)] });
    await releaseLease(plan(), ports);
    expect(await lease()).toStrictEqual({ holders: others });
  });

  test.each([
    [mine.id, true],
    [theirs.id, false],
  ])("that is given back notes the export of %s as complete: %s", async (task, complete) => {
    const window: AppliedWindow = { from: T(1), to: T(2), task, complete: false };
    const { ports, lease } = await given({ holders: [holder(mine)], window });
    await releaseLease(plan(), ports);
    expect(await lease()).toEqual({ holders: [], window: { ...window, complete } });
  });
});

describe("an incremental export", () => {
  const window = { from: T(2), to: T(4) };
  const changes: About = { mode: "merge", lines: "changes", window, id: "id-1" };
  const last: AppliedWindow = { from: T(2), to: T(4), task: theirs.id, "table-id": "id-1", complete: true };
  const taken = async (about: About, applied?: AppliedWindow) => {
    const { take } = await given({ holders: [], ...(applied !== undefined && { window: applied }) });
    return take(about);
  };
  const { from: _, ...full } = last;

  test.each<[string, About, AppliedWindow | undefined]>([
    ["of a table of which nothing is known", changes, undefined],
    ["that ends when the last one does", changes, last],
    ["that ends later", changes, { ...last, to: T(3) }],
    ["that begins behind a complete one", changes, { ...last, from: T(0), to: T(1) }],
    ["that begins where an incomplete one did", changes, { ...last, complete: false }],
    ["that begins before an incomplete one", changes, { ...last, from: T(3), complete: false }],
    ["that ends earlier, where the request says so", { ...changes, outOfOrder: true }, { ...last, to: T(5) }],
    ["that ends earlier than itself", changes, { ...last, to: T(5), task: mine.id }],
    [
      "that ends earlier than what another table of this name had",
      changes,
      { ...last, to: T(5), "table-id": "id-0" },
    ],
    ["that is a full one", { ...changes, lines: "items" }, { ...last, to: T(5) }],
    ["that does not tell its time range", { mode: "merge", lines: "changes" }, { ...last, to: T(5) }],
  ])("%s is taken", async (_name, about, applied) => {
    await taken(about, applied);
  });

  const range = `${T(2)} to ${T(4)}`;
  test.each<[string, About, AppliedWindow, string]>([
    [
      "that ends earlier",
      changes,
      { ...last, to: T(5) },
      `restored ${T(2)} to ${T(5)} into it, which is newer.`,
    ],
    [
      "that ends before a full one was made",
      changes,
      { ...full, to: T(5) },
      `restored items as of ${T(5)} into it, which is newer.`,
    ],
    [
      "that ends earlier, where the table has no id",
      { mode: "merge", lines: "changes", window },
      { ...last, to: T(5) },
      "which is newer.",
    ],
    [
      "that ends earlier, where the last one noted no id",
      changes,
      (({ "table-id": _id, ...rest }) => ({ ...rest, to: T(5) }))(last),
      "which is newer.",
    ],
    [
      "that ends earlier, where the request says no",
      { ...changes, outOfOrder: false },
      { ...last, to: T(5) },
      "which is newer.",
    ],
    [
      "that begins behind an incomplete one",
      changes,
      { ...last, from: T(1), complete: false },
      `began to restore ${T(1)} to ${T(4)} into it and did not succeed.`,
    ],
    [
      "behind an incomplete full one",
      changes,
      { ...full, complete: false },
      `began to restore items as of ${T(4)} into it and did not succeed.`,
    ],
    [
      "that does not tell where it begins, behind an incomplete one",
      { ...changes, window: { to: T(4) } },
      { ...last, complete: false },
      "did not succeed.",
    ],
  ])("%s is refused", async (_name, about, applied, message) => {
    const refused = {
      kind: "permanent",
      code: "window-out-of-order",
      operation: "plan restore",
      resource,
      hint: expect.stringContaining(
        message.includes("newer") ? "in the order of their time ranges" : "Retry that task first",
      ),
    };
    const error = await taken(about, applied).catch((thrown: unknown) => thrown as Error);
    expect(error).toMatchObject(refused);
    expect((error as Error).message).toContain(`task ${theirs.id} `);
    expect((error as Error).message.endsWith(message)).toBe(true);
    if (about.window?.from !== undefined)
      expect((error as Error).message).toContain(`is asked to take the incremental export of ${range};`);
  });
});

describe("what is known of a table's export", () => {
  const window = { from: T(2), to: T(4) };
  const own: AppliedWindow = { ...window, task: mine.id, "table-id": "id-1", complete: false };
  const last: AppliedWindow = { ...window, task: theirs.id, "table-id": "id-1", complete: false };
  const about: About = { mode: "merge", window, id: "id-1" };

  test.each<[string, About, AppliedWindow | undefined, AppliedWindow | undefined]>([
    ["is the export's range", about, undefined, own],
    [
      "has no id where the table has none",
      { mode: "merge", window },
      undefined,
      (({ "table-id": _, ...rest }) => rest)(own),
    ],
    ["is nothing where the export tells no range", { mode: "merge" }, undefined, undefined],
    ["stays where an export that tells no range is merged", { mode: "merge", id: "id-1" }, last, last],
    ["stays where an export that tells no range is added", { mode: "if-absent", id: "id-1" }, last, last],
    ["is forgotten where one is restored into an empty table", { id: "id-1" }, last, undefined],
    [
      "is forgotten where one is restored into an empty table, as asked",
      { mode: "empty-only", id: "id-1" },
      last,
      undefined,
    ],
    ["is forgotten of another table of this name", { mode: "merge", id: "id-2" }, last, undefined],
    ["stays as the same task noted it", about, { ...own, complete: true }, { ...own, complete: true }],
    ["is that of a full export that is merged, also of an older one", about, { ...last, to: T(5) }, own],
    ["is that of a full export into an empty table", { window, id: "id-1" }, { ...last, to: T(5) }, own],
    ["is that of changes that end later", { ...about, lines: "changes" }, { ...last, to: T(3) }, own],
    ["is that of changes that end at the same time", { ...about, lines: "changes" }, last, own],
    [
      "stays where the changes end earlier",
      { ...about, lines: "changes" },
      { ...last, to: T(5) },
      { ...last, to: T(5) },
    ],
    ["is that of an export that is added to a part of itself", { ...about, mode: "if-absent" }, last, own],
    [
      "stays where one is added to all of itself",
      { ...about, mode: "if-absent" },
      { ...last, complete: true },
      { ...last, complete: true },
    ],
    [
      "stays where one is added that begins elsewhere",
      { ...about, mode: "if-absent" },
      { ...last, from: T(1) },
      { ...last, from: T(1) },
    ],
    [
      "stays where one is added that ends elsewhere",
      { ...about, mode: "if-absent" },
      { ...last, to: T(3) },
      { ...last, to: T(3) },
    ],
  ])("%s", async (_, restored, before, after) => {
    const holders = [holder(mine)];
    const { ports, lease } = await given({ holders, ...(before !== undefined && { window: before }) });
    await noteWindow(plan(restored), ports);
    expect(await lease()).toStrictEqual({ holders, ...(after !== undefined && { window: after }) });
  });
});
