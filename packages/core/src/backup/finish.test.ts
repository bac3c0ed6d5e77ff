import { intercept } from "@ferry/memory/intercept";
import { md5 } from "@ferry/memory/ports";
import { describe, expect, test } from "vitest";
import type { BackupPlan, SegmentWork } from "../events/events.ts";
import {
  accepted,
  backupRequest,
  bucket,
  message,
  runTask,
  sliceToEnd,
  source,
  world,
} from "../testing/tasks.ts";
import { work } from "../worker.ts";

const item = (n: number) => `{"id":{"S":"item-${n}"}}`;
const finishing = ({ task, plan }: SegmentWork, items: number) =>
  message(
    "TaskFinishing",
    {
      version: 1,
      task,
      attempt: 1,
      "transferred-items": items,
      "transferred-bytes": 0,
      plan: { S: JSON.stringify(plan) },
    },
    "TaskStepFailed",
  );
const text = async (ports: ReturnType<typeof world>, name: string) =>
  new TextDecoder().decode((await ports.archive.get(bucket, `backups/one/${name}`))?.body);

/** A world with a backup whose segments are complete and which is not finished. */
async function sliced(items: number, segments: number) {
  const ports = world();
  ports.tables.put(source, ...Array.from({ length: items }, (_, n) => item(n)));
  const work = await accepted({ ...backupRequest, "total-segments": segments, "batch-bytes": 100 }, ports);
  for (const segment of work) await sliceToEnd(segment, ports);
  return { ports, segment: work[0]! };
}

describe("a finished backup", () => {
  test("has a manifest that lists exactly its files, with the counts and MD5s of the stored objects", async () => {
    const { ports, segment } = await sliced(20, 6);
    const events = await work(finishing(segment, 20), ports);
    expect(events).toMatchObject([{ type: "TaskFinished", detail: { items: 20, attempt: 1 } }]);
    const listed = (await text(ports, "manifest-files.json"))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(listed.map((file) => file.dataFileS3Key)).toEqual(
      ports.archive.keys(bucket).filter((key) => key.includes("/0x")),
    );
    let bytes = 0;
    for (const file of listed) {
      const stored = await ports.archive.get(bucket, file.dataFileS3Key);
      bytes += Number(stored!.head.metadata["bytes"]);
      expect(file).toEqual({
        itemCount: Number(stored!.head.metadata["items"]),
        md5Checksum: md5(stored!.body),
        // DynamoDB writes it without the quotes of the HTTP header.
        etag: stored!.head.etag.replaceAll('"', ""),
        dataFileS3Key: file.dataFileS3Key,
      });
    }
    expect(JSON.parse(await text(ports, "manifest-summary.json"))).toMatchObject({
      version: "2020-06-30",
      itemCount: 20,
      outputFormat: "DYNAMODB_JSON",
      s3Bucket: "archives",
      s3Prefix: "backups/one",
      manifestFilesS3Key: "backups/one/manifest-files.json",
      startTime: expect.any(String),
      endTime: "2026-11-01T02:00:00.000Z",
      billedSizeBytes: bytes,
      ferry: {
        "request-id": "request-1",
        consistency: expect.stringContaining("not a snapshot"),
        segments: 6,
        files: listed.length,
        bytes,
        "manifest-files-md5": md5((await ports.archive.get(bucket, "backups/one/manifest-files.json"))!.body),
      },
    });
  });

  test.each([
    ["no key", undefined],
    ["the request's key", "alias/ferry"],
  ])("has manifest files with its request-id, encrypted with %s", async (_, key) => {
    const { ports, segment } = await sliced(5, 1);
    const puts: unknown[] = [];
    let reads = 0;
    const archive = intercept("archive", ports.archive, ["putNew", "get"], ({ method, args }, run) => {
      if (method === "putNew") puts.push([args[1], args[3]]);
      else if (args[1] === "backups/one/manifest-files.json") reads++;
      return run();
    });
    const { plan } = segment;
    const request = { ...plan.request, ...(key !== undefined && { "kms-key-id": key }) };
    await work(finishing({ ...segment, plan: { ...plan, request } as BackupPlan }, 5), { ...ports, archive });
    const options = {
      metadata: { "request-id": "request-1" },
      contentType: "application/json",
      ...(key !== undefined && { kmsKeyId: key }),
    };
    const checksum = { ...options, contentType: "text/plain" };
    expect(puts).toEqual([
      ["backups/one/manifest-files.json", options],
      ["backups/one/manifest-files.md5", checksum],
      ["backups/one/manifest-summary.json", options],
      ["backups/one/manifest-summary.md5", checksum],
    ]);
    // Read once, as a restore will read it; the bytes that were just put are not read again.
    expect(reads).toBe(1);
  });

  test("has the MD5 of each manifest object beside it, base64 without a line feed, as DynamoDB's exports have", async () => {
    const { ports, segment } = await sliced(5, 1);
    // Another worker's summary is stored, with another end: the checksum is of that one.
    const other = finishing(segment, 5);
    const late = { ...other, event: { ...other.event, time: "2026-12-01T00:00:00Z" } };
    await work(late, ports);
    ports.archive.remove(bucket, "backups/one/manifest-summary.md5");
    await work(finishing(segment, 5), ports);
    for (const name of ["manifest-files", "manifest-summary"]) {
      const { body } = (await ports.archive.get(bucket, `backups/one/${name}.json`))!;
      expect(await text(ports, `${name}.md5`)).toBe(md5(body));
    }
  });

  test("is not rewritten by a second finish, which returns the same event", async () => {
    const { ports, segment } = await sliced(5, 1);
    const first = await work(finishing(segment, 5), ports);
    const before = await text(ports, "manifest-summary.json");
    const again = finishing(segment, 5);
    expect(await work({ ...again, event: { ...again.event, time: "2026-12-01T00:00:00Z" } }, ports)).toEqual(
      first,
    );
    expect(await text(ports, "manifest-summary.json")).toBe(before);
  });
});

describe("a backup is not finished", () => {
  const incomplete = (message: string) => [
    {
      type: "TaskStepFailed",
      detail: {
        cause: "archive-incomplete",
        step: "TaskFinishing",
        error: {
          operation: "finish backup",
          resource: "s3://archives/backups/one/",
          message: `The archive s3://archives/backups/one/ is not as its segments wrote it: ${message}`,
        },
      },
    },
  ];

  test("if its prefix belongs to another task now", async () => {
    const { ports, segment } = await sliced(5, 1);
    ports.archive.remove(bucket, "backups/one/task.json");
    const otherTaskFile = new TextEncoder().encode(
      JSON.stringify({ task: { id: "x", "request-id": "request-9" } }),
    );
    ports.archive.store(bucket, "backups/one/task.json", otherTaskFile);
    expect(await work(finishing(segment, 5), ports)).toMatchObject([
      { type: "TaskStepFailed", detail: { cause: "prefix-taken" } },
    ]);
    expect(ports.archive.keys(bucket).filter((key) => key.includes("manifest"))).toEqual([]);
  });

  test("if a segment has no last file", async () => {
    const { ports, segment } = await sliced(5, 1);
    ports.archive.remove(
      bucket,
      ports.archive
        .keys(bucket)
        .filter((key) => key.includes("/0x"))
        .at(-1)!,
    );
    expect(await work(finishing(segment, 5), ports)).toMatchObject(incomplete("segment 0 has no last file."));
    expect(await text(ports, "manifest-summary.json")).toBe("");
  });

  test("if a segment has no file at all", async () => {
    const { ports, segment } = await sliced(0, 1);
    for (const key of ports.archive.keys(bucket)) if (key.includes("/0x")) ports.archive.remove(bucket, key);
    expect(await work(finishing(segment, 0), ports)).toMatchObject(incomplete("segment 0 has no last file."));
  });

  test("if a segment's last file has no end mark, even if the counts are equal", async () => {
    const { ports, segment } = await sliced(5, 1);
    const key = ports.archive.keys(bucket).findLast((one) => one.includes("/0x"))!;
    const { body, head } = (await ports.archive.get(bucket, key))!;
    const { end: _, ...metadata } = head.metadata;
    ports.archive.store(bucket, key, body, metadata);
    expect(await work(finishing(segment, 5), ports)).toMatchObject(incomplete("segment 0 has no last file."));
    expect(await text(ports, "manifest-summary.json")).toBe("");
  });

  test("if its files hold other counts than its segments reported", async () => {
    const { ports, segment } = await sliced(5, 1);
    expect(await work(finishing(segment, 6), ports)).toMatchObject(
      incomplete("the files hold 5 items, but the segments reported 6."),
    );
    expect(await text(ports, "manifest-summary.json")).toBe("");
  });

  test("if manifest-files.json lists other files than the segments have", async () => {
    const { ports, segment } = await sliced(5, 1);
    await work(finishing(segment, 5), ports);
    const listed = await text(ports, "manifest-files.json");
    ports.archive.remove(bucket, "backups/one/manifest-summary.json");
    ports.archive.store(
      bucket,
      "backups/one/manifest-files.json",
      new TextEncoder().encode(listed.replaceAll("0x0000/", "0x0001/")),
    );
    expect(await work(finishing(segment, 5), ports)).toMatchObject(
      incomplete("manifest-files.json lists other files than the segments have."),
    );
    expect(await text(ports, "manifest-summary.json")).toBe("");
  });

  test("if the prefix has another program's summary", async () => {
    const { ports, segment } = await sliced(5, 1);
    ports.archive.store(bucket, "backups/one/manifest-summary.json", new TextEncoder().encode("{}"));
    expect(await work(finishing(segment, 5), ports)).toMatchObject([
      { type: "TaskStepFailed", detail: { cause: "broken-manifest" } },
    ]);
  });

  test("if the prefix has a valid summary of another backup", async () => {
    const { ports, segment } = await sliced(5, 1);
    const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
    const files = { itemCount: 5, md5Checksum: "x".repeat(24), etag: "e", dataFileS3Key: "elsewhere/data" };
    const summary = {
      version: "2020-06-30",
      itemCount: 5,
      manifestFilesS3Key: "elsewhere/manifest-files.json",
      outputFormat: "DYNAMODB_JSON",
    };
    ports.archive.store(bucket, "elsewhere/manifest-files.json", encode(files));
    ports.archive.store(bucket, "backups/one/manifest-summary.json", encode(summary));
    expect(await work(finishing(segment, 5), ports)).toMatchObject(
      incomplete("manifest-summary.json belongs to another backup."),
    );
  });

  test("if a manifest file exists and cannot be read, which is thrown as a transient error", async () => {
    const { ports, segment } = await sliced(5, 1);
    await work(finishing(segment, 5), ports);
    const archive = intercept("archive", ports.archive, ["get"], async (call, run) =>
      String(call.args[1]).endsWith("manifest-files.json") ? undefined : run(),
    );
    await expect(work(finishing(segment, 5), { ...ports, archive })).rejects.toThrow(
      "backups/one/manifest-files.json exists and cannot be read",
    );
  });

  test("if a chain contains a file of another request", async () => {
    const { ports, segment } = await sliced(5, 1);
    const key = ports.archive.keys(bucket).find((one) => one.includes("/0x"))!;
    ports.archive.store(bucket, key, new Uint8Array(1), {
      "request-id": "request-9",
      items: "1",
      bytes: "1",
    });
    expect(await work(finishing(segment, 5), ports)).toMatchObject([{ detail: { cause: "foreign-file" } }]);
  });
});

test("a backup of an empty table succeeds with 0 items", async () => {
  const ports = world();
  expect(await runTask(backupRequest, ports)).toMatchObject([{ type: "TaskFinished", detail: { items: 0 } }]);
});
