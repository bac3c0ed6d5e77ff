/**
 * The contract suite of the port SliceClaims.
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

/** The first slice of a segment without claims. */
const freshSlice = (): Slice => ({
  task: someTask(`us-east-1-claimed-${++tasks}`),
  plan: planOf(8),
  segment: 7,
  attempt: 1,
  handoffs: 0,
  "deadline-ms": NOW_MS + 1000,
});

/** Declares the tests of one host of SliceClaims. */
export function sliceClaimsContract(name: string, open: () => Promise<SliceClaimsSubject>): void {
  describe(`SliceClaims over ${name}`, () => {
    let subject: SliceClaimsSubject;
    beforeAll(async () => {
      subject = await open();
    });
    afterAll(() => subject?.close?.());
    const claim = (slice: Slice, message: string) => subject.claims.claim(slice, message);

    it("given two messages of one slice, only the first claims it", async () => {
      const slice = freshSlice();
      expect(await claim(slice, "m-1")).toEqual(claimed);
      expect(await claim(slice, "m-2")).toEqual(taken);
      expect(await claim(slice, "m-1")).toEqual(claimed);
    });

    it("given many concurrent messages, one claims the slice", async () => {
      const slice = freshSlice();
      const messages = Array.from({ length: 20 }, (_, n) => `m-${n}`);
      const answers = await Promise.all(messages.map((message) => claim(slice, message)));
      const winners = messages.filter((_, n) => answers[n]!.outcome === "claimed");
      expect(winners).toHaveLength(1);
      expect(await claim(slice, winners[0]!)).toEqual(claimed);
    });

    it("after a later slice is claimed, no message can claim an earlier one", async () => {
      const slice = freshSlice();
      expect(await claim({ ...slice, handoffs: 9 }, "m-1")).toEqual(claimed);
      expect(await claim({ ...slice, handoffs: 10 }, "m-2")).toEqual(claimed);
      for (const message of ["m-1", "m-2", "m-3"])
        expect(await claim({ ...slice, handoffs: 9 }, message)).toEqual(taken);
      expect(await claim({ ...slice, handoffs: 10 }, "m-2")).toEqual(claimed);
    });

    it("the first slice of a later attempt is later than every slice of the attempt before", async () => {
      const slice = freshSlice();
      expect(await claim({ ...slice, attempt: 9, handoffs: 500 }, "m-1")).toEqual(claimed);
      expect(await claim({ ...slice, attempt: 10 }, "m-2")).toEqual(claimed);
      expect(await claim({ ...slice, attempt: 9, handoffs: 501 }, "m-1")).toEqual(taken);
      expect(await claim({ ...slice, attempt: 10 }, "m-1")).toEqual(taken);
    });

    it("slices of different segments, tasks and actions are claimed independently", async () => {
      const slice = freshSlice();
      await claim({ ...slice, handoffs: 3 }, "m-1");
      expect(await claim({ ...slice, segment: 8 }, "m-2")).toEqual(claimed);
      expect(await claim({ ...slice, task: { ...slice.task, action: "restore" } }, "m-2")).toEqual(claimed);
      expect(await claim(freshSlice(), "m-2")).toEqual(claimed);
    });

    it("slices of two tasks with the same row key and different ids are claimed independently", async () => {
      const slice = freshSlice();
      await claim(slice, "m-1");
      const other = { ...slice.task, id: `${slice.task.id}0` };
      expect(await claim({ ...slice, task: other }, "m-2")).toEqual(claimed);
    });

    it.each([
      ["without skipped items", COUNTS],
      ["with skipped items", { ...COUNTS, skipped: 12 }],
      ["with matched items", { ...COUNTS, matched: 3 }],
      ["with skipped and matched items", { ...COUNTS, skipped: 12, matched: 30 }],
    ])(
      "given a segment completed %s, a claim by any message in any attempt returns the first counts",
      async (_, counts) => {
        const slice = freshSlice();
        await claim(slice, "m-1");
        await subject.claims.complete(slice, counts);
        await subject.claims.complete(slice, { ...counts, items: 999 });
        const completed = { outcome: "completed", counts };
        expect(await claim(slice, "m-1")).toEqual(completed);
        expect(await claim({ ...slice, handoffs: 5 }, "m-2")).toEqual(completed);
        expect(await claim({ ...slice, attempt: 2 }, "m-3")).toEqual(completed);
        await subject.claims.release(slice);
        expect(await claim(slice, "m-1")).toEqual(completed);
      },
    );

    it("a completed segment does not apply to a plan with a different number of segments", async () => {
      const slice = freshSlice();
      await subject.claims.complete(slice, COUNTS);
      expect(await claim({ ...slice, plan: planOf(9) }, "m-1")).toEqual(claimed);
    });

    it("a completed segment does not apply after its table was created again", async () => {
      const slice = freshSlice();
      await subject.claims.complete(slice, COUNTS);
      expect(await claim({ ...slice, plan: planOf(8, "table-2") }, "m-1")).toEqual(claimed);
    });

    it("after a slice is released, any message can claim any slice of its attempt or a later one", async () => {
      const slice = { ...freshSlice(), attempt: 2 };
      await claim({ ...slice, handoffs: 3 }, "m-1");
      await subject.claims.release({ ...slice, handoffs: 3 });
      expect(await claim({ ...slice, attempt: 1, handoffs: 9 }, "m-1")).toEqual(taken);
      expect(await claim(slice, "m-2")).toEqual(claimed);
      expect(await claim(slice, "m-3")).toEqual(taken);
      await subject.claims.release(slice);
      expect(await claim({ ...slice, attempt: 3 }, "m-4")).toEqual(claimed);
    });

    it("releasing a slice keeps the claim of a later one", async () => {
      const slice = freshSlice();
      await claim(slice, "m-1");
      await claim({ ...slice, handoffs: 1 }, "m-2");
      await subject.claims.release(slice);
      expect(await claim({ ...slice, handoffs: 1 }, "m-3")).toEqual(taken);
    });

    it("releasing a slice that was never claimed changes nothing", async () => {
      const slice = freshSlice();
      await subject.claims.release(slice);
      expect(await claim(slice, "m-1")).toEqual(claimed);
    });
  });
}
