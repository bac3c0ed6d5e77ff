import { claimedPart } from "@ferry/core/events/claimed-part";
import type { Plan } from "@ferry/core/events/events";
import type { Slice } from "@ferry/core/ports";
import { someTask } from "@ferry/memory/testing/tasks";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startWorkerTable, type TestWorkerTable } from "../testing/worker-table.ts";
import { sliceClaims } from "./slice-claims.ts";

const NOW_MS = 1_793_498_400_000;
/** A day after the deadline, rounded up to a second. */
const EXPIRES = NOW_MS / 1000 + 2 + 24 * 3600;
const COUNTS = { batches: 3, items: 1000, bytes: 12_345_678_901 };
let table: TestWorkerTable;
let claims: ReturnType<typeof sliceClaims>;
beforeAll(async () => {
  table = await startWorkerTable();
  claims = sliceClaims(table.update);
});
afterAll(() => table.close());

let made = 0;
const freshSlice = (fields: Partial<Slice> = {}): Slice => ({
  task: someTask(`us-east-1-claimed-${++made}`),
  plan: { "total-segments": 8, table: { id: "table-1" } } as Plan,
  segment: 7,
  attempt: 2,
  handoffs: 3,
  "deadline-ms": NOW_MS + 1001,
  ...fields,
});
const stored = (slice: Slice) => table.read(claimedPart(slice));

describe("a slice's claim in the worker table", () => {
  it("names attempt, hand-offs and message, and expires a day after the deadline", async () => {
    const slice = freshSlice();
    expect(await claims.claim(slice, "m")).toEqual({ outcome: "claimed" });
    expect(await stored(slice)).toEqual({ attempt: 2, handoffs: 3, message: "m", expires: EXPIRES });
  });

  it.each<[string, Partial<Slice>, string, "claimed" | "taken"]>([
    ["the same message", {}, "m", "claimed"],
    ["another message", {}, "other", "taken"],
    ["the same message of the slice before", { handoffs: 2 }, "m", "taken"],
    ["another message of the next slice", { handoffs: 4 }, "other", "claimed"],
    ["another message of the attempt before", { attempt: 1, handoffs: 9 }, "other", "taken"],
    ["the same message of the attempt before", { attempt: 1 }, "m", "taken"],
    ["another message of the next attempt", { attempt: 3, handoffs: 0 }, "other", "claimed"],
  ])("given a claim, one by %s is %s", async (_, fields, message, outcome) => {
    const slice = freshSlice();
    await claims.claim(slice, "m");
    const next = { ...slice, ...fields };
    expect(await claims.claim(next, message)).toEqual({ outcome });
    expect(await stored(slice)).toMatchObject(
      outcome === "claimed"
        ? { attempt: next.attempt, handoffs: next.handoffs, message }
        : { attempt: 2, handoffs: 3, message: "m" },
    );
  });

  it("that is released can be claimed by another message", async () => {
    const slice = freshSlice();
    await claims.claim(slice, "m");
    await claims.release(slice);
    expect(await stored(slice)).toEqual({ attempt: 2, handoffs: 3, expires: EXPIRES });
    expect(await claims.claim(slice, "other")).toEqual({ outcome: "claimed" });
  });

  it.each([{ attempt: 1 }, { handoffs: 2 }, { attempt: 3 }, { handoffs: 4 }])(
    "is not released for a slice with %j",
    async (fields) => {
      const slice = freshSlice();
      await claims.claim(slice, "m");
      await claims.release({ ...slice, ...fields });
      expect(await claims.claim(slice, "other")).toEqual({ outcome: "taken" });
    },
  );
});

describe("a completed segment in the worker table", () => {
  it.each([COUNTS, { ...COUNTS, skipped: 0 }, { ...COUNTS, skipped: 5 }])(
    "with the counts %j gives every later claim these counts",
    async (counts) => {
      const slice = freshSlice();
      await claims.claim(slice, "m");
      await claims.complete(slice, counts);
      for (const fields of [{}, { attempt: 5 }, { handoffs: 1 }])
        for (const message of ["m", "other"])
          expect(await claims.claim({ ...slice, ...fields }, message)).toStrictEqual({
            outcome: "completed",
            counts,
          });
      expect(await stored(slice)).toEqual({
        attempt: 2,
        handoffs: 3,
        message: "m",
        expires: EXPIRES,
        ...counts,
      });
    },
  );

  it("keeps its first counts", async () => {
    const slice = freshSlice();
    await claims.complete(slice, COUNTS);
    await claims.complete(slice, { batches: 9, items: 9, bytes: 9 });
    expect(await claims.claim(slice, "m")).toEqual({ outcome: "completed", counts: COUNTS });
  });
});
