/** A full export and two incremental exports, written by another writer, restored by the host with stock clients. */
import { beforeAll, expect, test } from "vitest";
import { exportedIds, putExports, timeOfExport as T } from "./some-exports.ts";
import type { TestClient } from "./test-client.ts";
import { sharedHost } from "./test-host.ts";

/** A bucket of its own: other tests may have exports in the folder of the shared one. */
const BUCKET = "series";

let client: TestClient;
beforeAll(async () => {
  ({ client } = await sharedHost());
  await client.createBucket(BUCKET);
});

test("the table is as it was at the requested time, and the row says which time that is", async () => {
  await client.createTables("moments");
  const request = { ...client.restoreOf("moments"), "bucket-name": BUCKET };
  const [full, ...increments] = await putExports(request);

  const series = { ...request, "bucket-prefix": full };
  const first = await client.runTask({ ...series, until: "2026-11-01T01:30:00Z" }, "until-one");
  expect(first).toMatchObject({ state: "succeeded", moment: T(1), "transferred-items": 103, reasons: [] });
  const versions = async () => new Map((await client.copied("moments")).map(({ id, v }) => [id!.S!, v!.S!]));
  const expected = new Map(exportedIds.map((id) => [id, "full"]));
  expected.set("k000", "one").set("new", "one").delete("k001");
  expect(new Map([...(await versions())].sort())).toEqual(new Map([...expected].sort()));

  const listed = {
    ...series,
    "restore-mode": "merge",
    increments,
  };
  expect(await client.runTask(listed, "listed")).toMatchObject({ state: "succeeded", moment: T(2) });
  expected.set("k001", "two").delete("k000");
  expect(new Map([...(await versions())].sort())).toEqual(new Map([...expected].sort()));
});

test("a gap is refused with a reason that names the missing time", async () => {
  const request = {
    ...client.restoreOf("moments"),
    "bucket-name": BUCKET,
    "bucket-prefix": "AWSDynamoDB/00",
    "restore-mode": "merge",
  };
  const row = await client.runTask({ ...request, increments: ["AWSDynamoDB/02"] }, "gap");
  expect(row["state"]).toBe("rejected");
  expect(String(row["reason"])).toContain(`series-not-joined: s3://${request["bucket-name"]}/AWSDynamoDB/02`);
  expect(String(row["reason"])).toContain(`Add the incremental export that begins at ${T(0)}`);
});
