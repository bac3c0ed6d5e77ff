import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Host, startHost } from "../host.ts";
import { someItems, type User, userOf } from "./test-client.ts";

let host: Host;
let user: User;
beforeAll(async () => {
  host = await startHost({ settings: { retryDelaySeconds: 0 } });
  user = await userOf(host);
});
afterAll(() => host?.stop());

describe("given a table, when it is backed up and restored in another region", () => {
  test.each([1, 64])("by %i segments, then both tables are the same", async (segments) => {
    const name = `there-and-back-${segments}`;
    await user.createTables(name, someItems(300));
    const backup = await user.ask({ ...user.backupOf(name), "total-segments": segments }, `b-${name}`);
    expect(backup).toMatchObject({
      state: "succeeded",
      "total-segments": segments,
      "completed-segments": segments,
      "failed-segments": 0,
      "transferred-items": 300,
      reasons: [],
    });
    // The number of segments need not match.
    const restore = await user.ask({ ...user.restoreOf(name), "total-segments": 5 }, `r-${name}`);
    expect(restore).toMatchObject({ state: "succeeded", "total-segments": 5, "transferred-items": 300 });
    expect(await user.identical(name)).toBe(true);
    const records = await user.records(backup);
    expect(records).toHaveLength(segments);
    expect(records.reduce((sum, { items }) => sum + items, 0)).toBe(300);
  });

  test("then the archive is what its manifest says, readable by anything", async () => {
    const name = "readable";
    await user.createTables(name, someItems(100));
    await user.ask({ ...user.backupOf(name), "total-segments": 3, "batch-bytes": 4000 }, "b-readable");
    const text = async (file: string) => Buffer.from(await user.object(`${name}/${file}`)).toString();
    const summary = JSON.parse(await text("manifest-summary.json"));
    expect(summary).toMatchObject({ itemCount: 100, outputFormat: "DYNAMODB_JSON", s3Prefix: name });
    const files = (await text("manifest-files.json"))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(files.map(({ dataFileS3Key }) => dataFileS3Key)).toEqual(
      (await user.keys(name)).filter((key) => key.includes("/0x")),
    );
    expect(files.length).toBeGreaterThan(3);
    for (const { dataFileS3Key, itemCount, md5Checksum } of files) {
      const body = await user.object(dataFileS3Key);
      expect(createHash("md5").update(body).digest("base64")).toBe(md5Checksum);
      const lines = gunzipSync(body).toString().split("\n").filter(Boolean);
      expect(lines).toHaveLength(itemCount);
      for (const line of lines) expect(line).toMatch(/^\{"Item":\{.*\}\}$/s);
    }
    expect(JSON.parse(await text("table.json"))).toMatchObject({ keys: [{ name: "id", type: "S" }] });
  });

  test("and it is empty, then the backup has an empty file a segment and the restore succeeds", async () => {
    await user.createTables("nothing");
    const backup = await user.ask({ ...user.backupOf("nothing"), "total-segments": 2 }, "b-nothing");
    expect(backup).toMatchObject({ state: "succeeded", "transferred-items": 0, "transferred-batches": 2 });
    expect(await user.ask(user.restoreOf("nothing"), "r-nothing")).toMatchObject({ state: "succeeded" });
    expect(await user.copied("nothing")).toEqual([]);
  });

  test("and its name is an ARN, then it is the same table", async () => {
    await user.createTables("by-arn", someItems(3));
    const arn = "arn:aws:dynamodb:us-east-1:000000000000:table/by-arn";
    const request = { ...user.backupOf("by-arn"), "table-name": arn };
    expect(await user.ask(request, "b-by-arn")).toMatchObject({ state: "succeeded", "transferred-items": 3 });
  });
});

describe("given a request of the older tool on the request queue", () => {
  test("then it is done like any other", async () => {
    await user.createTables("by-message", someItems(10));
    const request = { ...user.backupOf("by-message"), "total-segments": 2 };
    const id = await user.send(JSON.stringify(request));
    expect(await user.ended(request, id)).toMatchObject({ state: "succeeded", "transferred-items": 10 });
  });

  test("and it is malformed, then its row says everything that is wrong", async () => {
    const request = { ...user.backupOf("bad-message"), "total-segments": "many", extra: true };
    const id = await user.send(JSON.stringify(request));
    const row = await user.ended(request, id);
    expect(row).toMatchObject({ state: "rejected" });
    expect(row["reasons"][0]).toContain('total-segments must be a whole number: got "many"');
    expect(row["reasons"][0]).toContain("extra is not a field of this request");
  });

  test("and it is not JSON, then it is set aside with the dead letters", async () => {
    await user.send("please back up my table");
    expect((await user.received("request-dead-letters")).Body).toBe("please back up my table");
  });
});

describe("given a request that cannot be done, then its row says why and what to do", () => {
  const rejected = async (request: Record<string, unknown>, id: string) => {
    const row = await user.ask(request, id);
    expect(row).toMatchObject({ state: "rejected" });
    return row["reasons"][0] as string;
  };

  test("a malformed one", async () => {
    const reason = await rejected({ ...user.backupOf("malformed"), "bucket-name": 5 }, "b-malformed");
    expect(reason).toContain("bucket-name must be a string: got 5");
  });

  test("an unknown action, and none", async () => {
    const { action: _, ...none } = user.backupOf("which-action");
    expect(await rejected({ ...none, action: "copy" }, "b-copy")).toContain(
      'action must be backup or restore: got "copy"',
    );
    expect(await rejected(none, "b-none")).toContain("action is required but missing");
  });

  test("a wrong table", async () => {
    expect(await rejected(user.backupOf("no-such-table"), "b-no-table")).toMatch(
      /DescribeTable.*no-such-table/,
    );
  });

  test("a wrong bucket", async () => {
    await user.createTables("no-bucket");
    const request = { ...user.backupOf("no-bucket"), "bucket-name": "nowhere" };
    expect(await rejected(request, "b-no-bucket")).toMatch(/nowhere/);
    const restore = { ...user.restoreOf("no-bucket"), "bucket-name": "nowhere" };
    expect(await rejected(restore, "r-no-bucket")).toMatch(/nowhere/);
  });

  test("a used prefix", async () => {
    await user.createTables("used-prefix", someItems(1));
    expect(await user.ask(user.backupOf("used-prefix"), "b-first")).toMatchObject({ state: "succeeded" });
    expect(await rejected(user.backupOf("used-prefix"), "b-second")).toMatch(
      /prefix-taken.*prefix of its own/,
    );
  });

  test("a prefix that holds no backup", async () => {
    await user.createTables("no-backup");
    expect(await rejected(user.restoreOf("no-backup"), "r-no-backup")).toMatch(/no-manifest/);
  });

  test("a destination with other keys", async () => {
    await user.createTables("other-keys", someItems(2), "N");
    await user.ask(user.backupOf("other-keys"), "b-other-keys");
    expect(await rejected(user.restoreOf("other-keys"), "r-other-keys")).toMatch(/id \(N\).*id \(S\)/);
  });
});

describe("given a destination that holds items", () => {
  async function withItems(name: string) {
    await user.createTables(name, someItems(3));
    await user.ask(user.backupOf(name), `b-${name}`);
    await user.putInCopy(name, [someItems(1, "application")[0]!, { id: { S: "other" } }]);
  }
  const of = async (name: string) => (await user.copied(name)).map((item) => item["of"]?.S);

  test("then a restore is refused", async () => {
    await withItems("not-empty");
    const row = await user.ask(user.restoreOf("not-empty"), "r-not-empty");
    expect(row).toMatchObject({ state: "rejected" });
    expect(row["reasons"][0]).toMatch(/table-not-empty.*merge/);
    expect(await of("not-empty")).toEqual(["application", undefined]);
  });

  test("and restore-mode merge, then the archive's items are put over them", async () => {
    await withItems("merge");
    const request = { ...user.restoreOf("merge"), "restore-mode": "merge" };
    expect(await user.ask(request, "r-merge")).toMatchObject({ state: "succeeded" });
    expect(await of("merge")).toEqual(["source", "source", "source", undefined]);
  });

  test("and restore-mode if-absent, then no item is overwritten", async () => {
    await withItems("if-absent");
    const request = { ...user.restoreOf("if-absent"), "restore-mode": "if-absent" };
    expect(await user.ask(request, "r-if-absent")).toMatchObject({
      state: "succeeded",
      "transferred-items": 3,
    });
    expect(await of("if-absent")).toEqual(["application", "source", "source", undefined]);
  });
});

describe("given what looks like a fact and is not Ferry's", () => {
  test("then nobody hears it", async () => {
    await user.createTables("forged", someItems(1));
    const task = { id: "x@1", action: "backup", key: "forged", timestamp: 1, "request-id": "x" };
    await user.putEvent("TaskRejected", { cause: "x", work: { task } }, "someone-else");
    await user.putEvent("SegmentCompleted", { version: 1, task, attempt: 1, segment: 0 }, "someone-else");
    await user.ask(user.backupOf("forged"), "b-forged");
    expect(await user.rows({ action: "backup", "table-region": "forged", "table-name": "" })).toEqual([]);
  });
});
