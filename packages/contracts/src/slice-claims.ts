/**
 * The contract suite of the port SliceClaims.
 */
import type { Plan } from "@ferry/core/events/events";
import type { Slice, SliceClaims } from "@ferry/core/ports";
import { someTask } from "@ferry/memory/testing/tasks";
import { expect, it } from "vitest";
import { type Closable, portSuite } from "./port-suite.ts";

export interface SliceClaimsSubject extends Closable {
  readonly claims: SliceClaims;
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
  portSuite("SliceClaims", name, open, (subject) => {
    const claim = (slice: Slice, message: string) => subject().claims.claim(slice, message);

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
        await subject().claims.complete(slice, counts);
        await subject().claims.complete(slice, { ...counts, items: 999 });
        const completed = { outcome: "completed", counts };
        expect(await claim(slice, "m-1")).toEqual(completed);
        expect(await claim({ ...slice, handoffs: 5 }, "m-2")).toEqual(completed);
        expect(await claim({ ...slice, attempt: 2 }, "m-3")).toEqual(completed);
        await subject().claims.release(slice);
        expect(await claim(slice, "m-1")).toEqual(completed);
      },
    );

    it("a completed segment does not apply to a plan with a different number of segments", async () => {
      const slice = freshSlice();
      await subject().claims.complete(slice, COUNTS);
      expect(await claim({ ...slice, plan: planOf(9) }, "m-1")).toEqual(claimed);
    });

    it("a completed segment does not apply after its table was created again", async () => {
      const slice = freshSlice();
      await subject().claims.complete(slice, COUNTS);
      expect(await claim({ ...slice, plan: planOf(8, "table-2") }, "m-1")).toEqual(claimed);
    });

    it("after a slice is released, any message can claim any slice of its attempt or a later one", async () => {
      const slice = { ...freshSlice(), attempt: 2 };
      await claim({ ...slice, handoffs: 3 }, "m-1");
      await subject().claims.release({ ...slice, handoffs: 3 });
      expect(await claim({ ...slice, attempt: 1, handoffs: 9 }, "m-1")).toEqual(taken);
      expect(await claim(slice, "m-2")).toEqual(claimed);
      expect(await claim(slice, "m-3")).toEqual(taken);
      await subject().claims.release(slice);
      expect(await claim({ ...slice, attempt: 3 }, "m-4")).toEqual(claimed);
    });

    it("releasing a slice keeps the claim of a later one", async () => {
      const slice = freshSlice();
      await claim(slice, "m-1");
      await claim({ ...slice, handoffs: 1 }, "m-2");
      await subject().claims.release(slice);
      expect(await claim({ ...slice, handoffs: 1 }, "m-3")).toEqual(taken);
    });

    it("a writer is recorded with its claim until it leaves, in any attempt", async () => {
      const slice = freshSlice();
      const { claims } = subject();
      expect(await claims.leave(slice, "none")).toBeUndefined();
      await claims.claim(slice, "m-1", { id: "a", untilMs: NOW_MS });
      await claims.claim(slice, "m-1", { id: "b", untilMs: NOW_MS + 2 });
      await claims.claim({ ...slice, attempt: 2 }, "m-2", { id: "c", untilMs: NOW_MS + 1 });
      await claims.claim({ ...slice, segment: 8 }, "m-2", { id: "d", untilMs: NOW_MS + 9 });
      expect(await claims.leave(slice, "none")).toBe(NOW_MS + 2);
      expect(await claims.leave({ ...slice, attempt: 2 }, "b")).toBe(NOW_MS + 1);
      expect(await claims.leave(slice, "b")).toBe(NOW_MS + 1);
      expect(await claims.leave(slice, "c")).toBe(NOW_MS);
      expect(await claims.leave(slice, "a")).toBeUndefined();
    });

    it("a writer whose claim is refused is not recorded", async () => {
      const slice = freshSlice();
      const writer = { id: "late", untilMs: NOW_MS };
      await claim(slice, "m-1");
      expect(await subject().claims.claim(slice, "m-2", writer)).toEqual(taken);
      await subject().claims.complete(slice, COUNTS);
      expect(await subject().claims.claim(slice, "m-1", writer)).toEqual({
        outcome: "completed",
        counts: COUNTS,
      });
      expect(await subject().claims.leave(slice, "none")).toBeUndefined();
    });

    it("a completed segment still has its writers", async () => {
      const slice = freshSlice();
      await subject().claims.claim(slice, "m-1", { id: "a", untilMs: NOW_MS });
      await subject().claims.complete(slice, COUNTS);
      expect(await subject().claims.leave(slice, "none")).toBe(NOW_MS);
    });

    it("of a window's segments, one queues the next window when all have arrived, in each attempt", async () => {
      const slice = freshSlice();
      const window = { index: 1, first: 4, segments: 3 };
      const arrive = (segment: number, attempt = 1) =>
        subject().claims.arrive({ ...slice, segment, attempt }, window);
      for (const segment of [4, 5, 4]) expect(await arrive(segment)).toBe(false);
      expect(await arrive(6)).toBe(true);
      expect(await arrive(5)).toBe(false);
      // Its message is delivered again, as after a crash.
      expect(await arrive(6)).toBe(true);
      expect(await arrive(5, 2)).toBe(true);
      expect(await arrive(6, 2)).toBe(false);
      expect(await arrive(6)).toBe(false);
      const next = { index: 2, first: 7, segments: 1 };
      expect(await subject().claims.arrive({ ...slice, segment: 7 }, next)).toBe(true);
    });

    it("of segments that arrive at the same time, one queues the next window", async () => {
      const slice = freshSlice();
      const window = { index: 0, first: 0, segments: 8 };
      const answers = await Promise.all(
        Array.from({ length: 8 }, (_, segment) => subject().claims.arrive({ ...slice, segment }, window)),
      );
      // Several may see all of them arrived; one is chosen.
      expect(answers.filter(Boolean)).toHaveLength(1);
    });

    it("releasing a slice that was never claimed changes nothing", async () => {
      const slice = freshSlice();
      await subject().claims.release(slice);
      expect(await claim(slice, "m-1")).toEqual(claimed);
    });
  });
}
