import { intercept } from "@ferry/memory/intercept";
import { someTask, world } from "@ferry/memory/testing/tasks";
import { describe, expect, test } from "vitest";
import type { RestorePlan } from "../events/events.ts";
import { newTaskRow, type TaskRow } from "../projection/status.ts";
import type { Only } from "../request/only.ts";
import type { TaskRef } from "../request/task.ts";
import { type Attempt, noteWindow, releaseLease, takeLease, withdrawLease } from "./lease.ts";
import type { AppliedWindow, LeaseHolder, TableLease } from "./lease-schema.ts";

const ARN = "arn:aws:dynamodb:eu-west-1:000000000000:table/copies";
const ownTask = someTask("own", "restore", "r-own");
const otherTask = someTask("other", "restore", "r-other");
const T = (hour: number) => `2026-11-01T0${hour}:00:00.000Z`;

interface Options {
  readonly mode?: string;
  readonly lines?: "items" | "changes";
  readonly window?: { readonly from?: string; readonly to: string };
  readonly id?: string;
  readonly outOfOrder?: boolean;
  readonly only?: Only;
}

function plan({ mode, lines = "items", window, id, outOfOrder, only }: Options = {}): RestorePlan {
  return {
    task: ownTask,
    request: {
      "table-region": "eu-west-1",
      "table-name": "copies",
      ...(mode !== undefined && { "restore-mode": mode }),
      ...(outOfOrder !== undefined && { "out-of-order": outOfOrder }),
      ...(only !== undefined && { only }),
    },
    table: { arn: ARN, keys: ["id"], ...(id !== undefined && { id }) },
    manifest: { lines, ...(window !== undefined && { window }) },
  } as unknown as RestorePlan;
}

/** A world with this lease and these rows, 1,000,000 ms before the deadline. */
async function given(lease?: TableLease, rows: readonly TaskRow[] = []) {
  const ports = world();
  if (lease !== undefined) await ports.leases.replace(ARN, undefined, lease);
  for (const row of rows) await ports.status.write(row, undefined);
  const deadlineMs = ports.clock.now() + 1_000_000;
  const take = (options: Options = {}, change: Partial<Attempt> = {}) =>
    takeLease({ plan: plan(options), attempt: 1, deadlineMs, isWriting: true, ...change }, ports);
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
  test.each<[Options, boolean]>([
    [{}, true],
    [{ mode: "empty-only" }, true],
    [{ mode: "merge" }, false],
    [{ mode: "if-absent" }, false],
    [{ mode: "merge", lines: "changes" }, true],
  ])("of a restore of %j is exclusive: %s", async (options, exclusive) => {
    const { take, lease, deadlineMs } = await given();
    await take(options, { attempt: 3 });
    expect(await lease()).toEqual({
      holders: [{ task: ownTask, attempt: 3, exclusive, "deadline-ms": deadlineMs, takes: 1 }],
    });
  });

  test.each([
    [true, "merge", false],
    [true, "empty-only", false],
    [false, "empty-only", false],
    [false, "merge", true],
  ])(
    "next to one that is exclusive (%s) is granted with restore-mode %s: %s",
    async (exclusive, mode, granted) => {
      const other = holder(otherTask, { exclusive });
      const { take, lease } = await given({ holders: [other] });
      if (granted) {
        await take({ mode });
        expect((await lease())?.holders.map(({ task }) => task.id)).toEqual([otherTask.id, ownTask.id]);
        return;
      }
      await expect(take({ mode })).rejects.toMatchObject({
        kind: "permanent",
        code: "table-leased",
        operation: "plan restore",
        resource,
        message: expect.stringContaining(`is in use by restore ${otherTask.id} (request-id r-other)`),
      });
      expect(await lease()).toEqual({ holders: [other] });
    },
  );

  test("that the task holds is renewed, and the recorded export is kept", async () => {
    const window: AppliedWindow = { to: T(1), task: "t", complete: true };
    const { take, lease, deadlineMs } = await given({ holders: [holder(ownTask)], window });
    await take({}, { attempt: 2 });
    expect(await lease()).toEqual({
      holders: [{ task: ownTask, attempt: 2, exclusive: true, "deadline-ms": deadlineMs, takes: 2 }],
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
    ["without a row", {}, undefined, false],
    ["that is running", {}, row(otherTask, {}), false],
    ["that ended", {}, row(otherTask, { finished: true }), true],
    ["that ended in an earlier attempt", { attempt: 2 }, row(otherTask, { failed: { 0: 1 } }), false],
    ["that ended in a later attempt", {}, row(otherTask, { attempt: 2, finished: true }), true],
    ["whose row belongs to another task", {}, row(otherTask, { finished: true, "task-id": "x" }), false],
    ["whose deadline is now", { "deadline-ms": 0 }, undefined, true],
  ])("of a task %s is replaced: %4$s", async (_, change, known, taken) => {
    const { take, lease } = await given({ holders: [holder(otherTask, change)] }, known ? [known] : []);
    if (!taken) return expect(take()).rejects.toMatchObject({ code: "table-leased" });
    await take();
    expect((await lease())?.holders.map(({ task }) => task.id)).toEqual([ownTask.id]);
  });

  test("expires exactly at its deadline", async () => {
    for (const [leftMs, ended] of [
      [0, true],
      [1, false],
    ] as const) {
      const { take, ports, lease } = await given();
      const held = { holders: [holder(otherTask, { "deadline-ms": ports.clock.now() + leftMs })] };
      await ports.leases.replace(ARN, undefined, held);
      if (ended) await take();
      else await expect(take()).rejects.toMatchObject({ code: "table-leased" });
      expect((await lease())?.holders[0]?.task.id).toBe(ended ? ownTask.id : otherTask.id);
    }
  });

  test.each([
    [19, true],
    [20, false],
  ])("that other restores change %i times during the update is granted: %s", async (times, granted) => {
    const { ports, deadlineMs } = await given();
    let left = times;
    const leases = intercept("leases", ports.leases, ["replace"], async (_, run) =>
      left-- > 0 ? false : run(),
    );
    const taken = takeLease({ plan: plan(), attempt: 1, deadlineMs, isWriting: true }, { ...ports, leases });
    if (granted) return void (await taken);
    return expect(taken).rejects.toThrow(`the lease of ${ARN} was changed 20 times while it was read`);
  });

  describe("that a retry no longer holds", () => {
    test.each<[string, TableLease | undefined, Options, Partial<Attempt>, boolean]>([
      ["is refused after another restore held the table", { holders: [] }, {}, { attempt: 2 }, false],
      ["is granted to a first attempt", { holders: [] }, {}, { attempt: 1 }, true],
      [
        "is granted if the restore only has to be finished",
        { holders: [] },
        {},
        { attempt: 2, isWriting: false },
        true,
      ],
      ["is granted with restore-mode merge", { holders: [] }, { mode: "merge" }, { attempt: 2 }, true],
      ["is granted if the lease item was lost", undefined, {}, { attempt: 2 }, true],
      ["is granted if the task still holds it", { holders: [holder(ownTask)] }, {}, { attempt: 2 }, true],
      [
        "is refused if an ended task holds it",
        { holders: [holder(otherTask, { "deadline-ms": 0 })] },
        {},
        { attempt: 2 },
        false,
      ],
    ])("%s", async (_, known, options, change, granted) => {
      const { take } = await given(known);
      const taken = take(options, change);
      if (granted) return void (await taken);
      return expect(taken).rejects.toMatchObject({
        kind: "permanent",
        code: "table-used",
        operation: "plan restore",
        resource,
        message: expect.stringContaining("was used by another restore"),
      });
    });
  });

  test("keeps the maximumSegments of the request's first delivery, also through a retry", async () => {
    const { take, lease } = await given();
    expect(await take({}, { maximumSegments: 8 })).toBe(8);
    expect(await take({}, { maximumSegments: 2 })).toBe(8);
    await take({ mode: "merge" }, { attempt: 2 });
    expect((await lease())?.holders).toMatchObject([{ "maximum-segments": 8, takes: 3 }]);
  });

  test("that the task took for a table that was created again is refused, and stays", async () => {
    const { take, lease } = await given();
    await take({ id: "id-1" });
    await take({ id: "id-1" });
    const before = await lease();
    expect(before?.holders).toMatchObject([{ "table-id": "id-1", takes: 2 }]);
    const refused = { kind: "permanent", code: "table-replaced", resource };
    await expect(take({ id: "id-2" })).rejects.toMatchObject(refused);
    expect(await lease()).toEqual(before);
  });

  test.each([
    [1, false],
    [2, true],
  ])("that the task took %i times is kept when its request is rejected: %s", async (takes, stays) => {
    const others = [holder(otherTask, { exclusive: false })];
    const own = holder(ownTask, { takes });
    const window: AppliedWindow = { to: T(1), task: "t", complete: true };
    const { ports, lease } = await given({ holders: [own, ...others], window });
    await withdrawLease(plan(), ports);
    expect(await lease()).toEqual({ holders: [...(stays ? [own] : []), ...others], window });
  });

  test("is released only for the task that held it", async () => {
    const others = [holder(otherTask, { exclusive: false })];
    const { ports, lease } = await given({ holders: [...others, holder(ownTask)] });
    await releaseLease(plan(), ports);
    expect(await lease()).toStrictEqual({ holders: others });
  });

  test.each([
    [ownTask.id, true],
    [otherTask.id, false],
  ])("that is released records the export of %s as complete: %s", async (task, complete) => {
    const window: AppliedWindow = { from: T(1), to: T(2), task, complete: false };
    const { ports, lease } = await given({ holders: [holder(ownTask)], window });
    await releaseLease(plan(), ports);
    expect(await lease()).toEqual({ holders: [], window: { ...window, complete } });
  });
});

describe("an incremental export", () => {
  const window = { from: T(2), to: T(4) };
  const changes: Options = { mode: "merge", lines: "changes", window, id: "id-1" };
  const last: AppliedWindow = {
    from: T(2),
    to: T(4),
    task: otherTask.id,
    "table-id": "id-1",
    complete: true,
  };
  const taken = async (options: Options, applied?: AppliedWindow) => {
    const { take } = await given({ holders: [], ...(applied !== undefined && { window: applied }) });
    return take(options);
  };
  const { from: _, ...full } = last;

  test.each<[string, Options, AppliedWindow | undefined]>([
    ["for a table without a recorded export", changes, undefined],
    ["that ends at the same time as the last one", changes, last],
    ["that ends later", changes, { ...last, to: T(3) }],
    ["that begins after the end of a complete one", changes, { ...last, from: T(0), to: T(1) }],
    ["that begins at the start of an incomplete one", changes, { ...last, complete: false }],
    ["that begins before an incomplete one", changes, { ...last, from: T(3), complete: false }],
    ["that ends earlier, with out-of-order true", { ...changes, outOfOrder: true }, { ...last, to: T(5) }],
    ["that ends earlier than an export of the same task", changes, { ...last, to: T(5), task: ownTask.id }],
    [
      "that ends earlier than an export into an earlier table of this name",
      changes,
      { ...last, to: T(5), "table-id": "id-0" },
    ],
    ["that is a full export", { ...changes, lines: "items" }, { ...last, to: T(5) }],
    ["without a time range", { mode: "merge", lines: "changes" }, { ...last, to: T(5) }],
  ])("%s is taken", async (_name, options, applied) => {
    await taken(options, applied);
  });

  const range = `${T(2)} to ${T(4)}`;
  test.each<[string, Options, AppliedWindow, string]>([
    [
      "that ends earlier",
      changes,
      { ...last, to: T(5) },
      `restored ${T(2)} to ${T(5)} into it, which is newer.`,
    ],
    [
      "that ends before the time of a full export",
      changes,
      { ...full, to: T(5) },
      `restored items as of ${T(5)} into it, which is newer.`,
    ],
    [
      "that ends earlier, if the table has no id",
      { mode: "merge", lines: "changes", window },
      { ...last, to: T(5) },
      "which is newer.",
    ],
    [
      "that ends earlier, if no id was recorded with the last one",
      changes,
      (({ "table-id": _id, ...rest }) => ({ ...rest, to: T(5) }))(last),
      "which is newer.",
    ],
    [
      "that ends earlier, with out-of-order false",
      { ...changes, outOfOrder: false },
      { ...last, to: T(5) },
      "which is newer.",
    ],
    [
      "that begins after the start of an incomplete one",
      changes,
      { ...last, from: T(1), complete: false },
      `began to restore ${T(1)} to ${T(4)} into it and did not succeed.`,
    ],
    [
      "after an incomplete full export",
      changes,
      { ...full, complete: false },
      `began to restore items as of ${T(4)} into it and did not succeed.`,
    ],
    [
      "without a start, after an incomplete one",
      { ...changes, window: { to: T(4) } },
      { ...last, complete: false },
      "did not succeed.",
    ],
  ])("%s is refused", async (_name, options, applied, message) => {
    const refused = {
      kind: "permanent",
      code: "window-out-of-order",
      operation: "plan restore",
      resource,
      hint: expect.stringContaining(
        message.includes("newer") ? "in the order of their time ranges" : "Retry that task first",
      ),
    };
    const error = await taken(options, applied).catch((thrown: unknown) => thrown as Error);
    expect(error).toMatchObject(refused);
    expect((error as Error).message).toContain(`task ${otherTask.id} `);
    expect((error as Error).message.endsWith(message)).toBe(true);
    if (options.window?.from !== undefined)
      expect((error as Error).message).toContain(`cannot take the incremental export of ${range},`);
  });
});

describe("the recorded export of a table", () => {
  const window = { from: T(2), to: T(4) };
  const own: AppliedWindow = { ...window, task: ownTask.id, "table-id": "id-1", complete: false };
  const last: AppliedWindow = { ...window, task: otherTask.id, "table-id": "id-1", complete: false };
  const options: Options = { mode: "merge", window, id: "id-1" };
  const someOnly = [{ id: { S: "a" } }];

  test.each<[string, Options, AppliedWindow | undefined, AppliedWindow | undefined]>([
    ["is the export's range", options, undefined, own],
    [
      "has no table id if the table has none",
      { mode: "merge", window },
      undefined,
      (({ "table-id": _, ...rest }) => rest)(own),
    ],
    ["is absent if the export has no time range", { mode: "merge" }, undefined, undefined],
    ["is kept if an export without a time range is merged", { mode: "merge", id: "id-1" }, last, last],
    [
      "is kept if an export without a time range is restored with if-absent",
      { mode: "if-absent", id: "id-1" },
      last,
      last,
    ],
    ["is kept if only some items of a full export are merged", { ...options, only: someOnly }, last, last],
    [
      "is kept if only some changes are merged",
      { ...options, lines: "changes", only: someOnly },
      { ...last, to: T(3) },
      { ...last, to: T(3) },
    ],
    [
      "is removed if only some items of a full export are restored into an empty table",
      { window, id: "id-1", only: someOnly },
      last,
      undefined,
    ],
    [
      "is removed if an export without a time range is restored into an empty table",
      { id: "id-1" },
      last,
      undefined,
    ],
    [
      "is removed if an export without a time range is restored with empty-only",
      { mode: "empty-only", id: "id-1" },
      last,
      undefined,
    ],
    ["is removed if it was of an earlier table of this name", { mode: "merge", id: "id-2" }, last, undefined],
    ["is kept if the same task recorded it", options, { ...own, complete: true }, { ...own, complete: true }],
    ["is replaced by a merged full export, even an older one", options, { ...last, to: T(5) }, own],
    ["is replaced by a full export into an empty table", { window, id: "id-1" }, { ...last, to: T(5) }, own],
    ["is replaced by changes that end later", { ...options, lines: "changes" }, { ...last, to: T(3) }, own],
    ["is replaced by changes that end at the same time", { ...options, lines: "changes" }, last, own],
    [
      "is kept if the changes end earlier",
      { ...options, lines: "changes" },
      { ...last, to: T(5) },
      { ...last, to: T(5) },
    ],
    [
      "is replaced by an if-absent restore that completes the same export",
      { ...options, mode: "if-absent" },
      last,
      own,
    ],
    [
      "is kept if the same complete export is restored with if-absent",
      { ...options, mode: "if-absent" },
      { ...last, complete: true },
      { ...last, complete: true },
    ],
    [
      "is kept if an export with another start is restored with if-absent",
      { ...options, mode: "if-absent" },
      { ...last, from: T(1) },
      { ...last, from: T(1) },
    ],
    [
      "is kept if an export with another end is restored with if-absent",
      { ...options, mode: "if-absent" },
      { ...last, to: T(3) },
      { ...last, to: T(3) },
    ],
  ])("%s", async (_, restored, before, after) => {
    const holders = [holder(ownTask)];
    const { ports, lease } = await given({ holders, ...(before !== undefined && { window: before }) });
    await noteWindow(plan(restored), ports);
    expect(await lease()).toStrictEqual({ holders, ...(after !== undefined && { window: after }) });
  });
});
