import { intercept } from "@ferry/memory/intercept";
import { memoryStatusStore } from "@ferry/memory/status-store";
import { memoryTaskRegistry } from "@ferry/memory/task-registry";
import { someTask } from "@ferry/memory/testing/tasks";
import { describe, expect, test } from "vitest";
import type { TaskRow } from "../projection/status.ts";
import { newTaskRow } from "../projection/status.ts";
import { findRegistration, isRowOf, register, requestIdReused } from "./registration.ts";
import type { Identity } from "./task.ts";

const MINUTES = 60_000;
const SECOND_MS = Date.UTC(2026, 10, 1, 2, 0, 0);
const request = { "table-region": "us-east-1", "table-name": "cities" };
/** The digest's first eight digits choose the slot. */
const digestOf = (slot: number) => `${slot.toString(16).padStart(8, "0")}aaaaaaaa`;
const identity = (change: Partial<Identity> = {}): Identity => ({
  action: "backup",
  requestId: "nightly",
  requestTimeMs: SECOND_MS + 400,
  digest: digestOf(17),
  request,
  ...change,
});
const openPorts = () => ({ registry: memoryTaskRegistry(), status: memoryStatusStore() });

describe("a request", () => {
  test("gets the slot of its second that its digest chooses", async () => {
    const { task, ...rest } = await register(identity(), openPorts());
    expect(task).toEqual({
      id: `us-east-1-cities@${SECOND_MS + 17}-${digestOf(17)}`,
      action: "backup",
      key: "us-east-1-cities",
      timestamp: SECOND_MS + 17,
      "request-id": "nightly",
    });
    expect(rest).toStrictEqual({ requestTimeMs: SECOND_MS + 400 });
  });

  test.each([
    [0, 0],
    [999, 999],
    [1000, 0],
    [1017, 17],
    [0xffff_ffff, 0xffff_ffff % 1000],
  ])("whose digest begins with %i chooses slot %i", async (chosen, slot) => {
    const { task } = await register(identity({ digest: digestOf(chosen) }), openPorts());
    expect(task?.timestamp).toBe(SECOND_MS + slot);
  });

  test.each([
    ["the next slot if its own is taken", 17, 1, SECOND_MS + 18],
    ["the second's first slot if all slots up to its last are taken", 998, 2, SECOND_MS],
    ["a slot of the next second if its second is full", 17, 1000, SECOND_MS + 1017],
    ["the last slot of ten seconds if all others are taken", 17, 9999, SECOND_MS + 9016],
  ])("gets %s", async (_, slot, taken, timestamp) => {
    const ports = openPorts();
    let claims = 0;
    const registry = intercept("registry", ports.registry, ["claimRow"], async (_call, run) =>
      claims++ < taken ? false : run(),
    );
    const { task } = await register(identity({ digest: digestOf(slot) }), { ...ports, registry });
    expect(task?.timestamp).toBe(timestamp);
  });

  test("that finds no free row in ten seconds fails with a transient error", async () => {
    const ports = openPorts();
    let claims = 0;
    const registry = intercept("registry", ports.registry, ["claimRow"], async () => {
      claims++;
      return false;
    });
    await expect(register(identity(), { ...ports, registry })).rejects.toMatchObject({
      kind: "transient",
      code: "no-free-row",
      operation: "TaskRequested",
      resource: "row us-east-1-cities at 2026-11-01T02:00:00.000Z",
      message: "10000 requests with the key us-east-1-cities came at the same time.",
    });
    expect(claims).toBe(10_000);
  });

  test("without the fields of a key has no task and claims no row", async () => {
    const ports = openPorts();
    const registry = intercept("registry", ports.registry, ["claimRow"], () =>
      Promise.reject(new Error("claimed")),
    );
    expect(await register(identity({ request: {} }), { ...ports, registry })).toStrictEqual({
      requestTimeMs: SECOND_MS + 400,
    });
  });

  test.each([
    ["at the same time", 0, true],
    ["15 minutes later", 15 * MINUTES, true],
    ["15 minutes earlier", -15 * MINUTES, true],
    ["more than 15 minutes later", 15 * MINUTES + 1, false],
    ["more than 15 minutes earlier", -15 * MINUTES - 1, false],
  ])("that is repeated %s is the same task: %4$s", async (_, afterMs, same) => {
    const ports = openPorts();
    const first = await register(identity(), ports);
    const again = await register(identity({ requestTimeMs: SECOND_MS + 400 + afterMs }), ports);
    expect(again.task?.timestamp === first.task?.timestamp).toBe(same);
    expect(again.requestTimeMs).toBe(SECOND_MS + 400 + (same ? 0 : afterMs));
    if (same) expect(again).not.toHaveProperty("registeredRequest");
    else expect(again.registeredRequest).toEqual({ digest: digestOf(17), timeMs: SECOND_MS + 400 });
  });

  test("with the request-id of another request gets that request in its registration", async () => {
    const ports = openPorts();
    await register(identity(), ports);
    const other = await register(identity({ digest: digestOf(18) }), ports);
    expect(other.registeredRequest).toEqual({ digest: digestOf(17), timeMs: SECOND_MS + 400 });
    expect(other.task?.timestamp).toBe(SECOND_MS + 18);
  });

  test("that is rejected does not register its request-id", async () => {
    const ports = openPorts();
    const rejected = await findRegistration(identity({ digest: digestOf(18) }), ports);
    expect(rejected).toMatchObject({ requestTimeMs: SECOND_MS + 400, task: { timestamp: SECOND_MS + 18 } });
    expect(await ports.registry.findRequest("nightly")).toBeUndefined();
    // Once it is registered, it is found.
    await register(identity({ requestTimeMs: SECOND_MS }), ports);
    expect(await findRegistration(identity(), ports)).toMatchObject({ requestTimeMs: SECOND_MS });
  });
});

describe("a row", () => {
  const task = someTask("k");
  const row = (change: Partial<TaskRow>): TaskRow => ({
    ...newTaskRow(task, "2026-11-01T02:00:00Z"),
    ...change,
  });
  const withoutTask = ({ "task-id": _, "request-id": _id, ...rest }: TaskRow) => rest as TaskRow;

  test("belongs to the task that it names, and to no other task", () => {
    expect(isRowOf(row({}), task)).toBe(true);
    expect(isRowOf(row({ "task-id": "another" }), task)).toBe(false);
  });

  test("that only a cancel created belongs to the task; one with a request-id and no task id does not", () => {
    expect(isRowOf(withoutTask(row({})), task)).toBe(true);
    expect(isRowOf({ ...withoutTask(row({})), "request-id": task["request-id"] }, task)).toBe(false);
  });

  test("of the task itself is returned with it, and a row of another task is skipped", async () => {
    const ports = openPorts();
    const { task: own } = await register(identity(), ports);
    const ownRow = newTaskRow(own!, "2026-11-01T02:00:00Z");
    await ports.status.write(ownRow, undefined);
    expect(await register(identity(), ports)).toMatchObject({ task: own, row: { "task-id": own!.id } });
    // The registrations have expired, and another request chooses the same slot.
    const later = { ...ports, registry: memoryTaskRegistry() };
    const other = await register(
      identity({ requestId: "other", digest: `${digestOf(17).slice(0, 8)}bbbbbbbb` }),
      later,
    );
    expect(other.task?.timestamp).toBe(SECOND_MS + 18);
    expect(other).not.toHaveProperty("row");
  });
});

describe("the error that a request-id is reused", () => {
  const registered = { digest: digestOf(17), timeMs: SECOND_MS };
  const fields = {
    kind: "permanent",
    code: "request-id-reused",
    operation: "TaskRequested",
    resource: "request-id nightly",
    hint: expect.stringContaining("45 days"),
  };

  test("names both digests if the requests differ", () => {
    expect(requestIdReused(identity({ digest: digestOf(18) }), registered)).toMatchObject({
      ...fields,
      message: `The request-id nightly was registered at 2026-11-01T02:00:00.000Z for another request, with the digest ${digestOf(17)}; the digest of this request is ${digestOf(18)}.`,
    });
  });

  test("names both times if the same request comes too late for a repeat", () => {
    expect(requestIdReused(identity({ requestTimeMs: SECOND_MS + 3_600_000 }), registered)).toMatchObject({
      ...fields,
      message:
        "The same request was registered at 2026-11-01T02:00:00.000Z, and this one is from 2026-11-01T03:00:00.000Z; a repeat must come within 15 minutes.",
    });
  });
});
