import { hooked } from "@ferry/memory/hooked";
import {
  changeLine,
  fullExport,
  incrementalExport,
  itemLine,
  plantExport,
} from "@ferry/memory/native-export";
import { md5 } from "@ferry/memory/ports";
import { describe, expect, test } from "vitest";
import type { ScanPage } from "../ports.ts";
import { unheardOf } from "../projection/status.ts";
import {
  backupRequest,
  bucket,
  destination,
  request,
  restoreRequest,
  runTask,
  source,
  world,
} from "../testing/tasks.ts";

const item = '{"id":{"S":"a"}}';
const encode = (text: string) => new TextEncoder().encode(text);

async function backedUp() {
  const ports = world();
  ports.tables.put(source, item);
  await runTask({ ...backupRequest, "total-segments": 2 }, ports);
  return ports;
}

describe("a restore is refused, with the reason and what to do", () => {
  test("of a prefix without a manifest", async () => {
    expect(await request(restoreRequest, world())).toMatchObject([
      {
        type: "TaskRejected",
        detail: {
          cause: "no-manifest",
          error: { resource: "s3://archives/backups/one/manifest-summary.json" },
        },
      },
    ]);
  });

  test("into a table that holds items", async () => {
    const ports = await backedUp();
    ports.tables.put(destination, item);
    expect(await request(restoreRequest, ports)).toMatchObject([
      {
        type: "TaskRejected",
        detail: { cause: "table-not-empty", error: { hint: expect.stringContaining("merge") } },
      },
    ]);
  });

  test("into a table whose first page came without an item, though items lie behind it", async () => {
    const ports = await backedUp();
    ports.tables.put(destination, item);
    const tables = hooked("tables", ports.tables, ["scan"], async (call) => {
      const { after, ...first } = call.args[0] as ScanPage;
      return after === undefined
        ? encode('{"Items":[],"Count":0,"LastEvaluatedKey":{"id":{"S":"deleted"}}}')
        : ports.tables.scan(first);
    });
    expect(await request(restoreRequest, { ...ports, tables })).toMatchObject([
      { type: "TaskRejected", detail: { cause: "table-not-empty" } },
    ]);
  });

  test("into a table with other keys, naming both", async () => {
    const ports = await backedUp();
    ports.tables.create(destination, { keys: [{ name: "id", type: "N" }] });
    expect(await request(restoreRequest, ports)).toMatchObject([
      {
        type: "TaskRejected",
        detail: {
          cause: "key-schema-mismatch",
          error: { message: "has the keys id (N); the archive's items have id (S)." },
        },
      },
    ]);
  });

  test("into a table that is being made", async () => {
    const ports = await backedUp();
    ports.tables.create(destination, { keys: [{ name: "id", type: "S" }], status: "CREATING" });
    expect(await request(restoreRequest, ports)).toMatchObject([
      { type: "TaskRejected", detail: { cause: "table-not-active" } },
    ]);
  });

  test("into a table that is not there", async () => {
    const ports = await backedUp();
    ports.tables.drop(destination);
    expect(await request(restoreRequest, ports)).toMatchObject([{ type: "TaskRejected" }]);
  });

  test.each([
    ["manifest-files.json", "[]"],
    ["manifest-summary.json", "{}"],
  ])("of a manifest that was damaged: %s", async (name, text) => {
    const ports = await backedUp();
    ports.archive.plant(bucket, `backups/one/${name}`, encode(text));
    expect(await request(restoreRequest, ports)).toMatchObject([
      { type: "TaskRejected", detail: { cause: "broken-manifest" } },
    ]);
  });
});

test.each([
  ["another count", (line: string) => line.replace('"itemCount":1', '"itemCount":2'), "lists 2 items"],
  // As many items as the summary says, of another file.
  ["the same count", (line: string) => line.replace('"etag":"', '"etag":"x'), "its MD5 is"],
])("a restore is refused of files that the summary was not written for: %s", async (_, change, message) => {
  const ports = await backedUp();
  const key = "backups/one/manifest-files.json";
  const stored = await ports.archive.get(bucket, key);
  const changed = encode(change(new TextDecoder().decode(stored!.body)));
  ports.archive.plant(bucket, key, changed);
  if (message.startsWith("lists")) await plantSummary(ports, { "manifest-files-md5": md5(changed) });
  expect(await request(restoreRequest, ports)).toMatchObject([
    {
      type: "TaskRejected",
      detail: { cause: "broken-manifest", error: { message: expect.stringContaining(message) } },
    },
  ]);
});

/** Puts the summary again, with other words of Ferry's own in it. */
async function plantSummary(ports: ReturnType<typeof world>, ferry: object): Promise<void> {
  const key = "backups/one/manifest-summary.json";
  const summary = JSON.parse(new TextDecoder().decode((await ports.archive.get(bucket, key))!.body));
  ports.archive.plant(
    bucket,
    key,
    encode(JSON.stringify({ ...summary, ferry: { ...summary.ferry, ...ferry } })),
  );
}

test("a repeated request plans the same", async () => {
  const ports = await backedUp();
  expect(await request(restoreRequest, ports)).toEqual(await request(restoreRequest, ports));
});

test("a repeated request whose task is under way is not refused for the items that it restored", async () => {
  const ports = await backedUp();
  const [first] = await request(restoreRequest, ports);
  if (first?.type !== "TaskAccepted") throw new Error("not accepted");
  ports.tables.put(destination, item);
  const { task, plan } = first.detail;
  const row = { ...unheardOf(task, "2026-11-01T02:00:00Z"), plan, accepted: true, total: 2, completed: [0] };
  await ports.status.write(row, undefined);
  expect(await request(restoreRequest, ports)).toMatchObject([
    { type: "TaskAccepted", detail: { task, plan, attempt: 1, segments: [1] } },
  ]);
});

describe("a native export", () => {
  const spec = { bucket: bucket.name, id: "01793487600000-a1b2c3d4", under: "exports" };
  const asked = { ...restoreRequest, "bucket-prefix": `exports/AWSDynamoDB/${spec.id}` };

  test("full: is restored", async () => {
    const ports = world();
    plantExport(ports.archive, bucket, fullExport({ ...spec, files: [[itemLine(item)], []] }));
    await runTask(asked, ports);
    expect(ports.tables.items(destination).map((bytes) => new TextDecoder().decode(bytes))).toEqual([item]);
  });

  test("of a table with other keys: is refused", async () => {
    const ports = world();
    plantExport(ports.archive, bucket, fullExport({ ...spec, files: [[itemLine('{"pk":{"S":"a"}}')]] }));
    expect(await request(asked, ports)).toMatchObject([
      {
        detail: { cause: "key-schema-mismatch", error: { message: expect.stringContaining("id (missing)") } },
      },
    ]);
  });

  test("incremental: puts and deletes, and only with merge", async () => {
    const ports = world();
    const lines = [
      changeLine({ keys: '{"id":{"S":"a"}}', newImage: '{"id":{"S":"a"},"new":{"N":"1"}}' }),
      changeLine({ keys: '{"id":{"S":"b"}}', oldImage: '{"id":{"S":"b"}}' }),
    ];
    plantExport(ports.archive, bucket, incrementalExport({ ...spec, files: [lines] }));
    expect(await request(asked, ports, "refused")).toMatchObject([
      { detail: { cause: "mode-not-possible" } },
    ]);
    ports.tables.put(destination, item, '{"id":{"S":"b"}}', '{"id":{"S":"c"}}');
    await runTask({ ...asked, "restore-mode": "merge" }, ports);
    expect(
      ports.tables
        .items(destination)
        .map((bytes) => new TextDecoder().decode(bytes))
        .sort(),
    ).toEqual(['{"id":{"S":"a"},"new":{"N":"1"}}', '{"id":{"S":"c"}}']);
  });
});
