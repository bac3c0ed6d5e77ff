/**
 * What slices' claims promise, whatever engine they are on.
 */
import type { Plan } from "@ferry/core/events";
import type { Slice, SliceClaims } from "@ferry/core/ports";
import { someTask } from "@ferry/core/testing/tasks";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

export interface SliceClaimsSubject {
  readonly claims: SliceClaims;
  close?(): Promise<void>;
}

const NOW_MS = 1_793_498_400_000;
const COUNTS = { batches: 3, items: 1000, bytes: 12_345_678_901 };
const claimed = { outcome: "claimed" };
const taken = { outcome: "taken" };
let tasks = 0;

function planOf(totalSegments: number, tableId = "table-1"): Plan {
  return { "total-segments": totalSegments, table: { id: tableId } } as Plan;
}

/** The first slice of a segment of which nobody has heard. */
const freshSlice = (): Slice => ({
  task: someTask(`us-east-1-claimed-${++tasks}`),
  plan: planOf(8),
  segment: 7,
  attempt: 1,
  handoffs: 0,
  "deadline-ms": NOW_MS + 1000,
});

/** Runs the suite on the claims that `open` gives. */
export function sliceClaimsContract(name: string, open: () => Promise<SliceClaimsSubject>): void {
  describe(`SliceClaims over ${name}`, () => {
    let subject: SliceClaimsSubject;
    beforeAll(async () => {
      subject = await open();
    });
    afterAll(() => subject?.close?.());
    const claim = (slice: Slice, message: string) => subject.claims.claim(slice, message);

    it("given two messages that ask for one slice, it is the first one's", async () => {
      const slice = freshSlice();
      expect(await claim(slice, "m-1")).toEqual(claimed);
      expect(await claim(slice, "m-2")).toEqual(taken);
      expect(await claim(slice, "m-1")).toEqual(claimed);
    });

    it("given many messages at once, it is one's", async () => {
      const slice = freshSlice();
      const messages = Array.from({ length: 20 }, (_, n) => `m-${n}`);
      const answers = await Promise.all(messages.map((message) => claim(slice, message)));
      const winners = messages.filter((_, n) => answers[n]!.outcome === "claimed");
      expect(winners).toHaveLength(1);
      expect(await claim(slice, winners[0]!)).toEqual(claimed);
    });

    it("given a later slice that is claimed, an earlier one is nobody's any more", async () => {
      const slice = freshSlice();
      expect(await claim({ ...slice, handoffs: 9 }, "m-1")).toEqual(claimed);
      expect(await claim({ ...slice, handoffs: 10 }, "m-2")).toEqual(claimed);
      for (const message of ["m-1", "m-2", "m-3"])
        expect(await claim({ ...slice, handoffs: 9 }, message)).toEqual(taken);
      expect(await claim({ ...slice, handoffs: 10 }, "m-2")).toEqual(claimed);
    });

    it("given a later attempt, its first slice comes after every handoffs of the one before", async () => {
      const slice = freshSlice();
      expect(await claim({ ...slice, attempt: 9, handoffs: 500 }, "m-1")).toEqual(claimed);
      expect(await claim({ ...slice, attempt: 10 }, "m-2")).toEqual(claimed);
      expect(await claim({ ...slice, attempt: 9, handoffs: 501 }, "m-1")).toEqual(taken);
      expect(await claim({ ...slice, attempt: 10 }, "m-1")).toEqual(taken);
    });

    it("given other segments and other tasks, also one of the other action, each slice is claimed by itself", async () => {
      const slice = freshSlice();
      await claim({ ...slice, handoffs: 3 }, "m-1");
      expect(await claim({ ...slice, segment: 8 }, "m-2")).toEqual(claimed);
      expect(await claim({ ...slice, task: { ...slice.task, action: "restore" } }, "m-2")).toEqual(claimed);
      expect(await claim(freshSlice(), "m-2")).toEqual(claimed);
    });

    it("given two tasks on one row key whose ids differ, each slice is claimed by itself", async () => {
      const slice = freshSlice();
      await claim(slice, "m-1");
      const other = { ...slice.task, id: `${slice.task.id}0` };
      expect(await claim({ ...slice, task: other }, "m-2")).toEqual(claimed);
    });

    it("given a segment that is complete, tells every message so, in any attempt, with the first counts", async () => {
      const slice = freshSlice();
      await claim(slice, "m-1");
      await subject.claims.complete(slice, COUNTS);
      await subject.claims.complete(slice, { ...COUNTS, items: 999 });
      const completed = { outcome: "completed", counts: COUNTS };
      expect(await claim(slice, "m-1")).toEqual(completed);
      expect(await claim({ ...slice, handoffs: 5 }, "m-2")).toEqual(completed);
      expect(await claim({ ...slice, attempt: 2 }, "m-3")).toEqual(completed);
      await subject.claims.release(slice);
      expect(await claim(slice, "m-1")).toEqual(completed);
    });

    it("given a segment that is complete of a plan with another number of them, knows nothing of it", async () => {
      const slice = freshSlice();
      await subject.claims.complete(slice, COUNTS);
      expect(await claim({ ...slice, plan: planOf(9) }, "m-1")).toEqual(claimed);
    });

    it("given a segment that is complete of a table that was created again, knows nothing of it", async () => {
      const slice = freshSlice();
      await subject.claims.complete(slice, COUNTS);
      expect(await claim({ ...slice, plan: planOf(8, "table-2") }, "m-1")).toEqual(claimed);
    });

    it("given a slice that was given up, any message may have any slice of its attempt, or of a later one", async () => {
      const slice = { ...freshSlice(), attempt: 2 };
      await claim({ ...slice, handoffs: 3 }, "m-1");
      await subject.claims.release({ ...slice, handoffs: 3 });
      expect(await claim({ ...slice, attempt: 1, handoffs: 9 }, "m-1")).toEqual(taken);
      expect(await claim(slice, "m-2")).toEqual(claimed);
      expect(await claim(slice, "m-3")).toEqual(taken);
      await subject.claims.release(slice);
      expect(await claim({ ...slice, attempt: 3 }, "m-4")).toEqual(claimed);
    });

    it("given a slice that is given up when a later one is claimed, keeps the later claim", async () => {
      const slice = freshSlice();
      await claim(slice, "m-1");
      await claim({ ...slice, handoffs: 1 }, "m-2");
      await subject.claims.release(slice);
      expect(await claim({ ...slice, handoffs: 1 }, "m-3")).toEqual(taken);
    });

    it("given a slice that was never claimed, giving it up changes nothing", async () => {
      const slice = freshSlice();
      await subject.claims.release(slice);
      expect(await claim(slice, "m-1")).toEqual(claimed);
    });
  });
}
