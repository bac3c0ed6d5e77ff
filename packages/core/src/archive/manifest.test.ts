import {
  fullExport,
  incrementalExport,
  itemLine,
  type NativeExport,
  storeExport,
} from "@ferry/memory/native-export";
import { md5 } from "@ferry/memory/ports";
import {
  backupRequest,
  bucket,
  request,
  restoreRequest,
  runTask,
  source,
  world,
} from "@ferry/memory/testing/tasks";
import { describe, expect, test } from "vitest";
import type { ObjectMetadata } from "../ports.ts";
import type { ManifestFile } from "./file-list.ts";
import {
  type Manifest,
  readManifest,
  readPlannedFiles,
  readPlannedPart,
  requirePlannedArchive,
} from "./manifest.ts";

type World = ReturnType<typeof world>;
type Json = Record<string, unknown>;

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const own = (name: string) => `${backupRequest["bucket-prefix"]}/${name}`;

/** A world with a finished backup of three items in two segments. */
async function backedUp(): Promise<World> {
  const ports = world();
  ports.tables.put(source, ...["a", "b", "c"].map((id) => `{"id":{"S":"${id}"}}`));
  await runTask({ ...backupRequest, "total-segments": 2 }, ports);
  return ports;
}

/** Replaces the text of an object, and its metadata if given. */
async function rewrite(
  ports: World,
  key: string,
  change: (text: string) => string,
  metadata?: ObjectMetadata,
) {
  const stored = await ports.archive.get(bucket, key);
  ports.archive.store(bucket, key, encode(change(decode(stored!.body))), metadata ?? stored!.head.metadata);
}

const json = (change: (value: Json) => Json) => (text: string) => JSON.stringify(change(JSON.parse(text)));
const ferry = (other: Json) =>
  json((value) => ({ ...value, ferry: { ...(value["ferry"] as Json), ...other } }));

/** Updates the MD5 of the file list in the summary, so that a later check is reached. */
async function adjustSummary(ports: World) {
  const listed = await ports.archive.get(bucket, own("manifest-files.json"));
  await rewrite(ports, own("manifest-summary.json"), ferry({ "manifest-files-md5": md5(listed!.body) }));
}

describe("a manifest", () => {
  const made = (summary: Json = {}, under?: string) =>
    fullExport({
      bucket: bucket.name,
      id: "01",
      files: [[itemLine('{"id":{"S":"a"}}')], []],
      summary,
      ...(under !== undefined && { under }),
    });
  async function native(summary: Json = {}, change: (ports: World) => unknown = () => {}, under?: string) {
    const ports = world();
    const prefix = storeExport(ports.archive, bucket, made(summary, under));
    await change(ports);
    return readManifest(bucket, prefix, "own", ports);
  }

  test("of Ferry's own archive has everything that a restore needs", async () => {
    const ports = await backedUp();
    const files: ManifestFile[] = [];
    const { firstFile, ...manifest } = await readManifest(bucket, "backups/one", "own", ports, (listed) =>
      files.push(...listed),
    );
    const fingerprint = { md5: expect.stringMatching(/^.{24}$/), etag: expect.any(String) };
    expect(manifest).toStrictEqual({
      location: { prefix: "backups/one", writtenFor: "backups/one", keys: "own", shared: false },
      items: 3,
      lines: "items",
      table: { arn: expect.stringContaining("table/cities"), id: expect.any(String) },
      window: { to: "2026-11-01T02:00:00.000Z" },
      own: true,
      bytes: 3 * '{"Item":{"id":{"S":"a"}}}\n'.length,
      keys: [{ name: "id", type: "S" }],
      objects: { summary: fingerprint, task: fingerprint },
      list: { ...fingerprint, bytes: expect.any(Number) },
      files: files.length,
    });
    expect(firstFile).toEqual(files.find(({ itemCount }) => itemCount > 0));
    expect(files.map(({ dataFileS3Key: key }) => key)).toEqual(
      ports.archive.keys(bucket).filter((key) => key.includes("/0x")),
    );
  });

  test("of a native export has neither bytes nor keys, and a time range if the export has one", async () => {
    const { firstFile, objects, list, ...manifest } = await native();
    expect(manifest).toStrictEqual({
      location: { prefix: "AWSDynamoDB/01", writtenFor: "AWSDynamoDB/01", keys: "own", shared: false },
      items: 1,
      lines: "items",
      table: {
        arn: "arn:aws:dynamodb:us-east-1:000000000000:table/exported",
        id: "b116b490-6460-4d4a-9a6b-5d360abf4fb3",
      },
      window: { to: "2026-10-31T23:00:00.000Z" },
      own: false,
      files: 2,
    });
    expect(firstFile).toMatchObject({ itemCount: 1 });
    expect(Object.keys(objects)).toEqual(["summary"]);
    expect(Object.keys(list)).toEqual(["md5", "etag", "bytes"]);
    expect(await native({ exportTime: null })).not.toHaveProperty("window");
  });

  test("is compared with its .md5 object, with or without a line feed, also under a prefix that contains .json", async () => {
    const beside = (ports: World) => {
      for (const key of ports.archive.keys(bucket).filter((one) => one.endsWith(".md5")))
        void rewrite(ports, key, (text) => `${text}\n`);
    };
    await native({}, beside, "a.json/b");
    const wrong = (ports: World) =>
      ports.archive.store(bucket, "a.json/b/AWSDynamoDB/01/manifest-files.md5", encode("x"));
    await expect(native({}, wrong, "a.json/b")).rejects.toMatchObject({
      code: "broken-manifest",
      message: expect.stringContaining("but a.json/b/AWSDynamoDB/01/manifest-files.md5 contains x."),
    });
  });

  test("that does not exist is an error", async () => {
    await expect(readManifest(bucket, "nowhere", "own", world())).rejects.toMatchObject({
      kind: "permanent",
      code: "no-manifest",
      operation: "read manifest",
      resource: "s3://archives/nowhere/manifest-summary.json",
    });
  });

  /** Each way in which a later step reads the planned archive again, and the files that it returns. */
  const readings: readonly [string, (ports: World, manifest: Manifest) => Promise<unknown>][] = [
    ["a segment", (ports, planned) => readPlannedPart(bucket, planned, { index: 0, parts: 1 }, ports)],
    [
      "a segment of a plan without a list",
      (ports, planned) => readPlannedFiles(bucket, older(planned), ports),
    ],
    ["the last step", (ports, planned) => requirePlannedArchive(bucket, planned, ports)],
    [
      "the last step of a plan without a list",
      (ports, planned) => requirePlannedArchive(bucket, older(planned), ports),
    ],
  ];
  /** The manifest as plans of earlier versions have it. */
  const older = ({ list, objects, ...manifest }: Manifest) => ({
    ...manifest,
    objects: { ...objects, files: list },
  });

  describe.each(readings)("is read again by %s", (_, reread) => {
    test.each(["manifest-files.json", "manifest-summary.json", "task.json"])(
      "as long as %s did not change",
      async (name) => {
        const ports = await backedUp();
        const files: ManifestFile[] = [];
        const manifest = await readManifest(bucket, "backups/one", "own", ports, (some) =>
          files.push(...some),
        );
        expect([undefined, files]).toContainEqual(await reread(ports, manifest));
        await rewrite(ports, own(name), (text) => `${text}\n`);
        const refused = { code: "archive-changed", resource: `s3://archives/backups/one/${name}` };
        await expect(reread(ports, manifest)).rejects.toMatchObject(refused);
        ports.archive.remove(bucket, own(name));
        await expect(reread(ports, manifest)).rejects.toMatchObject(refused);
      },
    );

    test("without a task.json, if it is of a native export", async () => {
      const ports = world();
      const prefix = storeExport(ports.archive, bucket, made());
      const files: ManifestFile[] = [];
      const manifest = await readManifest(bucket, prefix, "own", ports, (some) => files.push(...some));
      expect([undefined, files]).toContainEqual(await reread(ports, manifest));
    });
  });
});

/** The error with which a restore request is rejected. */
async function refusal(ports: World, fields: object = {}) {
  const [event] = await request({ ...restoreRequest, ...fields }, ports);
  if (event?.type !== "TaskRejected") throw new Error(`not rejected: ${JSON.stringify(event)}`);
  const { cause, error } = event.detail;
  return { cause, name: error?.resource.split("/").at(-1), message: error?.message };
}

describe("an archive of Ferry's is refused", () => {
  test.each<[string, string, (text: string) => string, { cause: string; message: string }]>([
    [
      "an unknown format-version in its summary",
      "manifest-summary.json",
      ferry({ "format-version": 2 }),
      { cause: "unknown-format", message: "ferry.format-version 2; this version of Ferry supports 1" },
    ],
    [
      "no format-version in its summary",
      "manifest-summary.json",
      ferry({ "format-version": undefined }),
      { cause: "broken-manifest", message: "format-version" },
    ],
    [
      "an unknown format-version in task.json",
      "task.json",
      json((value) => ({ ...value, "format-version": 2 })),
      { cause: "unknown-format", message: "format-version 2; this version of Ferry supports 1" },
    ],
    [
      "an unknown format-version in table.json",
      "table.json",
      json((value) => ({ ...value, "format-version": 2 })),
      { cause: "unknown-format", message: "format-version 2; this version of Ferry supports 1" },
    ],
    [
      "an unknown version of a DynamoDB summary",
      "manifest-summary.json",
      json((value) => ({ ...value, version: "2031-01-01" })),
      { cause: "unknown-format", message: "version 2031-01-01; this version of Ferry supports 2020-06-30" },
    ],
    [
      "a wrong ferry.files",
      "manifest-summary.json",
      ferry({ files: 3 }),
      { cause: "broken-manifest", message: "lists 2 data files, but ferry.files of the summary is 3" },
    ],
    [
      "another ferry.request-id than task.json has",
      "manifest-summary.json",
      ferry({ "request-id": "request-2" }),
      { cause: "broken-archive", message: "is of request request-1, but ferry.request-id" },
    ],
    ["a damaged task.json", "task.json", () => "{", { cause: "broken-archive", message: "cannot be read" }],
    ["a damaged table.json", "table.json", () => "{", { cause: "broken-archive", message: "cannot be read" }],
    [
      "a table.json without keys",
      "table.json",
      json((value) => ({ ...value, keys: [] })),
      { cause: "broken-archive", message: "cannot be read" },
    ],
    [
      "a table.json with other keys than task.json",
      "table.json",
      json((value) => ({ ...value, keys: [{ name: "pk", type: "S" }] })),
      { cause: "broken-archive", message: "has the keys pk, but task.json has id" },
    ],
    [
      "a summary of an incremental export",
      "manifest-summary.json",
      json((value) => ({ ...value, version: "2023-08-01", exportType: "INCREMENTAL_EXPORT" })),
      { cause: "unknown-format", message: "which Ferry does not write" },
    ],
  ])("given %s", async (_, name, change, { cause, message }) => {
    const ports = await backedUp();
    await rewrite(ports, own(name), change);
    const found = await refusal(ports);
    expect(found).toMatchObject({ cause, message: expect.stringContaining(message) });
    if (!message.includes("lists") && !message.startsWith("is of")) expect(found.name).toBe(name);
  });

  test.each(["task.json", "table.json"])("given that %s is deleted", async (name) => {
    const ports = await backedUp();
    ports.archive.remove(bucket, own(name));
    expect(await refusal(ports)).toMatchObject({
      cause: "broken-archive",
      name,
      message: expect.stringContaining("does not exist"),
    });
  });

  test.each(["manifest-summary.json", "manifest-files.json", "task.json", "table.json"])(
    "given a %s that another request wrote",
    async (name) => {
      const ports = await backedUp();
      await rewrite(ports, own(name), (text) => text, { "request-id": "request-2" });
      expect(await refusal(ports)).toMatchObject({ cause: "broken-archive", name });
      // A copy may have no metadata.
      await rewrite(ports, own(name), (text) => text, {});
      expect(await request(restoreRequest, ports)).toMatchObject([{ type: "TaskAccepted" }]);
    },
  );

  test("given a missing list of files, or one with another count than the summary", async () => {
    const gone = await backedUp();
    gone.archive.remove(bucket, own("manifest-files.json"));
    expect(await refusal(gone)).toEqual({
      cause: "broken-manifest",
      name: "manifest-files.json",
      message: expect.stringContaining("does not exist, although the summary names it."),
    });
    const other = await backedUp();
    await rewrite(
      other,
      own("manifest-summary.json"),
      json((value) => ({ ...value, itemCount: 4 })),
    );
    expect(await refusal(other)).toEqual({
      cause: "broken-manifest",
      name: "manifest-files.json",
      message: expect.stringContaining("lists 3 items, but the summary's itemCount is 4."),
    });
  });

  test("given another list of files than the summary was written for", async () => {
    const ports = await backedUp();
    const before = md5((await ports.archive.get(bucket, own("manifest-files.json")))!.body);
    await rewrite(ports, own("manifest-files.json"), (text) => `${text}\n`);
    const now = md5((await ports.archive.get(bucket, own("manifest-files.json")))!.body);
    expect(await refusal(ports)).toEqual({
      cause: "broken-manifest",
      name: "manifest-files.json",
      message: expect.stringContaining(
        `is not the file that the summary was written for: its MD5 is ${now}, but ferry.manifest-files-md5 is ${before}.`,
      ),
    });
  });

  test("given objects of two requests, and the error names both", async () => {
    const ports = await backedUp();
    await rewrite(ports, own("task.json"), (text) => text, { "request-id": "request-2" });
    expect(await refusal(ports)).toMatchObject({
      message: expect.stringContaining(
        "was written by request request-2, but ferry.request-id of the summary is request-1.",
      ),
    });
  });

  test("given a data file that is listed twice", async () => {
    const ports = await backedUp();
    await rewrite(ports, own("manifest-files.json"), (text) => {
      const [first, second] = text.trim().split("\n");
      const key = JSON.parse(first!).dataFileS3Key;
      return `${first}\n${JSON.stringify({ ...JSON.parse(second!), dataFileS3Key: key })}\n`;
    });
    await adjustSummary(ports);
    expect(await refusal(ports)).toMatchObject({
      cause: "broken-manifest",
      name: "manifest-files.json",
      message: expect.stringMatching(/0x0000\/0x00000000\.json\.gz is listed twice/),
    });
  });

  test("given a wrong ferry.bytes, when all files were read", async () => {
    const ports = await backedUp();
    await rewrite(ports, own("manifest-summary.json"), ferry({ bytes: 7 }));
    expect(await runTask(restoreRequest, ports)).toMatchObject([
      {
        type: "TaskStepFailed",
        detail: {
          cause: "totals-differ",
          error: { message: expect.stringContaining("bytes, but the manifest lists 7") },
        },
      },
    ]);
  });
});

describe("a native export is refused", () => {
  const spec = {
    bucket: bucket.name,
    id: "01793487600000-a1b2c3d4",
    files: [[itemLine('{"id":{"S":"a"}}')]],
  };

  async function refusalOf(made: NativeExport, change: (ports: World) => unknown = () => {}) {
    const ports = world();
    storeExport(ports.archive, bucket, made);
    await change(ports);
    return refusal(ports, { "bucket-prefix": made.prefix, "restore-mode": "merge" });
  }

  test.each<[string, Json, string]>([
    ["in Ion", { outputFormat: "ION" }, "Amazon Ion"],
    ["in an unknown format", { outputFormat: "PARQUET" }, "outputFormat PARQUET;"],
    ["of an unknown type", { exportType: "DELTA_EXPORT" }, "exportType DELTA_EXPORT;"],
    [
      "of an unknown version",
      { version: "2029-01-01" },
      "version 2029-01-01; this version of Ferry supports 2020-06-30",
    ],
  ])("%s", async (_, summary, message) => {
    expect(await refusalOf(fullExport({ ...spec, summary }))).toMatchObject({
      cause: "unknown-format",
      name: "manifest-summary.json",
      message: expect.stringContaining(message),
    });
  });

  test("incremental, of an unknown version", async () => {
    const made = incrementalExport({ ...spec, files: [], summary: { version: "2020-06-30" } });
    expect(await refusalOf(made)).toMatchObject({
      cause: "unknown-format",
      message: expect.stringContaining(
        "version 2020-06-30; this version of Ferry supports 2023-08-01 for exportType INCREMENTAL",
      ),
    });
  });

  test.each(["manifest-summary", "manifest-files"])("given another MD5 in %s.md5", async (name) => {
    const made = fullExport(spec);
    const key = `${made.prefix}/${name}.md5`;
    const other = md5(encode("other"));
    expect(
      await refusalOf(made, (ports) => ports.archive.store(bucket, key, encode(`${other}\n`))),
    ).toMatchObject({
      cause: "broken-manifest",
      name: `${name}.json`,
      message: expect.stringContaining(`${key} contains ${other}`),
    });
  });

  test("given that it did not finish and has no summary", async () => {
    const made = fullExport(spec);
    expect(
      await refusalOf(made, (ports) => ports.archive.remove(bucket, `${made.prefix}/manifest-summary.json`)),
    ).toMatchObject({ cause: "no-manifest" });
  });

  test("given a list of files that cannot be read", async () => {
    const made = fullExport(spec);
    const key = `${made.prefix}/manifest-files.json`;
    const found = await refusalOf(made, (ports) => ports.archive.store(bucket, key, encode("{")));
    expect(found).toMatchObject({
      cause: "broken-manifest",
      name: "manifest-files.json",
      message: expect.stringContaining("manifest-files.json cannot be read: "),
    });
  });

  test("given a table.json with other keys than the table, without reading a data file", async () => {
    const made = fullExport(spec);
    const keysOf = (name: string) => encode(`{"format-version":1,"keys":[{"name":"${name}","type":"S"}]}`);
    const ports = world();
    storeExport(ports.archive, bucket, made);
    const refuseData: typeof ports.archive.open = (...args) =>
      args[1].includes("/data/") ? Promise.reject(new Error("read")) : ports.archive.open(...args);
    const archive = { ...ports.archive, open: refuseData };
    const fields = { "bucket-prefix": made.prefix };
    ports.archive.store(bucket, `${made.prefix}/table.json`, keysOf("pk"));
    expect(await refusal({ ...ports, archive }, fields)).toMatchObject({ cause: "key-schema-mismatch" });
    ports.archive.store(bucket, `${made.prefix}/table.json`, keysOf("id"));
    expect(await request({ ...restoreRequest, ...fields }, { ...ports, archive })).toMatchObject([
      { type: "TaskAccepted" },
    ]);
    ports.archive.store(bucket, `${made.prefix}/table.json`, encode("{}"));
    expect(await refusal(ports, fields)).toMatchObject({ cause: "broken-archive", name: "table.json" });
  });

  test("but not if the checksums are missing, since tools that copy exports may omit them", async () => {
    const ports = world();
    const made = fullExport(spec);
    storeExport(ports.archive, bucket, made);
    for (const name of ["manifest-summary", "manifest-files"])
      ports.archive.remove(bucket, `${made.prefix}/${name}.md5`);
    expect(await request({ ...restoreRequest, "bucket-prefix": made.prefix }, ports)).toMatchObject([
      { type: "TaskAccepted" },
    ]);
  });
});
