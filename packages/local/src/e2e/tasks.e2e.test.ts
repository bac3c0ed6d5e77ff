import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { concerns } from "@ferry/client/events/event-summary";
import type { EventEnvelope } from "@ferry/emulator/eventbridge/put-events";
import { beforeAll, describe, expect, test } from "vitest";
import { someItems, type TestClient } from "./test-client.ts";
import { sharedHost } from "./test-host.ts";

/** The prefix of an archive of three items, for tests of restores; it is of the table of this name. */
const ARCHIVE = "three";

let client: TestClient;
let logged: readonly EventEnvelope[];
beforeAll(async () => {
  ({ client, logged } = await sharedHost());
  await client.createTables(ARCHIVE, someItems(3));
  const backup = await client.runTask(client.backupOf(ARCHIVE), "b-three");
  expect(backup).toMatchObject({ state: "succeeded", "transferred-items": 3 });
});

describe("given a table, when it is backed up and restored in another region", () => {
  test.each([1, 8])("with %i segments, both tables are identical", async (segments) => {
    const name = `there-and-back-${segments}`;
    await client.createTables(name, someItems(300));
    const backup = await client.runTask(
      { ...client.backupOf(name), "total-segments": segments },
      `b-${name}`,
    );
    expect(backup).toMatchObject({
      state: "succeeded",
      "total-segments": segments,
      "completed-segments": segments,
      "failed-segments": 0,
      "transferred-items": 300,
      reasons: [],
    });
    // The number of segments need not be the backup's.
    const restore = await client.runTask({ ...client.restoreOf(name), "total-segments": 5 }, `r-${name}`);
    expect(restore).toMatchObject({ state: "succeeded", "total-segments": 5, "transferred-items": 300 });
    expect(await client.identical(name)).toBe(true);
    const records = await client.records(backup);
    expect(records).toHaveLength(segments);
    expect(records.reduce((sum, { items }) => sum + items, 0)).toBe(300);
  });

  test("the archive agrees with its manifest and is readable without Ferry", async () => {
    const name = "readable";
    await client.createTables(name, someItems(100));
    await client.runTask(
      { ...client.backupOf(name), "total-segments": 3, "batch-bytes": 4000 },
      "b-readable",
    );
    const text = async (file: string) => Buffer.from(await client.object(`${name}/${file}`)).toString();
    const summary = JSON.parse(await text("manifest-summary.json"));
    expect(summary).toMatchObject({ itemCount: 100, outputFormat: "DYNAMODB_JSON", s3Prefix: name });
    const files = (await text("manifest-files.json"))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(files.map(({ dataFileS3Key }) => dataFileS3Key)).toEqual(
      (await client.keys(name)).filter((key) => key.includes("/0x")),
    );
    expect(files.length).toBeGreaterThan(3);
    for (const { dataFileS3Key, itemCount, md5Checksum } of files) {
      const body = await client.object(dataFileS3Key);
      expect(createHash("md5").update(body).digest("base64")).toBe(md5Checksum);
      const lines = gunzipSync(body).toString().split("\n").filter(Boolean);
      expect(lines).toHaveLength(itemCount);
      for (const line of lines) expect(line).toMatch(/^\{"Item":\{.*\}\}$/s);
    }
    expect(JSON.parse(await text("table.json"))).toMatchObject({ keys: [{ name: "id", type: "S" }] });
  });

  test("and it is empty, the backup has one empty file per segment and the restore succeeds", async () => {
    await client.createTables("empty");
    const backup = await client.runTask({ ...client.backupOf("empty"), "total-segments": 2 }, "b-empty");
    expect(backup).toMatchObject({ state: "succeeded", "transferred-items": 0, "transferred-batches": 2 });
    expect(await client.runTask(client.restoreOf("empty"), "r-empty")).toMatchObject({ state: "succeeded" });
    expect(await client.copied("empty")).toEqual([]);
  });

  test("and its key attribute's name has an emoji, which events and messages then contain", async () => {
    const key = "\u{1F511}key";
    await client.createTables("emoji", [{ [key]: { S: "\u{1F600}" } }, { [key]: { S: "b" } }], "S", key);
    // With handoffs, whose events contain the last item's key.
    const backup = { ...client.backupOf("emoji"), "batch-bytes": 1 };
    expect(await client.runTask(backup, "b-emoji")).toMatchObject({
      state: "succeeded",
      "transferred-items": 2,
    });
    expect(await client.runTask(client.restoreOf("emoji"), "r-emoji")).toMatchObject({ state: "succeeded" });
    expect(await client.copied("emoji")).toHaveLength(2);
  });

  test("and its name is an ARN, the ARN names the same table", async () => {
    await client.createTables("by-arn", someItems(3));
    const arn = "arn:aws:dynamodb:us-east-1:000000000000:table/by-arn";
    const request = { ...client.backupOf("by-arn"), "table-name": arn };
    expect(await client.runTask(request, "b-by-arn")).toMatchObject({
      state: "succeeded",
      "transferred-items": 3,
    });
  });
});

describe("given a request on request-queue, as the older tool's callers send it", () => {
  test("it becomes a task", async () => {
    await client.createTables("by-message", someItems(10));
    const request = { ...client.backupOf("by-message"), "total-segments": 2 };
    const id = await client.send(JSON.stringify(request));
    expect(await client.ended(request, id)).toMatchObject({ state: "succeeded", "transferred-items": 10 });
  });

  test("and it is malformed, its row lists all that is wrong", async () => {
    const request = { ...client.backupOf("bad-message"), "total-segments": "many", extra: true };
    const id = await client.send(JSON.stringify(request));
    const row = await client.ended(request, id);
    expect(row).toMatchObject({ state: "rejected" });
    expect(row["reasons"][0]).toContain('total-segments must be a whole number: got "many"');
    expect(row["reasons"][0]).toContain("extra is not a field of this request");
  });

  test("and it is a restore, it becomes a task with the message's id", async () => {
    await client.createTables("restored-by-message", someItems(10));
    await client.runTask(client.backupOf("restored-by-message"), "b-by-message");
    const request = client.restoreOf("restored-by-message");
    const id = await client.send(JSON.stringify({ request }));
    expect(await client.ended(request, id)).toMatchObject({ state: "succeeded", "transferred-items": 10 });
    expect(await client.identical("restored-by-message")).toBe(true);
  });

  test("and it is not JSON, it is rejected at once, with its beginning", async () => {
    const id = await client.send('please "back up" my table');
    await expect
      .poll(() => logged.find((event) => concerns(event, id)))
      .toMatchObject({
        "detail-type": "TaskRejected",
        detail: {
          cause: "invalid-request",
          error: { message: expect.stringContaining(String.raw`begin with "please \"back up\" my table"`) },
          work: { messageId: id, body: 'please "back up" my table' },
        },
      });
  });
});

describe("given a request that Ferry rejects, its row has the reason and a hint", () => {
  const rejected = async (request: Record<string, unknown>, id: string) => {
    const row = await client.runTask(request, id);
    expect(row).toMatchObject({ state: "rejected" });
    return row["reasons"][0] as string;
  };

  test("a malformed field", async () => {
    const reason = await rejected({ ...client.backupOf("malformed"), "bucket-name": 5 }, "b-malformed");
    expect(reason).toContain("bucket-name must be a string: got 5");
  });

  test("an unknown or missing action", async () => {
    const { action: _, ...none } = client.backupOf("which-action");
    expect(await rejected({ ...none, action: "copy" }, "b-copy")).toContain(
      'action must be backup or restore: got "copy"',
    );
    expect(await rejected(none, "b-none")).toContain("action is required but missing");
  });

  test("a table that does not exist", async () => {
    expect(await rejected(client.backupOf("no-such-table"), "b-no-table")).toMatch(
      /DescribeTable.*no-such-table/,
    );
  });

  test("a bucket that does not exist", async () => {
    await client.createTables("no-bucket");
    const request = { ...client.backupOf("no-bucket"), "bucket-name": "nowhere" };
    expect(await rejected(request, "b-no-bucket")).toMatch(/nowhere/);
    const restore = { ...client.restoreOf("no-bucket"), "bucket-name": "nowhere" };
    expect(await rejected(restore, "r-no-bucket")).toMatch(/nowhere/);
  });

  test("a used prefix", async () => {
    expect(await rejected(client.backupOf(ARCHIVE), "b-second")).toMatch(/prefix-taken.*its own prefix/);
  });

  test("a prefix that holds no backup", async () => {
    await client.createTables("no-backup");
    expect(await rejected(client.restoreOf("no-backup"), "r-no-backup")).toMatch(/no-manifest/);
  });

  test("a destination with other keys", async () => {
    await client.createCopy("other-keys", "N");
    const request = { ...client.restoreOf("other-keys"), "bucket-prefix": ARCHIVE };
    expect(await rejected(request, "r-other-keys")).toMatch(/id \(N\).*id \(S\)/);
  });
});

describe("given a destination that holds items", () => {
  async function withItems(name: string) {
    await client.createCopy(name);
    await client.putInCopy(name, [someItems(1, "application")[0]!, { id: { S: "other" } }]);
    return { ...client.restoreOf(name), "bucket-prefix": ARCHIVE };
  }
  const origins = async (name: string) => (await client.copied(name)).map((item) => item["of"]?.S);

  test("a restore is refused", async () => {
    const row = await client.runTask(await withItems("not-empty"), "r-not-empty");
    expect(row).toMatchObject({ state: "rejected" });
    expect(row["reasons"][0]).toMatch(/table-not-empty.*merge/);
    expect(await origins("not-empty")).toEqual(["application", undefined]);
  });

  test("and restore-mode merge, the archive's items replace those with the same key", async () => {
    const request = { ...(await withItems("merge")), "restore-mode": "merge" };
    expect(await client.runTask(request, "r-merge")).toMatchObject({ state: "succeeded" });
    expect(await origins("merge")).toEqual(["source", "source", "source", undefined]);
  });

  test("and restore-mode if-absent, no item is overwritten", async () => {
    const request = { ...(await withItems("if-absent")), "restore-mode": "if-absent" };
    expect(await client.runTask(request, "r-if-absent")).toMatchObject({
      state: "succeeded",
      "transferred-items": 3,
    });
    expect(await origins("if-absent")).toEqual(["application", "source", "source", undefined]);
  });
});

describe("given an event that looks like a fact and whose source is not Ferry", () => {
  test("it changes no row", async () => {
    await client.createTables("forged", someItems(1));
    const task = { id: "x@1", action: "backup", key: "forged", timestamp: 1, "request-id": "x" };
    await client.putEvent("TaskRejected", { cause: "x", work: { task } }, "someone-else");
    await client.putEvent("SegmentCompleted", { version: 1, task, attempt: 1, segment: 0 }, "someone-else");
    await client.runTask(client.backupOf("forged"), "b-forged");
    expect(await client.rows({ action: "backup", "table-region": "forged", "table-name": "" })).toEqual([]);
  });
});
