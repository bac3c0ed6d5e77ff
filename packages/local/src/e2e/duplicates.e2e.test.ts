import { afterAll, beforeAll, expect, test } from "vitest";
import { type Host, startHost } from "../host.ts";
import { someItems, type User, userOf } from "./test-client.ts";

let host: Host;
let user: User;
beforeAll(async () => {
  host = await startHost({ duplicate: true, settings: { retryDelaySeconds: 0 } });
  user = await userOf(host);
});
afterAll(() => host?.stop());

test("given that every message comes twice, then a backup and its restore are whole all the same", async () => {
  await user.createTables("twice", someItems(400));
  const request = { ...user.backupOf("twice"), "total-segments": 4, "batch-bytes": 2000 };
  expect(await user.ask(request, "b-twice")).toMatchObject({
    state: "succeeded",
    "completed-segments": 4,
    "transferred-items": 400,
  });
  const restore = await user.ask({ ...user.restoreOf("twice"), "total-segments": 3 }, "r-twice");
  expect(restore).toMatchObject({ state: "succeeded", "transferred-items": 400 });
  expect(await user.identical("twice")).toBe(true);
  // One task each: the second request is the first one's.
  expect(await user.rows(request)).toHaveLength(1);
  expect(await user.rows(user.restoreOf("twice"))).toHaveLength(1);
});
