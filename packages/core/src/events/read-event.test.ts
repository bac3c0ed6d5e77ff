import { memoryStatusStore } from "@ferry/memory/status-store";
import { busEvent, message, projecting, someTask, world } from "@ferry/memory/testing/tasks";
import { describe, expect, test } from "vitest";
import { projectBatch } from "../projection/projector.ts";
import { eventPages } from "../testing/event-examples.ts";
import { routes } from "../topology.ts";
import { work } from "../worker.ts";
import { eventSchemas, readDetail, readFinishing } from "./read-event.ts";

type EventType = keyof typeof eventSchemas;
/** Requests, cancels and retries are answered; they do not become dead letters. */
const ANSWERED: readonly string[] = ["TaskRequested", "TaskCancelRequested", "TaskRetryRequested"];
const typesOf = (queue: RegExp) => [
  ...new Set(
    Object.values(routes)
      .filter((route) => queue.test(route.queue))
      .flatMap(({ pattern }) => pattern["detail-type"] as EventType[])
      .filter((type) => !ANSWERED.includes(type)),
  ),
];
/** For each required field of an event: its example without the field, and with a value of another type. */
const malformed = (types: readonly EventType[]) =>
  types.flatMap((type) =>
    Object.entries(eventSchemas[type].entries)
      .filter(([name, { type: kind }]) => kind !== "exact_optional" && kind !== "optional" && name !== "work")
      .flatMap(([name]) => {
        const { [name]: _, ...missing } = eventPages[type].example as Record<string, unknown>;
        return [
          [type, `detail.${name}`, missing],
          [type, `detail.${name}`, { ...missing, [name]: { not: ["this"] } }],
        ] as [EventType, string, object][];
      }),
  );

describe("an event that does not match its schema", () => {
  test.each(malformed(typesOf(/^(backup|restore)-queue$/)))(
    "%s with an invalid %s makes its worker throw an error that names the field",
    async (type, field, detail) => {
      const error = { kind: "transient", code: "malformed-event", message: expect.stringContaining(field) };
      await expect(work(message(type, detail), world())).rejects.toMatchObject(error);
    },
  );

  test.each(malformed(typesOf(/^projection-queue$/)))(
    "%s with an invalid %s fails in the projector, with an error that names the field",
    async (type, field, detail) => {
      const store = memoryStatusStore();
      const batch = [
        { id: "bad", message: { event: busEvent(type, detail) } },
        { id: "good", message: { event: busEvent("TaskAccepted", eventPages.TaskAccepted.example) } },
      ];
      const { failed } = await projectBatch(batch, projecting(store));
      expect(failed).toMatchObject([
        { id: "bad", error: { code: "malformed-event", message: expect.stringContaining(field) } },
      ]);
      expect(store.rows()).toMatchObject([{ accepted: true }]);
    },
  );

  test("causes an error that names each invalid field, at most ten", () => {
    const read = (detail: unknown) => () => readDetail("TaskFinished", busEvent("TaskFinished", detail));
    const task = { ...someTask("k"), timestamp: "soon" };
    expect(read({ version: 2, task, items: 3 })).toThrow(
      'detail.version must be 1: got 2; detail.task.timestamp must be number: got "soon"; detail.attempt is required but missing.',
    );
    expect(read(null)).toThrow("detail must be Object: got null.");
    const segments = Array.from({ length: 12 }, () => "x");
    const accepted = { ...(eventPages.TaskAccepted.example as object), segments };
    expect(() => readDetail("TaskAccepted", busEvent("TaskAccepted", accepted))).toThrow(
      /detail\.segments\.9 must be number: got "x"; and 2 more\.$/,
    );
  });
});

describe("the detail that is read", () => {
  test("is unchanged: it keeps its order of fields and the fields of a newer version", () => {
    const detail = { more: 1, ...(eventPages.SegmentQueued.example as object) };
    expect(readDetail("SegmentQueued", busEvent("SegmentQueued", detail))).toBe(detail);
  });

  test("has the cursor's key unchanged, whatever its attribute names", () => {
    const after = JSON.parse('{"constructor":{"S":"a"},"__proto__":{"N":"1"}}');
    const detail = { ...(eventPages.SegmentQueued.example as object), cursor: { batch: 1, after } };
    const { cursor } = readDetail("SegmentQueued", busEvent("SegmentQueued", detail));
    expect(JSON.stringify(cursor)).toBe(JSON.stringify({ batch: 1, after }));
  });

  test("of an announcement has its plan parsed from a JSON string, and its numbers from text", () => {
    const { plan, "transferred-items": items } = eventPages.TaskFinishing.example as Record<string, unknown>;
    const finishing = busEvent("TaskFinishing", eventPages.TaskFinishing.example);
    expect(items).toBe("8400");
    expect(readFinishing(finishing)).toMatchObject({
      "transferred-items": 8400,
      plan: JSON.parse((plan as { S: string }).S),
    });
    const broken = (S: string) =>
      busEvent("TaskFinishing", { ...(eventPages.TaskFinishing.example as object), plan: { S } });
    expect(() => readFinishing(broken("{"))).toThrow("detail.plan");
    expect(() => readFinishing(broken("{}"))).toThrow("detail.plan.request is required but missing");
  });
});
