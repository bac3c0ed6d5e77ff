import { afterAll, beforeAll, expect, test } from "vitest";
import type { Host } from "../host.ts";
import { createTestClient, someItems, type TestClient } from "./test-client.ts";
import { startOwnHost } from "./test-host.ts";

let host: Host;
let client: TestClient;
beforeAll(async () => {
  host = await startOwnHost({ duplicate: true, settings: { retryDelaySeconds: 0 } });
  client = await createTestClient(host);
});
afterAll(() => host?.stop());

test("given duplicate delivery of every message, a backup and its restore are complete", async () => {
  await client.createTables("twice", someItems(100));
  const request = { ...client.backupOf("twice"), "total-segments": 4, "batch-bytes": 2000 };
  expect(await client.runTask(request, "b-twice")).toMatchObject({
    state: "succeeded",
    "completed-segments": 4,
    "transferred-items": 100,
  });
  const restore = await client.runTask({ ...client.restoreOf("twice"), "total-segments": 3 }, "r-twice");
  expect(restore).toMatchObject({ state: "succeeded", "transferred-items": 100 });
  expect(await client.identical("twice")).toBe(true);
  // One task each: the second copy of a request is the same task.
  expect(await client.rows(request)).toHaveLength(1);
  expect(await client.rows(client.restoreOf("twice"))).toHaveLength(1);
});
