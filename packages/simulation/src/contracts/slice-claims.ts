/**
 * What slices' claims promise, whatever engine they are on.
 */
import type { Slice, SliceClaims } from "@ferry/core/ports";
import { taskRef } from "@ferry/core/task";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

export interface SliceClaimsSubject {
  readonly claims: SliceClaims;
  close?(): Promise<void>;
}

const NOW_MS = 1_793_498_400_000;
let tasks = 0;

/** The first slice of a segment of which nobody has heard. */
const freshSlice = (): Slice => ({
  task: taskRef("backup", `us-east-1-claimed-${++tasks}`, NOW_MS, "r-1"),
  segment: 7,
  attempt: 1,
  hop: 0,
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
      expect(await claim(slice, "m-1")).toBe(true);
      expect(await claim(slice, "m-2")).toBe(false);
      expect(await claim(slice, "m-1")).toBe(true);
    });

    it("given many messages at once, it is one's", async () => {
      const slice = freshSlice();
      const messages = Array.from({ length: 20 }, (_, n) => `m-${n}`);
      const answers = await Promise.all(messages.map((message) => claim(slice, message)));
      expect(answers.filter(Boolean)).toHaveLength(1);
      expect(await claim(slice, messages[answers.indexOf(true)]!)).toBe(true);
    });

    it("given a later slice that is claimed, an earlier one is nobody's any more", async () => {
      const slice = freshSlice();
      expect(await claim({ ...slice, hop: 9 }, "m-1")).toBe(true);
      expect(await claim({ ...slice, hop: 10 }, "m-2")).toBe(true);
      for (const message of ["m-1", "m-2", "m-3"])
        expect(await claim({ ...slice, hop: 9 }, message)).toBe(false);
      expect(await claim({ ...slice, hop: 10 }, "m-2")).toBe(true);
    });

    it("given a later attempt, its first slice comes after every hop of the one before", async () => {
      const slice = freshSlice();
      expect(await claim({ ...slice, attempt: 9, hop: 500 }, "m-1")).toBe(true);
      expect(await claim({ ...slice, attempt: 10 }, "m-2")).toBe(true);
      expect(await claim({ ...slice, attempt: 9, hop: 501 }, "m-1")).toBe(false);
      expect(await claim({ ...slice, attempt: 10 }, "m-1")).toBe(false);
    });

    it("given other segments and other tasks, also one of the other action, each slice is claimed by itself", async () => {
      const slice = freshSlice();
      await claim({ ...slice, hop: 3 }, "m-1");
      expect(await claim({ ...slice, segment: 8 }, "m-2")).toBe(true);
      expect(await claim({ ...slice, task: { ...slice.task, action: "restore" } }, "m-2")).toBe(true);
      expect(await claim(freshSlice(), "m-2")).toBe(true);
    });
  });
}
