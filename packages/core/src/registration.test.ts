import { intercept } from "@ferry/memory/intercept";
import { memoryStatusStore } from "@ferry/memory/status-store";
import { memoryTaskRegistry } from "@ferry/memory/task-registry";
import { describe, expect, test } from "vitest";
import type { TaskRow } from "./projection/status.ts";
import { newTaskRow } from "./projection/status.ts";
import { findRegistration, isRowOf, register, requestIdReused } from "./registration.ts";
import type { Identity } from "./task.ts";
import { someTask } from "./testing/tasks.ts";

const MINUTES = 60_000;
const SECOND_MS = Date.UTC(2026, 10, 1, 2, 0, 0);
const request = { "table-region": "us-east-1", "table-name": "cities" };
/** The digest's first eight digits choose the slot. */
const digestOf = (slot: number) => `${slot.toString(16).padStart(8, "0")}aaaaaaaa`;
const asked = (change: Partial<Identity> = {}): Identity => ({
  action: "backup",
  requestId: "nightly",
  requestTimeMs: SECOND_MS + 400,
  digest: digestOf(17),
  request,
  ...change,
});
const opened = () => ({ registry: memoryTaskRegistry(), status: memoryStatusStore() });

describe("a request", () => {
  test("has the slot of its second that its digest chooses", async () => {
    const { task, ...about } = await register(asked(), opened());
    expect(task).toEqual({
      id: `us-east-1-cities@${SECOND_MS + 17}-${digestOf(17)}`,
      action: "backup",
      key: "us-east-1-cities",
      timestamp: SECOND_MS + 17,
      "request-id": "nightly",
    });
    expect(about).toStrictEqual({ requestTimeMs: SECOND_MS + 400 });
  });

  test.each([
    [0, 0],
    [999, 999],
    [1000, 0],
    [1017, 17],
    [0xffff_ffff, 0xffff_ffff % 1000],
  ])("whose digest begins with %i chooses slot %i", async (chosen, slot) => {
    const { task } = await register(asked({ digest: digestOf(chosen) }), opened());
    expect(task?.timestamp).toBe(SECOND_MS + slot);
  });

  test.each([
    ["the next slot where its own is another's", 17, 1, SECOND_MS + 18],
    ["the first slot of the second after the last one", 998, 2, SECOND_MS],
    ["a slot of the next second where its second is full", 17, 1000, SECOND_MS + 1017],
    ["the last slot of ten seconds", 17, 9999, SECOND_MS + 9016],
  ])("has %s", async (_, slot, taken, timestamp) => {
    const ports = opened();
    let claims = 0;
    const registry = intercept("registry", ports.registry, ["claimRow"], async (_call, run) =>
      claims++ < taken ? false : run(),
    );
    const { task } = await register(asked({ digest: digestOf(slot) }), { ...ports, registry });
    expect(task?.timestamp).toBe(timestamp);
  });

  test("that finds no row in ten seconds is tried again later", async () => {
    const ports = opened();
    let claims = 0;
    const registry = intercept("registry", ports.registry, ["claimRow"], async () => {
      claims++;
      return false;
    });
    await expect(register(asked(), { ...ports, registry })).rejects.toMatchObject({
      kind: "transient",
      code: "no-free-row",
      operation: "TaskRequested",
      resource: "row us-east-1-cities at 2026-11-01T02:00:00.000Z",
      message: "10000 requests of one key came at one time.",
    });
    expect(claims).toBe(10_000);
  });

  test("has no task where it lacks what a key is made of, and no row is claimed", async () => {
    const ports = opened();
    const registry = intercept("registry", ports.registry, ["claimRow"], () =>
      Promise.reject(new Error("claimed")),
    );
    expect(await register(asked({ request: {} }), { ...ports, registry })).toStrictEqual({
      requestTimeMs: SECOND_MS + 400,
    });
  });

  test.each([
    ["at the same time", 0, true],
    ["15 minutes later", 15 * MINUTES, true],
    ["15 minutes earlier", -15 * MINUTES, true],
    ["more than 15 minutes later", 15 * MINUTES + 1, false],
    ["more than 15 minutes earlier", -15 * MINUTES - 1, false],
  ])("that is asked again %s is the same task: %4$s", async (_, afterMs, same) => {
    const ports = opened();
    const first = await register(asked(), ports);
    const again = await register(asked({ requestTimeMs: SECOND_MS + 400 + afterMs }), ports);
    expect(again.task?.timestamp === first.task?.timestamp).toBe(same);
    expect(again.requestTimeMs).toBe(SECOND_MS + 400 + (same ? 0 : afterMs));
    if (same) expect(again).not.toHaveProperty("namedBefore");
    else expect(again.namedBefore).toEqual({ digest: digestOf(17), timeMs: SECOND_MS + 400 });
  });

  test("under a request-id that names another is told which", async () => {
    const ports = opened();
    await register(asked(), ports);
    const other = await register(asked({ digest: digestOf(18) }), ports);
    expect(other.namedBefore).toEqual({ digest: digestOf(17), timeMs: SECOND_MS + 400 });
    expect(other.task?.timestamp).toBe(SECOND_MS + 18);
  });

  test("that is rejected leaves its request-id free", async () => {
    const ports = opened();
    const rejected = await findRegistration(asked({ digest: digestOf(18) }), ports);
    expect(rejected).toMatchObject({ requestTimeMs: SECOND_MS + 400, task: { timestamp: SECOND_MS + 18 } });
    expect(await ports.registry.findRequest("nightly")).toBeUndefined();
    // Once it is registered, it is found.
    await register(asked({ requestTimeMs: SECOND_MS }), ports);
    expect(await findRegistration(asked(), ports)).toMatchObject({ requestTimeMs: SECOND_MS });
  });
});

describe("a row", () => {
  const task = someTask("k");
  const row = (change: Partial<TaskRow>): TaskRow => ({
    ...newTaskRow(task, "2026-11-01T02:00:00Z"),
    ...change,
  });
  const nameless = ({ "task-id": _, "request-id": _id, ...rest }: TaskRow) => rest as TaskRow;

  test("is the task's that it names, and nobody else's", () => {
    expect(isRowOf(row({}), task)).toBe(true);
    expect(isRowOf(row({ "task-id": "another" }), task)).toBe(false);
  });

  test("that only a cancel made is the task's; one of a request without a task's id is not", () => {
    expect(isRowOf(nameless(row({})), task)).toBe(true);
    expect(isRowOf({ ...nameless(row({})), "request-id": task["request-id"] }, task)).toBe(false);
  });

  test("that is the task's own is given with it, and one of another task is passed over", async () => {
    const ports = opened();
    const { task: own } = await register(asked(), ports);
    const mine = newTaskRow(own!, "2026-11-01T02:00:00Z");
    await ports.status.write(mine, undefined);
    expect(await register(asked(), ports)).toMatchObject({ task: own, row: { "task-id": own!.id } });
    // The notes have expired, and another request chooses the same slot.
    const later = { ...ports, registry: memoryTaskRegistry() };
    const other = await register(
      asked({ requestId: "other", digest: `${digestOf(17).slice(0, 8)}bbbbbbbb` }),
      later,
    );
    expect(other.task?.timestamp).toBe(SECOND_MS + 18);
    expect(other).not.toHaveProperty("row");
  });
});

describe("the reason that a request-id was used before", () => {
  const named = { digest: digestOf(17), timeMs: SECOND_MS };
  const about = {
    kind: "permanent",
    code: "request-id-reused",
    operation: "TaskRequested",
    resource: "request-id nightly",
    hint: expect.stringContaining("45 days"),
  };

  test("names both requests where they are different ones", () => {
    expect(requestIdReused(asked({ digest: digestOf(18) }), named)).toMatchObject({
      ...about,
      message: `the request-id names another request, of 2026-11-01T02:00:00.000Z with the digest ${digestOf(17)}; the digest of this one is ${digestOf(18)}.`,
    });
  });

  test("names both times where it is the same request, too late to be a repeat", () => {
    expect(requestIdReused(asked({ requestTimeMs: SECOND_MS + 3_600_000 }), named)).toMatchObject({
      ...about,
      message:
        "it was asked at 2026-11-01T03:00:00.000Z with the request-id of the same request of 2026-11-01T02:00:00.000Z: a repeat of it would have come within 15 minutes.",
    });
  });
});
