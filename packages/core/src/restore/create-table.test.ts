import { intercept } from "@ferry/memory/intercept";
import { fullExport, itemLine, storeExport } from "@ferry/memory/native-export";
import { type MemoryPorts, md5, memoryPorts } from "@ferry/memory/ports";
import { memoryTableAdmin } from "@ferry/memory/table-admin";
import {
  backupRequest,
  bucket,
  destination,
  message,
  request,
  restoreRequest,
  runTask,
  source,
} from "@ferry/memory/testing/tasks";
import { describe, expect, test } from "vitest";
import type { RestorePlan, TaskAccepted } from "../events/events.ts";
import { newTaskRow } from "../projection/status.ts";
import { work } from "../worker.ts";
import { ownerOf } from "./create-table.ts";

const created = { ...restoreRequest, "create-table": true };
const Table = {
  TableName: "cities",
  KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
  AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
};

/** An archive of one item, and no destination. */
async function archived(overrides: Partial<MemoryPorts> = {}, settings: object = { Table }) {
  const ports = memoryPorts(overrides);
  ports.tables.create(source, { keys: [{ name: "id", type: "S" }], settings: { ...settings } });
  ports.archive.createBucket(bucket);
  ports.tables.put(source, '{"id":{"S":"a"}}');
  await runTask(backupRequest, ports);
  return ports;
}

/** The result of the step after the acceptance. */
const afterAcceptance = (accepted: TaskAccepted, ports: MemoryPorts) =>
  work(message("TaskAccepted", accepted, "TaskStepFailed"), {
    ...ports,
    time: ports.clock.invocation(15 * 60_000),
  });

async function acceptedIn(ports: MemoryPorts, body: object = created): Promise<TaskAccepted> {
  const [event] = await request(body, ports);
  if (event?.type !== "TaskAccepted") throw new Error(`not accepted: ${JSON.stringify(event)}`);
  return event.detail;
}

const rejected = (cause: string, message: unknown) => [
  { type: "TaskRejected", detail: { cause, error: { message } } },
];

describe("a restore with create-table", () => {
  test("creates the table from table.json, and is accepted while it is CREATING", async () => {
    const ports = await archived();
    const { plan } = await acceptedIn(ports);
    expect(ports.admin.created).toEqual([
      {
        table: destination,
        definition: {
          KeySchema: Table.KeySchema,
          AttributeDefinitions: Table.AttributeDefinitions,
          BillingMode: "PAY_PER_REQUEST",
        },
      },
    ]);
    const described = await ports.tables.describe(destination);
    expect(described.status).toBe("CREATING");
    expect(plan.table).toEqual({ arn: described.arn, id: described.id, keys: ["id"], "key-types": ["S"] });
    const stored = await ports.archive.get(bucket, "backups/one/table.json");
    expect((plan as RestorePlan).created).toEqual({
      "table-file": { md5: md5(stored!.body), etag: stored!.head.etag },
    });
  });

  test("queues its segments when the table is ACTIVE, within one invocation if that is soon", async () => {
    const ports = await archived();
    const accepted = await acceptedIn(ports);
    const before = ports.clock.now();
    expect(await afterAcceptance(accepted, ports)).toMatchObject([{ type: "SegmentQueued" }]);
    expect(ports.clock.now() - before).toBeLessThan(20_000);
    expect((await ports.tables.describe(destination)).status).toBe("ACTIVE");
  });

  test("hands off the wait: no invocation waits longer than 20 s", async () => {
    const clock = memoryPorts().clock;
    const tables = memoryPorts().tables;
    const admin = memoryTableAdmin(tables, { now: clock.now, creatingMs: () => 70_000 });
    const ports = await archived({ clock, tables, admin });
    let accepted = await acceptedIn(ports);
    for (let waits = 1; waits <= 3; waits++) {
      const before = ports.clock.now();
      const [event] = await afterAcceptance(accepted, ports);
      expect(event).toEqual({ type: "TaskAccepted", detail: { ...accepted, waits } });
      expect(ports.clock.now() - before).toBeLessThanOrEqual(20_000);
      accepted = event!.detail as TaskAccepted;
    }
    expect(await afterAcceptance(accepted, ports)).toMatchObject([{ type: "SegmentQueued" }]);
  });

  test("restores the items into it", async () => {
    const ports = await archived();
    expect(await runTask(created, ports)).toMatchObject([{ type: "TaskFinished", detail: { items: 1 } }]);
    expect(ports.tables.items(destination).map((item) => new TextDecoder().decode(item))).toEqual([
      '{"id":{"S":"a"}}',
    ]);
  });

  test("that is delivered again gets the same plan, and creates nothing", async () => {
    const ports = await archived();
    const first = await acceptedIn(ports);
    expect(await acceptedIn(ports)).toEqual(first);
    ports.clock.advance(60_000);
    expect(await acceptedIn(ports)).toEqual(first);
    expect(ports.admin.created).toHaveLength(1);
  });

  test("that is delivered again after a crash finds the table that it created", async () => {
    const ports = await archived();
    const crashing = intercept("admin", ports.admin, ["create"], async (_, run) => {
      await run();
      throw new Error("the invocation ends");
    });
    await expect(request(created, { ...ports, admin: { ...ports.admin, ...crashing } })).rejects.toThrow(
      "the invocation ends",
    );
    const { plan } = await acceptedIn(ports);
    expect(plan.table.id).toBe((await ports.tables.describe(destination)).id);
    expect(ports.admin.created).toHaveLength(1);
  });

  test("whose owner is not visible yet is delivered again", async () => {
    const clock = memoryPorts().clock;
    const tables = memoryPorts().tables;
    const admin = memoryTableAdmin(tables, { now: clock.now, ownerUnseen: () => true });
    const ports = await archived({ clock, tables, admin });
    await acceptedIn(ports);
    await expect(request(created, ports)).rejects.toMatchObject({
      kind: "transient",
      code: "table-being-created",
    });
    ports.clock.advance(60_000);
    await acceptedIn(ports);
  });

  test("that loses the creation to another delivery of its request uses that delivery's table", async () => {
    const ports = await archived();
    const raced = intercept("admin", ports.admin, ["create"], async (_, run) => {
      expect(await run()).toBeDefined();
      return undefined;
    });
    const [event] = await request(created, { ...ports, admin: { ...ports.admin, ...raced } });
    expect(event).toMatchObject({ type: "TaskAccepted", detail: { plan: { created: {} } } });
  });
});

describe("a restore with create-table is rejected", () => {
  test("if a table of that name exists", async () => {
    const ports = await archived();
    ports.tables.create(destination, { keys: [{ name: "id", type: "S" }] });
    expect(await request(created, ports)).toMatchObject(
      rejected("table-exists", "The table copies in eu-west-1 exists, and this restore did not create it."),
    );
  });

  test("if another restore created a table of that name", async () => {
    const ports = await archived();
    const { task } = await acceptedIn(ports);
    ports.clock.advance(60_000);
    expect(await request({ ...created, "write-units": 5 }, ports)).toMatchObject(
      rejected(
        "table-exists",
        `The table copies in eu-west-1 exists, and this restore did not create it: its owner is ${ownerOf(task)}.`,
      ),
    );
  });

  test("if the archive has no table.json", async () => {
    const ports = await archived();
    const archive = fullExport({ bucket: bucket.name, id: "01-a", files: [[itemLine('{"id":{"S":"a"}}')]] });
    storeExport(ports.archive, bucket, archive);
    expect(await request({ ...created, "bucket-prefix": "AWSDynamoDB/01-a" }, ports)).toMatchObject(
      rejected("table-settings-unusable", expect.stringContaining("AWSDynamoDB/01-a/table.json")),
    );
    expect(ports.admin.created).toEqual([]);
  });

  test("if table.json lacks the key schema", async () => {
    const ports = await archived({}, { Table: { TableName: "cities" } });
    expect(await request(created, ports)).toMatchObject(
      rejected("broken-archive", expect.stringContaining("KeySchema")),
    );
  });

  test("with the remark that the table stays, if it is rejected after the creation", async () => {
    const ports = await archived();
    const error = "another restore has the lease";
    const leases = intercept("leases", ports.leases, ["replace"], async () => {
      const { permanent } = await import("../errors/errors.ts");
      throw permanent("access-denied", { operation: "", resource: "", message: error, hint: "Wait." });
    });
    expect(await request(created, { ...ports, leases })).toMatchObject([
      {
        type: "TaskRejected",
        detail: {
          cause: "access-denied",
          error: {
            hint: "Wait. This restore created table copies in eu-west-1. The table stays: retry the task, or delete the table.",
          },
        },
      },
    ]);
  });
});

describe("given a table that is being created, the step after the acceptance", () => {
  async function waiting(overrides: Partial<MemoryPorts> = {}) {
    const clock = memoryPorts().clock;
    const tables = memoryPorts().tables;
    const admin = memoryTableAdmin(tables, { now: clock.now, creatingMs: () => 3_600_000 });
    const ports = await archived({ clock, tables, admin, ...overrides });
    return { ports, accepted: await acceptedIn(ports) };
  }
  const rowOf = ({ task, plan }: TaskAccepted) => ({
    ...newTaskRow(task, "2026-11-01T02:00:00Z"),
    accepted: true,
    plan,
    total: 1,
  });

  test("queues the segments of a cancelled attempt, which then end it", async () => {
    const { ports, accepted } = await waiting();
    await ports.status.write({ ...rowOf(accepted), rev: 1, cancelledAttempt: 1 }, undefined);
    expect(await afterAcceptance(accepted, ports)).toMatchObject([{ type: "SegmentQueued" }]);
  });

  test("does nothing if a later attempt began, or the task has ended", async () => {
    for (const change of [{ attempt: 2 }, { failedStepAttempt: 1 }]) {
      const { ports, accepted } = await waiting();
      await ports.status.write({ ...rowOf(accepted), rev: 1, ...change }, undefined);
      expect(await afterAcceptance(accepted, ports)).toEqual([]);
    }
  });

  test("continues if the row still shows the end of the attempt before", async () => {
    const { ports, accepted } = await waiting();
    for (const end of [{ cancelledAttempt: 1, failed: { 0: 1 } }, { failedStepAttempt: 1 }]) {
      const before = await ports.status.read(accepted.task);
      await ports.status.write({ ...rowOf(accepted), rev: (before?.rev ?? 0) + 1, ...end }, before?.rev);
      const retried = { ...accepted, attempt: 2 };
      expect(await afterAcceptance(retried, ports)).toMatchObject([{ type: "TaskAccepted" }]);
    }
  });

  test("continues if another delivery of the request was rejected", async () => {
    const { ports, accepted } = await waiting();
    const row = { ...rowOf(accepted), accepted: false, rejected: true, rev: 1 };
    await ports.status.write(row, undefined);
    expect(await afterAcceptance(accepted, ports)).toMatchObject([{ type: "TaskAccepted" }]);
  });

  test("fails at the attempt's deadline", async () => {
    const { ports, accepted } = await waiting();
    ports.clock.advance(accepted["deadline-ms"] - ports.clock.now());
    // Otherwise the table would be ACTIVE by now.
    const tables = intercept("tables", ports.tables, ["describe"], async () => ({ status: "CREATING" }));
    expect(await afterAcceptance(accepted, { ...ports, tables })).toMatchObject([
      { type: "TaskStepFailed", detail: { cause: "deadline-exceeded" } },
    ]);
  });

  test.each(["DELETING", "INACCESSIBLE_ENCRYPTION_CREDENTIALS"])("fails if it is %s", async (status) => {
    const { ports, accepted } = await waiting();
    const tables = intercept("tables", ports.tables, ["describe"], async () => ({ status }));
    expect(await afterAcceptance(accepted, { ...ports, tables })).toMatchObject([
      {
        type: "TaskStepFailed",
        detail: {
          cause: "table-not-active",
          error: { message: expect.stringContaining(`was created by this restore, and is ${status}.`) },
        },
      },
    ]);
  });

  test("fails if it does not exist any more, but not in its first seconds", async () => {
    const { ports, accepted } = await waiting();
    ports.tables.drop(destination);
    let current = accepted;
    for (let waits = 1; waits <= 3; waits++) {
      const [event] = await afterAcceptance(current, ports);
      expect(event).toMatchObject({ type: "TaskAccepted", detail: { waits } });
      current = event!.detail as TaskAccepted;
    }
    expect(await afterAcceptance(current, ports)).toMatchObject([
      { type: "TaskStepFailed", detail: { cause: "no-such-table" } },
    ]);
  });
});
