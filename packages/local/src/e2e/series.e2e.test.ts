/** A full export and two incremental exports, written by another writer, restored by the host with stock clients. */
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { changeLine, fullExport, incrementalExport, itemLine } from "@ferry/memory/native-export";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Host, startHost } from "../host.ts";
import { createTestClient, type TestClient } from "./test-client.ts";

const T = (hour: number) => `2026-11-01T0${hour}:00:00.000Z`;
let host: Host;
let client: TestClient;
beforeAll(async () => {
  host = await startHost({ settings: { retryDelaySeconds: 0 } });
  client = await createTestClient(host);
});
afterAll(() => host?.stop());

const item = (id: string, version: string) => `{"id":{"S":"${id}"},"v":{"S":"${version}"}}`;
const put = (id: string, version: string) =>
  changeLine({ keys: `{"id":{"S":"${id}"}}`, newImage: item(id, version) });
const remove = (id: string) => changeLine({ keys: `{"id":{"S":"${id}"}}`, oldImage: item(id, "full") });

test("the table is as it was at the requested time, and the row says which time that is", async () => {
  await client.createTables("moments");
  const request = client.restoreOf("moments");
  const bucket = String(request["bucket-name"]);
  const ids = Array.from({ length: 100 }, (_, n) => `k${String(n).padStart(3, "0")}`);
  const lines = ids.map((id) => itemLine(item(id, "full")));
  const exports = [
    fullExport({
      bucket,
      id: "00",
      files: [lines.slice(0, 60), lines.slice(60), []],
      summary: { exportTime: T(0) },
    }),
    // Updates, deletes and a new item; then a re-insert and a delete of what was updated.
    incrementalExport({
      bucket,
      id: "01",
      from: T(0),
      to: T(1),
      files: [[put("k000", "one"), remove("k001")], [put("new", "one")]],
    }),
    incrementalExport({
      bucket,
      id: "02",
      from: T(1),
      to: T(2),
      files: [[put("k001", "two"), remove("k000")], []],
    }),
  ];
  const s3 = new S3Client({ region: String(request["bucket-region"]) });
  for (const { key, body } of exports.flatMap(({ objects }) => objects))
    if (body.length > 0) await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));

  const series = { ...request, "bucket-prefix": exports[0]!.prefix };
  const first = await client.runTask({ ...series, until: "2026-11-01T01:30:00Z" }, "until-one");
  expect(first).toMatchObject({ state: "succeeded", moment: T(1), "transferred-items": 103, reasons: [] });
  const versions = async () => new Map((await client.copied("moments")).map(({ id, v }) => [id!.S!, v!.S!]));
  const expected = new Map(ids.map((id) => [id, "full"]));
  expected.set("k000", "one").set("new", "one").delete("k001");
  expect(new Map([...(await versions())].sort())).toEqual(new Map([...expected].sort()));

  const listed = {
    ...series,
    "restore-mode": "merge",
    increments: exports.slice(1).map(({ prefix }) => prefix),
  };
  expect(await client.runTask(listed, "listed")).toMatchObject({ state: "succeeded", moment: T(2) });
  expected.set("k001", "two").delete("k000");
  expect(new Map([...(await versions())].sort())).toEqual(new Map([...expected].sort()));
});

test("a gap is refused with a reason that names the missing time", async () => {
  const request = {
    ...client.restoreOf("moments"),
    "bucket-prefix": "AWSDynamoDB/00",
    "restore-mode": "merge",
  };
  const row = await client.runTask({ ...request, increments: ["AWSDynamoDB/02"] }, "gap");
  expect(row["state"]).toBe("rejected");
  expect(String(row["reason"])).toContain(`series-not-joined: s3://${request["bucket-name"]}/AWSDynamoDB/02`);
  expect(String(row["reason"])).toContain(`Add the incremental export that begins at ${T(0)}`);
});
