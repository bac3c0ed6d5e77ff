/**
 * What the registry of requests, rows and attempts promises, whatever engine it is on.
 */
import type { TaskRegistry } from "@ferry/core/ports";
import type { RowKey } from "@ferry/core/task";
import { someTask } from "@ferry/core/testing/tasks";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

export interface TaskRegistrySubject {
  readonly registry: TaskRegistry;
  close?(): Promise<void>;
}

const first = { digest: "00000000aaaaaaaa", timeMs: 1_793_498_400_123 };
const second = { digest: "11111111bbbbbbbb", timeMs: 1_793_498_460_456 };
let names = 0;

const freshId = () => `request-${++names}`;
const freshRow = (): RowKey => ({
  action: "backup",
  key: `us-east-1-row-${++names}`,
  timestamp: first.timeMs,
});
const freshTask = () => someTask(`us-east-1-registered-${++names}`);

/** Runs the suite on the registry that `open` gives. */
export function taskRegistryContract(name: string, open: () => Promise<TaskRegistrySubject>): void {
  describe(`TaskRegistry over ${name}`, () => {
    let subject: TaskRegistrySubject;
    beforeAll(async () => {
      subject = await open();
    });
    afterAll(() => subject?.close?.());

    it("given two requests under one request-id, the first is registered", async () => {
      const id = freshId();
      expect(await subject.registry.registerRequest(id, first)).toEqual(first);
      expect(await subject.registry.registerRequest(id, second)).toEqual(first);
      expect(await subject.registry.registerRequest(id, first)).toEqual(first);
      expect(await subject.registry.findRequest(id)).toEqual(first);
      expect(await subject.registry.registerRequest(freshId(), second)).toEqual(second);
    });

    it("given many requests at once under one request-id, all learn of the same one", async () => {
      const id = freshId();
      const asked = Array.from({ length: 20 }, (_, n) => ({ ...first, timeMs: first.timeMs + n }));
      const answers = await Promise.all(asked.map((one) => subject.registry.registerRequest(id, one)));
      expect(new Set(answers.map(({ timeMs }) => timeMs)).size).toBe(1);
    });

    it("given a request-id that was never registered, finds nothing and registers nothing", async () => {
      const id = freshId();
      expect(await subject.registry.findRequest(id)).toBeUndefined();
      expect(await subject.registry.registerRequest(id, second)).toEqual(second);
    });

    it("given a row that is claimed, only its owner has it", async () => {
      const row = freshRow();
      expect(await subject.registry.isClaimed(row)).toBe(false);
      expect(await subject.registry.claimRow(row, first.digest)).toBe(true);
      expect(await subject.registry.claimRow(row, second.digest)).toBe(false);
      expect(await subject.registry.claimRow(row, first.digest)).toBe(true);
      expect(await subject.registry.isClaimed(row)).toBe(true);
    });

    it("given many owners at once, one has the row", async () => {
      const row = freshRow();
      const owners = Array.from({ length: 20 }, (_, n) => `owner-${n}`);
      const answers = await Promise.all(owners.map((owner) => subject.registry.claimRow(row, owner)));
      expect(answers.filter(Boolean)).toHaveLength(1);
    });

    it("given rows of other keys, times and actions, each is claimed by itself", async () => {
      const row = freshRow();
      await subject.registry.claimRow(row, first.digest);
      for (const other of [
        { ...row, action: "restore" as const },
        { ...row, timestamp: row.timestamp + 1 },
        { ...row, key: `${row.key}-2` },
      ])
        expect(await subject.registry.claimRow(other, second.digest)).toBe(true);
    });

    it("given the longest key that a row may have, claims it", async () => {
      const row = { ...freshRow(), key: "k".repeat(2048) };
      expect(await subject.registry.claimRow(row, first.digest)).toBe(true);
    });

    it("given attempts in any order, keeps and tells the highest of each task", async () => {
      const [one, other] = [freshTask(), freshTask()];
      expect(await subject.registry.raiseAttempt(one, 3)).toBe(3);
      expect(await subject.registry.raiseAttempt(one, 2)).toBe(3);
      expect(await subject.registry.raiseAttempt(one, 3)).toBe(3);
      expect(await subject.registry.raiseAttempt(one, 10)).toBe(10);
      expect(await subject.registry.raiseAttempt(other, 1)).toBe(1);
    });

    it("given a retry that is delivered again, its attempt is the one of its first delivery", async () => {
      const task = freshTask();
      expect(await subject.registry.recordRetry(task, "event-1", 2)).toBe(2);
      expect(await subject.registry.recordRetry(task, "event-1", 5)).toBe(2);
      expect(await subject.registry.recordRetry(task, "event-2", 5)).toBe(5);
      expect(await subject.registry.recordRetry(freshTask(), "event-1", 7)).toBe(7);
      expect(await subject.registry.raiseAttempt(task, 1)).toBe(1);
    });
  });
}
