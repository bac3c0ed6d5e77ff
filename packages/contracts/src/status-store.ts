/**
 * The contract suite of the port StatusStore.
 */
import type { StatusStore } from "@ferry/core/ports";
import { rankOf, type SegmentRecord, type TaskRow } from "@ferry/core/projection/status";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { type Closable, portSuite } from "./port-suite.ts";
import { emptyRow, fullRow, recordOf } from "./samples.ts";

export interface StatusStoreSubject extends Closable {
  readonly status: StatusStore;
  /** A stored segment record, or undefined. The port itself only writes it. */
  record(task: string, segment: number): Promise<SegmentRecord | undefined>;
}

/** Declares the tests of one host of StatusStore. */
export function statusStoreContract(name: string, open: () => Promise<StatusStoreSubject>): void {
  portSuite("StatusStore", name, open, (subject) => {
    let status: StatusStore;
    let made = 0;
    beforeAll(async () => {
      status = subject().status;
    });
    /** A key that no other test uses. */
    const fresh = () => {
      made++;
      return `eu-west-1-contract-${made}`;
    };

    describe("given a row", () => {
      const rows: Record<string, (key: string) => TaskRow> = {
        "with every field": fullRow,
        "with no optional field": (key) => emptyRow(key),
        "of a restore": (key) => ({ ...fullRow(key), action: "restore" }),
        "that was rejected": (key) =>
          emptyRow(key, { rejected: true, request: { action: "both", "": 1, empty: "" } }),
        "with 1,000 completed segments": (key) =>
          emptyRow(key, {
            accepted: true,
            total: 1000,
            completed: Array.from({ length: 1000 }, (_, i) => i),
          }),
        "with 1,000 failed segments": (key) => {
          const segments = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [i, 2]));
          return emptyRow(key, { accepted: true, total: 1000, failed: segments, attempts: segments });
        },
        "whose request has no total": (key) => emptyRow(key, { accepted: true, total: 64 }),
      };
      it.each(Object.keys(rows))("%s, it is read as it was written", async (which) => {
        const row = rows[which]!(fresh());
        expect(await status.write(row, undefined)).toBe(true);
        expect(await status.read(row)).toStrictEqual(row);
      });

      it("a second write replaces the whole row", async () => {
        const key = fresh();
        await status.write(fullRow(key), undefined);
        const after = emptyRow(key, { rev: 2 });
        expect(await status.write(after, 1)).toBe(true);
        expect(await status.read(after)).toStrictEqual(after);
      });

      it("nothing is read under another key, timestamp or action", async () => {
        const row = emptyRow(fresh());
        await status.write(row, undefined);
        expect(await status.read({ ...row, key: `${row.key}0` })).toBeUndefined();
        expect(await status.read({ ...row, timestamp: row.timestamp + 1 })).toBeUndefined();
        expect(await status.read({ ...row, action: "restore" })).toBeUndefined();
      });

      it("a stored row does not change when its writer changes the object", async () => {
        const completed = [1];
        const row = emptyRow(fresh(), { total: 2, completed });
        await status.write(row, undefined);
        completed.push(0);
        expect((await status.read(row))?.completed).toEqual([1]);
      });
    });

    describe("given a revision", () => {
      it("a row is created once", async () => {
        const row = emptyRow(fresh());
        expect(await status.write(row, undefined)).toBe(true);
        expect(await status.write({ ...row, attempt: 2 }, undefined)).toBe(false);
        expect(await status.read(row)).toStrictEqual(row);
      });

      it("a write succeeds only with the latest revision", async () => {
        const row = emptyRow(fresh());
        await status.write(row, undefined);
        expect(await status.write({ ...row, rev: 2 }, 1)).toBe(true);
        expect(await status.write({ ...row, rev: 2, attempt: 9 }, 1)).toBe(false);
        expect(await status.write({ ...row, rev: 4, attempt: 9 }, 3)).toBe(false);
        expect(await status.read(row)).toStrictEqual({ ...row, rev: 2 });
      });

      it("a missing row cannot be written with a revision", async () => {
        const row = emptyRow(fresh(), { rev: 2 });
        expect(await status.write(row, 1)).toBe(false);
        expect(await status.read(row)).toBeUndefined();
      });

      it("a request's field `rev` is not the revision", async () => {
        const row = emptyRow(fresh(), { request: { rev: 7 } });
        await status.write(row, undefined);
        expect(await status.write({ ...row, rev: 8 }, 7)).toBe(false);
        expect(await status.write({ ...row, rev: 2 }, 1)).toBe(true);
      });

      it("of concurrent writers exactly one wins, at creation and later", async () => {
        const row = emptyRow(fresh());
        for (const [read, rev] of [
          [undefined, 1],
          [1, 2],
          [2, 3],
        ] as const) {
          const answers = await Promise.all(
            Array.from({ length: 8 }, (_, i) => status.write({ ...row, rev, items: i }, read)),
          );
          expect(answers.filter(Boolean)).toHaveLength(1);
          expect(await status.read(row)).toStrictEqual({ ...row, rev, items: answers.indexOf(true) });
        }
      });

      it("writers that read again after a conflict lose no write", async () => {
        const row = emptyRow(fresh());
        await status.write(row, undefined);
        const add = async () => {
          for (;;) {
            const before = await status.read(row);
            if (
              await status.write({ ...before!, rev: before!.rev + 1, items: before!.items + 1 }, before!.rev)
            )
              return;
          }
        };
        await Promise.all(Array.from({ length: 6 }, add));
        expect(await status.read(row)).toStrictEqual({ ...row, rev: 7, items: 6 });
      });
    });

    describe("given records", () => {
      const record = fc.record({
        state: fc.constantFrom("queued", "running", "completed", "failed"),
        attempt: fc.integer({ min: 1, max: 12 }),
        batches: fc.integer({ min: 0, max: 12 }),
        items: fc.constantFrom(0, 9, 10, 99, 1_000_000_000_000),
      });

      it.each(["one after the other", "concurrently"])(
        "raised in any order, %s, the one with the highest rank is kept",
        async (how) => {
          await fc.assert(
            fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 8 }), async (fields) => {
              const task = `${fresh()}@1`;
              // Distinct times identify the records.
              const records = fields.map((some, i) =>
                recordOf(task, { ...some, updatedTime: `2026-11-01T02:00:${String(i).padStart(2, "0")}Z` }),
              );
              if (how === "concurrently")
                await Promise.all(records.map((each) => subject().status.raise(each)));
              else for (const each of records) await subject().status.raise(each);
              const highest = records.map(rankOf).sort().at(-1);
              const stored = await subject().record(task, 0);
              expect(rankOf(stored!)).toBe(highest);
              expect(records).toContainEqual(stored);
            }),
            { numRuns: 12 },
          );
        },
      );

      it("one of the same rank changes nothing", async () => {
        const task = `${fresh()}@1`;
        const first = recordOf(task, { items: 5 });
        await status.raise(first);
        await status.raise({ ...first, updatedTime: "2026-11-01T09:00:00Z" });
        expect(await subject().record(task, 0)).toStrictEqual(first);
      });

      it("one of a higher rank replaces the whole record, also its reason", async () => {
        const task = `${fresh()}@1`;
        const failed = recordOf(task, { state: "failed", reason: "Scan: gone.", bytes: 7 });
        await status.raise(failed);
        expect(await subject().record(task, 0)).toStrictEqual(failed);
        const again = recordOf(task, { state: "queued", attempt: 2 });
        await status.raise(again);
        expect(await subject().record(task, 0)).toStrictEqual(again);
      });

      it("each segment of each task has its own record", async () => {
        const [one, two] = [`${fresh()}@1`, `${fresh()}@1`];
        for (const each of [recordOf(one), recordOf(one, { segment: 999 }), recordOf(two, { attempt: 2 })])
          await status.raise(each);
        expect(await subject().record(one, 0)).toStrictEqual(recordOf(one));
        expect(await subject().record(one, 999)).toStrictEqual(recordOf(one, { segment: 999 }));
        expect(await subject().record(two, 0)).toStrictEqual(recordOf(two, { attempt: 2 }));
        expect(await subject().record(two, 1)).toBeUndefined();
      });
    });
  });
}
