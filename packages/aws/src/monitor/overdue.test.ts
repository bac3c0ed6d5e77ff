import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { newTaskRow, type TaskRow } from "@ferry/core/projection/status";
import { taskRef } from "@ferry/core/request/task";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { statusStore } from "../status/status-store.ts";
import { createTable, REGION, startDynamoDb } from "../testing/dynamodb.ts";
import { credentials } from "../testing/stub-server.ts";
import { overdueKeys } from "./overdue.ts";

const HOUR_MS = 3_600_000;
const nowMs = Date.parse("2026-11-27T12:00:00Z");
const schedule = { name: "nightly", keys: ["us-east-1-orders"], overdueAfterMs: 30 * HOUR_MS };

let engine: Awaited<ReturnType<typeof startDynamoDb>>;
let db: DynamoDBClient;
let table: string;
let tables = 0;

beforeAll(async () => {
  engine = await startDynamoDb();
  db = new DynamoDBClient({ endpoint: engine.endpoint, region: REGION, credentials });
});
afterAll(async () => {
  db.destroy();
  await engine.close();
});
beforeEach(async () => {
  table = `backups-${++tables}`;
  await createTable(db, table, { key: "S", timestamp: "N" });
});

/** Writes the row of a backup that was requested so many hours ago. */
async function requested(hoursAgo: number, state: Partial<TaskRow>, key = "us-east-1-orders"): Promise<void> {
  const timestamp = nowMs - hoursAgo * HOUR_MS;
  const task = taskRef({ action: "backup", key, timestamp }, { requestId: `r-${hoursAgo}`, digest: "0" });
  const store = statusStore(db, { backup: table, restore: "none", segment: "none" });
  const row = { ...newTaskRow(task, new Date(timestamp).toISOString()), accepted: true, ...state };
  expect(await store.write({ ...row, rev: 1 }, undefined)).toBe(true);
}

const overdue = (keys = schedule.keys) => overdueKeys(db, table, { ...schedule, keys }, nowMs);

test("a table that was never backed up is overdue", async () => {
  expect(await overdue()).toEqual(["us-east-1-orders"]);
});

test("a table whose latest successful backup was requested in time is not overdue", async () => {
  await requested(29, { finished: true });
  expect(await overdue()).toEqual([]);
});

test("a table whose latest successful backup is older is overdue, whatever later ones did", async () => {
  await requested(31, { finished: true });
  await requested(7, { failedStepAttempt: 1 });
  await requested(6, { rejected: true, accepted: false });
  expect(await overdue()).toEqual(["us-east-1-orders"]);
});

test("each table of a schedule is checked", async () => {
  await requested(2, { finished: true });
  expect(await overdue(["us-east-1-orders", "us-east-1-customers"])).toEqual(["us-east-1-customers"]);
});

test("given many rows that did not succeed, the search continues on the next pages", async () => {
  await requested(20, { finished: true });
  // A page of a query has at most 1 MB.
  const large = { request: { note: "x".repeat(300_000) } };
  for (let hoursAgo = 1; hoursAgo <= 5; hoursAgo++) await requested(hoursAgo, large);
  expect(await overdue()).toEqual([]);
});
