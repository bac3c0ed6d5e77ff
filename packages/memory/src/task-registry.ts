/**
 * The registry of requests, rows and attempts in memory: the first registration wins.
 */
import type { RegisteredRequest, TaskRegistry } from "@ferry/core/ports";
import type { RowKey, TaskRef } from "@ferry/core/request/task";

/** A registry in memory. Nothing expires. */
export function memoryTaskRegistry(): TaskRegistry {
  const requests = new Map<string, RegisteredRequest>();
  const owners = new Map<string, string>();
  const attempts = new Map<string, number>();
  const nameOfRow = ({ action, key, timestamp }: RowKey) => JSON.stringify([action, key, timestamp]);
  const nameOfTask = ({ action, id }: TaskRef) => JSON.stringify([action, id]);
  return {
    async registerRequest(requestId, { digest, timeMs }) {
      const registered = requests.get(requestId) ?? { digest, timeMs };
      requests.set(requestId, registered);
      return registered;
    },
    async findRequest(requestId) {
      return requests.get(requestId);
    },
    async claimRow(row, owner) {
      const known = owners.get(nameOfRow(row)) ?? owner;
      owners.set(nameOfRow(row), known);
      return known === owner;
    },
    async isClaimed(row) {
      return owners.has(nameOfRow(row));
    },
    async raiseAttempt(task, attempt) {
      const highest = Math.max(attempts.get(nameOfTask(task)) ?? attempt, attempt);
      attempts.set(nameOfTask(task), highest);
      return highest;
    },
    async recordControl(row, eventId, attempt) {
      const name = `${nameOfRow(row)} ${eventId}`;
      const recorded = attempts.get(name) ?? attempt;
      attempts.set(name, recorded);
      return recorded;
    },
  };
}
