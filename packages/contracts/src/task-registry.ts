/**
 * The contract suite of the port TaskRegistry.
 */
import type { TaskRegistry } from "@ferry/core/ports";
import type { RowKey } from "@ferry/core/request/task";
import { someTask } from "@ferry/memory/testing/tasks";
import { expect, it } from "vitest";
import { type Closable, portSuite } from "./port-suite.ts";

export interface TaskRegistrySubject extends Closable {
  readonly registry: TaskRegistry;
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

/** Declares the tests of one host of TaskRegistry. */
export function taskRegistryContract(name: string, open: () => Promise<TaskRegistrySubject>): void {
  portSuite("TaskRegistry", name, open, (subject) => {
    it("given two requests with one request-id, the first is registered", async () => {
      const id = freshId();
      expect(await subject().registry.registerRequest(id, first)).toEqual(first);
      expect(await subject().registry.registerRequest(id, second)).toEqual(first);
      expect(await subject().registry.registerRequest(id, first)).toEqual(first);
      expect(await subject().registry.findRequest(id)).toEqual(first);
      expect(await subject().registry.registerRequest(freshId(), second)).toEqual(second);
    });

    it("given concurrent requests with one request-id, all receive the same registration", async () => {
      const id = freshId();
      const requests = Array.from({ length: 20 }, (_, n) => ({ ...first, timeMs: first.timeMs + n }));
      const answers = await Promise.all(requests.map((one) => subject().registry.registerRequest(id, one)));
      expect(new Set(answers.map(({ timeMs }) => timeMs)).size).toBe(1);
    });

    it("finding an unregistered request-id returns undefined and registers nothing", async () => {
      const id = freshId();
      expect(await subject().registry.findRequest(id)).toBeUndefined();
      expect(await subject().registry.registerRequest(id, second)).toEqual(second);
    });

    it("a claimed row can only be claimed again by its owner", async () => {
      const row = freshRow();
      expect(await subject().registry.isClaimed(row)).toBe(false);
      expect(await subject().registry.claimRow(row, first.digest)).toBe(true);
      expect(await subject().registry.claimRow(row, second.digest)).toBe(false);
      expect(await subject().registry.claimRow(row, first.digest)).toBe(true);
      expect(await subject().registry.isClaimed(row)).toBe(true);
    });

    it("of concurrent owners, one claims the row", async () => {
      const row = freshRow();
      const owners = Array.from({ length: 20 }, (_, n) => `owner-${n}`);
      const answers = await Promise.all(owners.map((owner) => subject().registry.claimRow(row, owner)));
      expect(answers.filter(Boolean)).toHaveLength(1);
    });

    it("rows with different keys, timestamps and actions are claimed independently", async () => {
      const row = freshRow();
      await subject().registry.claimRow(row, first.digest);
      for (const other of [
        { ...row, action: "restore" as const },
        { ...row, timestamp: row.timestamp + 1 },
        { ...row, key: `${row.key}-2` },
      ])
        expect(await subject().registry.claimRow(other, second.digest)).toBe(true);
    });

    it("a row with the longest key can be claimed", async () => {
      const row = { ...freshRow(), key: "k".repeat(2048) };
      expect(await subject().registry.claimRow(row, first.digest)).toBe(true);
    });

    it("raiseAttempt keeps and returns each task's highest attempt", async () => {
      const [one, other] = [freshTask(), freshTask()];
      expect(await subject().registry.raiseAttempt(one, 3)).toBe(3);
      expect(await subject().registry.raiseAttempt(one, 2)).toBe(3);
      expect(await subject().registry.raiseAttempt(one, 3)).toBe(3);
      expect(await subject().registry.raiseAttempt(one, 10)).toBe(10);
      expect(await subject().registry.raiseAttempt(other, 1)).toBe(1);
    });

    it("a redelivered cancel or retry has the attempt of its first delivery", async () => {
      const task = freshTask();
      expect(await subject().registry.recordControl(task, "event-1", 2)).toBe(2);
      expect(await subject().registry.recordControl(task, "event-1", 5)).toBe(2);
      expect(await subject().registry.recordControl(task, "event-2", 5)).toBe(5);
      expect(await subject().registry.recordControl(freshTask(), "event-1", 7)).toBe(7);
      expect(await subject().registry.raiseAttempt(task, 1)).toBe(1);
    });
  });
}
