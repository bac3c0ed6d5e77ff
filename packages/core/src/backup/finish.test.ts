import { intercept } from "@ferry/memory/intercept";
import { md5 } from "@ferry/memory/ports";
import {
  accepted,
  backupRequest,
  bucket,
  message,
  runTask,
  sliceToEnd,
  source,
  world,
} from "@ferry/memory/testing/tasks";
import { describe, expect, test } from "vitest";
import type { BackupPlan, BusEvent, SegmentWork } from "../events/events.ts";
import { work } from "../worker.ts";

type World = ReturnType<typeof world>;

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
    const archive = intercept("archive", ports.archive, ["putNew", "open"], ({ method, args }, run) => {
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
  const differs = (key: string) =>
    `segment 0 has other files than its index lists; the first that differs is ${key}.`;
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
    const last = ports.archive.keys(bucket).findLast((key) => key.includes("/0x"))!;
    ports.archive.remove(bucket, last);
    expect(await work(finishing(segment, 5), ports)).toMatchObject(incomplete(differs(last)));
    expect(await text(ports, "manifest-summary.json")).toBe("");
  });

  test("if a segment has a file after its last one", async () => {
    const { ports, segment } = await sliced(5, 1);
    const late = "backups/one/0x0000/0x000000ff.json.gz";
    ports.archive.store(bucket, late, new Uint8Array(1));
    expect(await work(finishing(segment, 5), ports)).toMatchObject(incomplete(differs(late)));
  });

  test("if a segment has no file at all", async () => {
    const { ports, segment } = await sliced(0, 1);
    const [only] = ports.archive.keys(bucket).filter((key) => key.includes("/0x"));
    ports.archive.remove(bucket, only!);
    expect(await work(finishing(segment, 0), ports)).toMatchObject(incomplete(differs(only!)));
  });

  test("if a segment without an index has no end mark on its last file, even if the counts are equal", async () => {
    const { ports, segment } = await sliced(5, 1);
    ports.archive.remove(bucket, "backups/one/index/0000.json");
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
    const archive = intercept("archive", ports.archive, ["open"], async (call, run) =>
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
    expect(await work(finishing(segment, 5), ports)).toMatchObject(incomplete(differs(key)));
    ports.archive.remove(bucket, "backups/one/index/0000.json");
    expect(await work(finishing(segment, 5), ports)).toMatchObject([{ detail: { cause: "foreign-file" } }]);
  });

  const INDEX = "backups/one/index/0000.json";
  test.each([
    ["is of another request", { "request-id": "request-9" }, "foreign-file"],
    ["is of a plan with another number of segments", { segments: "9" }, "foreign-file"],
    ["has another MD5 than its metadata", { md5: "x" }, "broken-chain"],
    ["has no size in its metadata", { bytes: "" }, "broken-chain"],
  ])("if an index %s", async (_, change, cause) => {
    const { ports, segment } = await sliced(5, 1);
    const { body, head } = (await ports.archive.get(bucket, INDEX))!;
    ports.archive.store(bucket, INDEX, body, { ...head.metadata, ...change });
    expect(await work(finishing(segment, 5), ports)).toMatchObject([{ detail: { cause } }]);
    expect(await text(ports, "manifest-files.json")).toBe("");
  });

  test.each([
    ["no file", () => ""],
    ["the files of another segment", (lines: string) => lines.replaceAll("/0x0000/", "/0x0001/")],
    ["not the first file", (lines: string) => lines.slice(lines.indexOf("\n") + 1)],
    ["a line that is not one", () => "{}\n"],
  ])("if an index lists %s", async (_, change) => {
    const { ports, segment } = await sliced(5, 1);
    const { body, head } = (await ports.archive.get(bucket, INDEX))!;
    const changed = new TextEncoder().encode(change(new TextDecoder().decode(body)));
    ports.archive.store(bucket, INDEX, changed, { ...head.metadata, md5: md5(changed) });
    expect(await work(finishing(segment, 5), ports)).toMatchObject([{ detail: { cause: "broken-chain" } }]);
    expect(await text(ports, "manifest-files.json")).toBe("");
  });

  test("if an index changes between its check and the put of the list", async () => {
    const { ports, segment } = await sliced(5, 1);
    let gets = 0;
    const archive = intercept("archive", ports.archive, ["get"], async ({ args }, run) => {
      if (args[1] === INDEX && ++gets === 2) {
        const { body, head } = (await ports.archive.get(bucket, INDEX))!;
        const lines = new TextDecoder().decode(body).replace('"itemCount":1', '"itemCount":2');
        const changed = new TextEncoder().encode(lines);
        ports.archive.store(bucket, INDEX, changed, { ...head.metadata, md5: md5(changed) });
      }
      return run();
    });
    expect(await work(finishing(segment, 5), { ...ports, archive })).toMatchObject(
      incomplete("the index of segment 0 changed while it was read."),
    );
    expect(await text(ports, "manifest-files.json")).toBe("");
  });
});

describe("the calls of the last step", () => {
  /** Runs it, and counts the calls on data files and on indexes. */
  async function counted(items: number, segments: number, change: (ports: World) => void = () => {}) {
    const { ports, segment } = await sliced(items, segments);
    change(ports);
    const calls = new Map<string, number>();
    const methods = ["get", "head", "list", "open", "putNew"] as const;
    const archive = intercept("archive", ports.archive, methods, ({ method, args }, run) => {
      const [of] = /\/(index|0x|manifest|task|table)/.exec(String(args[1])) ?? [];
      const name = `${method} ${of?.slice(1)}`;
      calls.set(name, (calls.get(name) ?? 0) + 1);
      return run();
    });
    expect(await work(finishing(segment, items), { ...ports, archive })).toMatchObject([
      { type: "TaskFinished" },
    ]);
    return Object.fromEntries(calls);
  }

  test("are a few for each segment, however many files it has", async () => {
    const few = await counted(6, 3);
    const many = await counted(90, 3);
    expect(many).toEqual(few);
    expect(many).toMatchObject({ "get index": 6, "list 0x": 3 });
    for (const call of ["head 0x", "get 0x", "open 0x", "putNew index"])
      expect(many).not.toHaveProperty(call);
  });

  test("read four indexes at once, however many segments there are", async () => {
    const { ports, segment } = await sliced(40, 10);
    let [reading, readingMax] = [0, 0];
    const archive = intercept("archive", ports.archive, ["get"], async ({ args }, run) => {
      if (!String(args[1]).includes("/index/")) return run();
      readingMax = Math.max(readingMax, ++reading);
      try {
        return await run();
      } finally {
        reading--;
      }
    });
    await work(finishing(segment, 40), { ...ports, archive });
    expect(readingMax).toBe(4);
  });

  test("put the indexes that workers of earlier versions did not put", async () => {
    const { "head 0x": heads, ...calls } = await counted(30, 3, (ports) => {
      for (const key of ports.archive.keys(bucket))
        if (key.includes("/index/")) ports.archive.remove(bucket, key);
    });
    expect(heads).toBeGreaterThan(3);
    expect(calls).toMatchObject({ "putNew index": 3 });
  });
});

describe("a last step whose invocation's time is up", () => {
  const SEGMENTS = 10;
  const SECOND_MS = 1000;

  /**
   * Runs the last step to its end, in invocations that have time for one group of listings and no more. Returns how many
   * segments each had checked, and the listed segments of each.
   */
  async function run(change: (listed: number, ports: World) => void = () => {}) {
    const { ports, segment } = await sliced(40, SEGMENTS);
    const checked: unknown[] = [];
    const listed: string[][] = [];
    let { event }: { event: BusEvent } = finishing(segment, 40);
    for (let invocations = 0; ; invocations++) {
      if (invocations > 20) throw new Error("it makes no progress");
      const time = ports.clock.invocation(45 * SECOND_MS + 500);
      const now: string[] = [];
      listed.push(now);
      const archive = intercept("archive", ports.archive, ["list"], async ({ args }, run) => {
        now.push(String(args[1]).split("/").at(-2)!);
        await time.sleep(SECOND_MS);
        change(listed.flat().length, ports);
        return run();
      });
      const [next] = await work({ id: "m", failsAs: "TaskStepFailed", event }, { ...ports, archive, time });
      if (next?.type !== "TaskFinishing") return { next, checked, listed, ports };
      checked.push(next.detail["checked-segments"]);
      event = { ...event, detail: next.detail };
    }
  }

  test("is continued behind the segments that were checked, and each is checked once", async () => {
    const { next, checked, listed, ports } = await run();
    expect(next).toMatchObject({ type: "TaskFinished", detail: { items: 40 } });
    expect(checked).toEqual([4, 8, 10]);
    expect(listed.map((now) => now.length)).toEqual([4, 4, 2, 0]);
    expect(new Set(listed.flat()).size).toBe(SEGMENTS);
    const whole = await sliced(40, SEGMENTS);
    await work(finishing(whole.segment, 40), whole.ports);
    expect(await text(ports, "manifest-files.json")).toBe(await text(whole.ports, "manifest-files.json"));
  });

  test("finds a deleted file of a segment that is checked in a later invocation", async () => {
    const { next } = await run((listings, ports) => {
      const key = ports.archive.keys(bucket).find((one) => one.includes("/0x0009/"));
      if (listings >= 5 && key !== undefined) ports.archive.remove(bucket, key);
    });
    expect(next).toMatchObject({ type: "TaskStepFailed", detail: { cause: "archive-incomplete" } });
  });
});

test("a backup of an empty table succeeds with 0 items", async () => {
  const ports = world();
  expect(await runTask(backupRequest, ports)).toMatchObject([{ type: "TaskFinished", detail: { items: 0 } }]);
});
