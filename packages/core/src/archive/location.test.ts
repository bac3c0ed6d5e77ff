import {
  changeLine,
  fullExport,
  incrementalExport,
  itemLine,
  type NativeExport,
} from "@ferry/memory/native-export";
import {
  backupRequest,
  bucket,
  destination,
  request,
  restoreRequest,
  runTask,
  source,
  world,
} from "@ferry/memory/testing/tasks";
import { describe, expect, test } from "vitest";
import { homeOf, locationOf, type ManifestKeys, readAt } from "./location.ts";

type World = ReturnType<typeof world>;

describe("the location of an archive's objects", () => {
  const options = (keys: ManifestKeys, shared = false) => ({ keys, shared });
  const prefix = "copies/AWSDynamoDB/01";
  const from = "nightly/AWSDynamoDB/01";
  const at = (keys: ManifestKeys, shared = false) =>
    locationOf(bucket, prefix, `${from}/manifest-files.json`, options(keys, shared));
  const read = (keys: ManifestKeys, listed: string, shared = false) =>
    readAt(bucket, at(keys, shared), listed);

  test("contains its prefix, and the prefix that its manifest was written for", () => {
    expect(at("own", true)).toStrictEqual({ prefix, writtenFor: from, keys: "own", shared: true });
    expect([homeOf(at("own")), homeOf(at("rebase")), homeOf(at("as-listed"))]).toEqual([
      prefix,
      prefix,
      from,
    ]);
  });

  test.each(["files.json", "manifest-files.json", "p/manifest-files.json.gz", "p/other.json", ""])(
    "is an error if the summary names %j",
    (filesKey) => {
      expect(() => locationOf(bucket, prefix, filesKey, options("own"))).toThrow(
        expect.objectContaining({
          code: "broken-manifest",
          resource: `s3://archives/${prefix}/manifest-summary.json`,
          message: expect.stringContaining(
            `has manifestFilesS3Key ${filesKey}, which is not a manifest-files.json in a folder.`,
          ),
        }),
      );
    },
  );

  test("is the listed key, or the key under the archive's prefix", () => {
    expect(read("as-listed", "anywhere/x")).toBe("anywhere/x");
    expect(read("own", `${prefix}/data/x`)).toBe(`${prefix}/data/x`);
    expect(read("rebase", `${from}/data/x`)).toBe(`${prefix}/data/x`);
    expect(read("own", "copies/AWSDynamoDB/data/x", true)).toBe("copies/AWSDynamoDB/data/x");
    expect(read("rebase", "nightly/AWSDynamoDB/data/x/y", true)).toBe("copies/AWSDynamoDB/data/x/y");
  });

  test("may be in a shared folder at the bucket's root", () => {
    const root = locationOf(
      bucket,
      "AWSDynamoDB/01",
      "AWSDynamoDB/01/manifest-files.json",
      options("own", true),
    );
    expect(readAt(bucket, root, "AWSDynamoDB/data/x")).toBe("AWSDynamoDB/data/x");
  });

  test.each<[ManifestKeys, string, boolean, string, string]>([
    ["own", `${from}/data/x`, false, prefix, "request the restore with manifest-keys rebase"],
    ["own", `${prefix}x/data/x`, false, prefix, "request the restore with manifest-keys rebase"],
    ["rebase", `${prefix}/data/x`, false, from, "Only as-listed"],
    ["rebase", "nightly/AWSDynamoDB/data/x", false, from, "Only as-listed"],
    ["rebase", "nightly/AWSDynamoDB/data", true, from, "Only as-listed"],
    ["rebase", "copies/AWSDynamoDB/data/x", true, from, "Only as-listed"],
  ])("with manifest-keys %s cannot be %s", (keys, listed, shared, home, hint) => {
    expect(() => read(keys, listed, shared)).toThrow(
      expect.objectContaining({
        kind: "permanent",
        code: "archive-moved",
        operation: "read manifest",
        resource: `s3://archives/${prefix}/manifest-summary.json`,
        message: expect.stringContaining(
          `lists ${listed}, which is outside ${home}/: the manifest was written for ${from}/.`,
        ),
        hint: expect.stringContaining(hint),
      }),
    );
  });

  test.each(["exports/01", "AWSDynamoDB/01/more", "xAWSDynamoDB/01"])(
    "has no shared folder beside %s",
    (other) => {
      const location = locationOf(bucket, other, `${other}/manifest-files.json`, options("own", true));
      const listed = `${other.slice(0, other.lastIndexOf("/"))}/data/x`;
      expect(() => readAt(bucket, location, listed)).toThrow("is outside");
    },
  );
});

const item = (value: string) => `{"id":{"S":"a"},"v":{"S":"${value}"}}`;
const restored = (ports: World) =>
  ports.tables.items(destination).map((bytes) => new TextDecoder().decode(bytes));
const spec = { bucket: bucket.name, id: "01793487600000-a1b2c3d4", under: "nightly" };
const full = (value: string, name = bucket.name) =>
  fullExport({ ...spec, bucket: name, files: [[itemLine(item(value))]] });
const incremental = (value: string, name = bucket.name) =>
  incrementalExport({
    ...spec,
    bucket: name,
    files: [[changeLine({ keys: '{"id":{"S":"a"}}', newImage: item(value) })]],
  });

/** Puts the objects of an export under another prefix; does not change its manifests. */
function putUnder(ports: World, made: NativeExport, from: string, to: string): void {
  for (const { key, body } of made.objects) ports.archive.store(bucket, key.replace(from, to), body);
}

/** Runs a restore from `prefix` to its end. Returns the table's items. */
async function restoreFrom(ports: World, prefix: string, change: object = {}) {
  await runTask({ ...restoreRequest, "bucket-prefix": prefix, "restore-mode": "merge", ...change }, ports);
  return restored(ports);
}

async function refusal(ports: World, prefix: string, change: object = {}) {
  const options = { "bucket-prefix": prefix, "restore-mode": "merge", ...change };
  const [event] = await request({ ...restoreRequest, ...options }, ports);
  if (event?.type !== "TaskRejected") throw new Error(`not rejected: ${JSON.stringify(event)}`);
  return { cause: event.detail.cause, message: event.detail.error?.message, hint: event.detail.error?.hint };
}

describe.each([
  ["full", full],
  ["incremental", incremental],
])("a %s export that was moved", (_, exportOf) => {
  const moved = `archive/AWSDynamoDB/${spec.id}`;
  const original = `nightly/AWSDynamoDB/${spec.id}`;

  /** An export that was copied to another prefix; the original changed afterwards. */
  function copied(): World {
    const ports = world();
    putUnder(ports, exportOf("copied"), "nightly/", "archive/");
    putUnder(ports, exportOf("since"), "", "");
    return ports;
  }

  test("is refused by default, because its manifest lists keys of the original", async () => {
    const found = await refusal(copied(), moved);
    expect(found).toMatchObject({ cause: "archive-moved", hint: expect.stringContaining("rebase") });
    expect(found.message).toContain(`lists ${original}/manifest-files.json`);
    expect(found.message).toContain(`outside ${moved}/`);
  });

  test("is read under its new prefix with manifest-keys rebase", async () => {
    expect(await restoreFrom(copied(), moved, { "manifest-keys": "rebase" })).toEqual([item("copied")]);
  });

  test("is read with manifest-keys rebase even if the original was deleted", async () => {
    const ports = world();
    putUnder(ports, exportOf("copied"), "nightly/", "archive/");
    expect(await restoreFrom(ports, moved, { "manifest-keys": "rebase" })).toEqual([item("copied")]);
  });

  test("is read from the original with manifest-keys as-listed", async () => {
    expect(await restoreFrom(copied(), moved, { "manifest-keys": "as-listed" })).toEqual([item("since")]);
  });

  test("is read at its original prefix with any manifest-keys", async () => {
    for (const keys of ["own", "rebase", "as-listed"]) {
      const ports = world();
      putUnder(ports, exportOf("here"), "", "");
      expect(await restoreFrom(ports, original, { "manifest-keys": keys })).toEqual([item("here")]);
    }
  });

  test("is restored from another bucket than it was written to", async () => {
    const ports = world();
    putUnder(ports, exportOf("here", "exports-of-another-account"), "", "");
    expect(await restoreFrom(ports, original)).toEqual([item("here")]);
  });
});

describe("a manifest that lists a data file outside its archive is refused", () => {
  /** An export whose only data file is listed at another key. */
  async function listing(exportOf: typeof full, listed: string): Promise<{ ports: World; prefix: string }> {
    const ports = world();
    const made = exportOf("here");
    putUnder(ports, made, "", "");
    const listKey = `${made.prefix}/manifest-files.json`;
    const entry = JSON.parse(new TextDecoder().decode((await ports.archive.get(bucket, listKey))!.body));
    const data = await ports.archive.get(bucket, entry.dataFileS3Key);
    ports.archive.store(bucket, listed, data!.body);
    ports.archive.store(
      bucket,
      listKey,
      new TextEncoder().encode(`${JSON.stringify({ ...entry, dataFileS3Key: listed })}\n`),
    );
    ports.archive.remove(bucket, `${made.prefix}/manifest-files.md5`);
    return { ports, prefix: made.prefix };
  }

  test.each([
    ["full, in another folder", full, "elsewhere/x.json.gz"],
    ["full, under a prefix that starts with its own prefix", full, `nightly/AWSDynamoDB/${spec.id}x/x.gz`],
    ["full, in the folder of incremental exports", full, "nightly/AWSDynamoDB/data/x.json.gz"],
    ["incremental, in the shared folder of another prefix", incremental, "AWSDynamoDB/data/x.json.gz"],
    [
      "incremental, in a folder whose name starts with that of the shared one",
      incremental,
      "nightly/AWSDynamoDB/data2/x",
    ],
  ] as const)("%s", async (_, exportOf, listed) => {
    const { ports, prefix } = await listing(exportOf, listed);
    for (const keys of ["own", "rebase"]) {
      const found = await refusal(ports, prefix, { "manifest-keys": keys });
      expect(found).toMatchObject({
        cause: "archive-moved",
        message: expect.stringContaining(`lists ${listed}`),
      });
    }
    expect(await restoreFrom(ports, prefix, { "manifest-keys": "as-listed" })).toEqual([item("here")]);
  });
});

test("an incremental export in a folder that is not AWSDynamoDB has no shared folder", async () => {
  const ports = world();
  putUnder(ports, incremental("here"), "nightly/AWSDynamoDB", "nightly/exports");
  const prefix = `nightly/exports/${spec.id}`;
  for (const name of ["manifest-files", "manifest-summary"]) {
    const { body } = (await ports.archive.get(bucket, `${prefix}/${name}.json`))!;
    const text = new TextDecoder().decode(body).replaceAll("nightly/AWSDynamoDB", "nightly/exports");
    ports.archive.store(bucket, `${prefix}/${name}.json`, new TextEncoder().encode(text));
    ports.archive.remove(bucket, `${prefix}/${name}.md5`);
  }
  expect(await refusal(ports, prefix)).toMatchObject({
    cause: "archive-moved",
    message: expect.stringContaining("lists nightly/exports/data/"),
  });
});

describe("a Ferry backup that was copied to another prefix", () => {
  /** A backup of one item, and its copy under `copies/one`. */
  async function copied(): Promise<World> {
    const ports = world();
    ports.tables.put(source, item("copied"));
    await runTask(backupRequest, ports);
    for (const key of ports.archive.keys(bucket)) {
      const { body, head } = (await ports.archive.get(bucket, key))!;
      ports.archive.store(bucket, key.replace("backups/one", "copies/one"), body, head.metadata);
    }
    return ports;
  }

  test("is refused by default", async () => {
    expect(await refusal(await copied(), "copies/one")).toMatchObject({ cause: "archive-moved" });
  });

  test("is restored with manifest-keys rebase even if the original was deleted", async () => {
    const ports = await copied();
    for (const key of ports.archive.keys(bucket))
      if (key.startsWith("backups/one")) ports.archive.remove(bucket, key);
    expect(await restoreFrom(ports, "copies/one", { "manifest-keys": "rebase" })).toEqual([item("copied")]);
  });
});

test("a summary whose manifestFilesS3Key is not a manifest-files.json in a folder is refused", async () => {
  const ports = world();
  const made = fullExport({ ...spec, files: [], summary: { manifestFilesS3Key: "files.json" } });
  putUnder(ports, made, "", "");
  expect(await refusal(ports, made.prefix)).toMatchObject({ cause: "broken-manifest" });
});
