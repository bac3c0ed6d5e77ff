import { intercept } from "@ferry/memory/intercept";
import {
  changeLine,
  fullExport,
  incrementalExport,
  itemLine,
  storeExport,
} from "@ferry/memory/native-export";
import { md5 } from "@ferry/memory/ports";
import type { TableSpec } from "@ferry/memory/tables";
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
import type { RestorePlan } from "../events/events.ts";
import type { ScanPage } from "../ports.ts";
import { newTaskRow } from "../projection/status.ts";
import type { TaskRef } from "../request/task.ts";
import { defaultSettings } from "../settings/settings.ts";

const item = '{"id":{"S":"a"}}';
const encode = (text: string) => new TextEncoder().encode(text);

async function backedUp() {
  const ports = world();
  ports.tables.put(source, item);
  await runTask({ ...backupRequest, "total-segments": 2 }, ports);
  return ports;
}

describe("a restore is rejected with the reason and a hint", () => {
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
        detail: {
          cause: "table-not-empty",
          error: {
            operation: "plan restore",
            resource: "table copies in eu-west-1",
            message: expect.stringContaining("is not empty."),
            hint: expect.stringContaining("merge"),
          },
        },
      },
    ]);
  });

  test("into a table whose first page has no items but whose next page has", async () => {
    const ports = await backedUp();
    ports.tables.put(destination, item);
    const scans: ScanPage[] = [];
    const tables = intercept("tables", ports.tables, ["scan"], async (call) => {
      const page = call.args[0] as ScanPage;
      scans.push(page);
      const { after, ...first } = page;
      return after === undefined
        ? encode('{"Items":[],"Count":0,"LastEvaluatedKey":{"id":{"S":"deleted"}}}')
        : ports.tables.scan(first);
    });
    expect(await request(restoreRequest, { ...ports, tables })).toMatchObject([
      { type: "TaskRejected", detail: { cause: "table-not-empty" } },
    ]);
    const page = { table: destination, segment: 0, totalSegments: 1, consistent: true, limit: 1 };
    expect(scans).toStrictEqual([page, { ...page, after: { id: { S: "deleted" } } }]);
  });

  test("into a table with other keys, naming both", async () => {
    const ports = await backedUp();
    ports.tables.create(destination, { keys: [{ name: "id", type: "N" }] });
    expect(await request(restoreRequest, ports)).toMatchObject([
      {
        type: "TaskRejected",
        detail: {
          cause: "key-schema-mismatch",
          error: {
            message: expect.stringContaining("has the keys id (N); the archive's items have id (S)."),
          },
        },
      },
    ]);
  });

  test("into a table that is being created", async () => {
    const ports = await backedUp();
    ports.tables.create(destination, { keys: [{ name: "id", type: "S" }], status: "CREATING" });
    expect(await request(restoreRequest, ports)).toMatchObject([
      {
        type: "TaskRejected",
        detail: { cause: "table-not-active", error: { message: expect.stringContaining("is CREATING.") } },
      },
    ]);
  });

  test("but not into a table that is being updated", async () => {
    const ports = await backedUp();
    ports.tables.create(destination, { keys: [{ name: "id", type: "S" }], status: "UPDATING" });
    expect(await request(restoreRequest, ports)).toMatchObject([{ type: "TaskAccepted" }]);
  });

  test("into a table that does not exist", async () => {
    const ports = await backedUp();
    ports.tables.drop(destination);
    expect(await request(restoreRequest, ports)).toMatchObject([{ type: "TaskRejected" }]);
  });

  test.each([
    ["manifest-files.json", "[]"],
    ["manifest-summary.json", "{}"],
  ])("from an archive with a damaged %s", async (name, text) => {
    const ports = await backedUp();
    ports.archive.store(bucket, `backups/one/${name}`, encode(text));
    expect(await request(restoreRequest, ports)).toMatchObject([
      { type: "TaskRejected", detail: { cause: "broken-manifest" } },
    ]);
  });
});

test.each([
  ["another count", (line: string) => line.replace('"itemCount":1', '"itemCount":2'), "lists 2 items"],
  // The same number of items, in another file.
  ["the same count", (line: string) => line.replace('"etag":"', '"etag":"x'), "its MD5 is"],
])("a restore is rejected if the summary was written for other files: %s", async (_, change, message) => {
  const ports = await backedUp();
  const key = "backups/one/manifest-files.json";
  const stored = await ports.archive.get(bucket, key);
  const changed = encode(change(new TextDecoder().decode(stored!.body)));
  ports.archive.store(bucket, key, changed);
  if (message.startsWith("lists")) await plantSummary(ports, { "manifest-files-md5": md5(changed) });
  expect(await request(restoreRequest, ports)).toMatchObject([
    {
      type: "TaskRejected",
      detail: { cause: "broken-manifest", error: { message: expect.stringContaining(message) } },
    },
  ]);
});

/** Replaces fields of the `ferry` part of the summary. */
async function plantSummary(ports: ReturnType<typeof world>, ferry: object): Promise<void> {
  const key = "backups/one/manifest-summary.json";
  const summary = JSON.parse(new TextDecoder().decode((await ports.archive.get(bucket, key))!.body));
  ports.archive.store(
    bucket,
    key,
    encode(JSON.stringify({ ...summary, ferry: { ...summary.ferry, ...ferry } })),
  );
}

test("a redelivered request gets the same plan", async () => {
  const ports = await backedUp();
  expect(await request(restoreRequest, ports)).toEqual(await request(restoreRequest, ports));
});

test("a redelivered request is rejected if its table was created again since the first delivery", async () => {
  const ports = await backedUp();
  const [first] = await request(restoreRequest, ports);
  const planned = await ports.tables.identify(destination);
  ports.tables.drop(destination);
  ports.tables.create(destination, { keys: [{ name: "id", type: "S" }] });
  expect([first, ...(await request(restoreRequest, ports))]).toMatchObject([
    { type: "TaskAccepted", detail: { plan: { table: { id: planned } } } },
    {
      type: "TaskRejected",
      detail: { cause: "table-replaced", error: { message: expect.stringContaining(`id ${planned},`) } },
    },
  ]);
});

test("a redelivered request of a running task is not rejected because of the items that it restored", async () => {
  const ports = await backedUp();
  const [first] = await request(restoreRequest, ports);
  if (first?.type !== "TaskAccepted") throw new Error("not accepted");
  ports.tables.put(destination, item);
  const { task, plan } = first.detail;
  const row = { ...newTaskRow(task, "2026-11-01T02:00:00Z"), plan, accepted: true, total: 2, completed: [0] };
  await ports.status.write(row, undefined);
  expect(await request(restoreRequest, ports)).toMatchObject([
    { type: "TaskAccepted", detail: { task, plan, attempt: 1, segments: [1] } },
  ]);
});

describe("a plan", () => {
  const spec = { bucket: bucket.name, id: "01" };
  const fields = { ...restoreRequest, "bucket-prefix": "AWSDynamoDB/01" };
  const keys = [{ name: "id", type: "S" }] as const;

  /** The event that accepts a restore of an export with this number of files into this table. */
  async function planOf(table: Partial<TableSpec>, { files = 1, more = {}, settings = {} } = {}) {
    const ports = world({ settings: { ...defaultSettings, ...settings } });
    const lines = Array.from({ length: files }, (_, n) => [itemLine(`{"id":{"S":"${n}"}}`)]);
    storeExport(ports.archive, bucket, fullExport({ ...spec, files: lines }));
    ports.tables.create(destination, { keys, ...table });
    const [event] = await request({ ...fields, ...more }, ports);
    if (event?.type !== "TaskAccepted") throw new Error(`not accepted: ${JSON.stringify(event)}`);
    return event.detail;
  }

  test("has everything that later steps need of table and manifest, and a deadline", async () => {
    const { plan, ...detail } = await planOf({
      keys: [{ name: "id", type: "S" }],
      indexCount: 2,
      provisioned: { readUnits: 101, writeUnits: 9 },
    });
    expect(detail).toMatchObject({
      attempt: 1,
      segments: [0],
      "deadline-ms": Date.parse("2026-11-01T02:00:00Z") + defaultSettings.taskTimeoutMs,
    });
    expect(plan).toStrictEqual({
      request: fields,
      task: detail.task,
      "total-segments": 1,
      "write-units": 4,
      "units-per-write": 3,
      "items-before": "none",
      "count-units": 50,
      table: {
        arn: "arn:aws:dynamodb:eu-west-1:000000000000:table/copies",
        id: expect.stringMatching(/^copies-created-/),
        keys: ["id"],
        "key-types": ["S"],
      },
      manifest: {
        own: false,
        location: { prefix: "AWSDynamoDB/01", writtenFor: "AWSDynamoDB/01", keys: "own", shared: false },
        items: 1,
        files: 1,
        lines: "items",
        window: { to: "2026-10-31T23:00:00.000Z" },
        objects: { summary: expect.any(Object) },
        list: { md5: expect.any(String), etag: expect.any(String), bytes: expect.any(Number) },
      },
    });
  });

  test("of Ferry's own archive has its bytes, and does not count the table", async () => {
    const ports = await backedUp();
    const [event] = await request(restoreRequest, ports);
    const { plan } = event!.detail as { plan: Record<string, unknown> };
    expect(plan).toMatchObject({ manifest: { own: true, bytes: item.length + 10 } });
    for (const absent of ["items-before", "count-units", "write-units", "units-per-write"])
      expect(plan).not.toHaveProperty(absent);
  });

  test.each([
    [undefined, undefined, undefined, undefined],
    [undefined, 7, 7, undefined],
    [{ readUnits: 1, writeUnits: 1 }, undefined, 1, 1],
    [{ readUnits: 5, writeUnits: 5 }, undefined, 2, 2],
    [{ readUnits: 5, writeUnits: 5 }, 100, 100, 2],
  ])(
    "for a table with capacity %j and write-units %s has a write ceiling of %s, and %s for the count",
    async (provisioned, units, writes, reads) => {
      const { plan } = await planOf(
        { ...(provisioned !== undefined && { provisioned }) },
        { more: units === undefined ? {} : { "write-units": units } },
      );
      expect((plan as RestorePlan)["write-units"]).toBe(writes);
      expect((plan as RestorePlan)["count-units"]).toBe(reads);
    },
  );

  test.each([
    ["a segment for each file", 3, {}, {}, 3],
    ["at least one segment", 0, {}, {}, 1],
    ["at most 64 segments", 65, {}, {}, 64],
    ["at most maximumSegments segments", 5, {}, { maximumSegments: 4 }, 4],
    ["the segments of the request", 3, { "total-segments": 70 }, {}, 70],
  ])("has %s", async (_, files, more, settings, segments) => {
    const detail = await planOf({}, { files, more, settings });
    expect(detail.plan["total-segments"]).toBe(segments);
    expect(detail.segments).toEqual(Array.from({ length: segments }, (_one, n) => n));
  });

  test("reads the archive according to manifest-keys", async () => {
    const { plan } = await planOf({}, { more: { "manifest-keys": "rebase" } });
    expect(plan).toMatchObject({ manifest: { location: { keys: "rebase" } } });
  });

  test("has no time range if the export has none", async () => {
    const ports = world();
    const files = [[itemLine(item)]];
    storeExport(ports.archive, bucket, fullExport({ ...spec, files, summary: { exportTime: null } }));
    const [event] = await request(fields, ports);
    expect((event!.detail as { plan: RestorePlan }).plan.manifest).not.toHaveProperty("window");
  });

  test("of changes does not read or count the table", async () => {
    const ports = world();
    const files = [[changeLine({ keys: item, newImage: item })]];
    storeExport(ports.archive, bucket, incrementalExport({ ...spec, files }));
    const tables = { ...ports.tables, scan: () => Promise.reject(new Error("read")) };
    const [event] = await request({ ...fields, "restore-mode": "merge" }, { ...ports, tables });
    expect((event!.detail as { plan: object }).plan).not.toHaveProperty("items-before");
  });

  test("of Ferry's own archive with merge reads neither the table nor a data file", async () => {
    const ports = await backedUp();
    const refuse = () => Promise.reject(new Error("read"));
    const unreadable = {
      ...ports,
      tables: { ...ports.tables, scan: refuse },
      archive: intercept("archive", ports.archive, ["open", "get"], ({ args }, run) =>
        String(args[1]).includes("/0x") ? refuse() : run(),
      ),
    };
    expect(await request({ ...restoreRequest, "restore-mode": "merge" }, unreadable)).toMatchObject([
      { type: "TaskAccepted" },
    ]);
  });

  test("of a later attempt whose row was lost is rejected if another restore held the table since", async () => {
    const ports = await backedUp();
    const [first] = await request(restoreRequest, ports);
    const { task, plan } = first!.detail as { task: TaskRef; plan: RestorePlan };
    await ports.registry.raiseAttempt(task, 2);
    const { arn } = plan.table;
    await ports.leases.replace(arn, await ports.leases.read(arn), { holders: [] });
    expect(await request(restoreRequest, ports)).toMatchObject([
      { type: "TaskRejected", detail: { cause: "table-used" } },
    ]);
  });

  test("for a table without an id has none", async () => {
    const ports = await backedUp();
    const tables = intercept("tables", ports.tables, ["describe"], async (_, run) => {
      const { id: _id, ...table } = (await run()) as { id: string };
      return table;
    });
    const [event] = await request(restoreRequest, { ...ports, tables });
    expect((event!.detail as { plan: RestorePlan }).plan.table).not.toHaveProperty("id");
  });

  test.each(["merge", "if-absent"])(
    "with restore-mode %s records whether the table held items",
    async (mode) => {
      for (const [existing, before] of [
        [[], "none"],
        [[item], "some"],
      ] as const) {
        const ports = world();
        storeExport(ports.archive, bucket, fullExport({ ...spec, files: [[itemLine(item)]] }));
        ports.tables.put(destination, ...existing);
        const [event] = await request({ ...fields, "restore-mode": mode }, ports);
        expect(event).toMatchObject({ type: "TaskAccepted", detail: { plan: { "items-before": before } } });
      }
    },
  );
});

describe("a native export", () => {
  const spec = { bucket: bucket.name, id: "01793487600000-a1b2c3d4", under: "exports" };
  const fields = { ...restoreRequest, "bucket-prefix": `exports/AWSDynamoDB/${spec.id}` };

  test("can be restored if it is a full export", async () => {
    const ports = world();
    storeExport(ports.archive, bucket, fullExport({ ...spec, files: [[itemLine(item)], []] }));
    await runTask(fields, ports);
    expect(ports.tables.items(destination).map((bytes) => new TextDecoder().decode(bytes))).toEqual([item]);
  });

  test("of a table with other keys is rejected", async () => {
    const ports = world();
    storeExport(ports.archive, bucket, fullExport({ ...spec, files: [[itemLine('{"pk":{"S":"a"}}')]] }));
    expect(await request(fields, ports)).toMatchObject([
      {
        detail: { cause: "key-schema-mismatch", error: { message: expect.stringContaining("id (missing)") } },
      },
    ]);
  });

  test("whose first item has a key without a value is rejected", async () => {
    const ports = world();
    storeExport(
      ports.archive,
      bucket,
      fullExport({ ...spec, files: [[], [itemLine('{"x":{"S":"y"},"id":{}}')]] }),
    );
    expect(await request(fields, ports)).toMatchObject([
      {
        detail: {
          cause: "key-schema-mismatch",
          error: {
            message: expect.stringContaining("has the keys id (S); the archive's items have id (none)."),
          },
        },
      },
    ]);
  });

  test("that begins with empty lines is checked by its first line that is not empty", async () => {
    const ports = world();
    const line = `${"\n".repeat(1_200_000)}${itemLine('{"pk":{"S":"a"}}')}`;
    storeExport(ports.archive, bucket, fullExport({ ...spec, files: [[line]] }));
    expect(await request(fields, ports)).toMatchObject([{ detail: { cause: "key-schema-mismatch" } }]);
  });

  test("of a table with an additional key is rejected if it is incremental", async () => {
    const ports = world();
    const keys = '{"id":{"S":"a"},"at":{"N":"1"}}';
    storeExport(
      ports.archive,
      bucket,
      incrementalExport({ ...spec, files: [[changeLine({ keys, newImage: keys })]] }),
    );
    expect(await request({ ...fields, "restore-mode": "merge" }, ports)).toMatchObject([
      {
        detail: {
          cause: "key-schema-mismatch",
          error: {
            message: expect.stringContaining("has the keys id (S); the archive's items have id (S), at (N)."),
          },
        },
      },
    ]);
  });

  test("is checked by its first line only", async () => {
    const ports = world();
    const others = Array.from({ length: 30_000 }, (_, n) =>
      itemLine(`{"other":{"S":"${"x".repeat(60)}${n}"}}`),
    );
    storeExport(ports.archive, bucket, fullExport({ ...spec, files: [[itemLine(item), ...others]] }));
    expect(await request(fields, ports)).toMatchObject([{ type: "TaskAccepted" }]);
  });

  test("that is incremental puts and deletes items, and needs merge", async () => {
    const ports = world();
    const lines = [
      changeLine({ keys: '{"id":{"S":"a"}}', newImage: '{"id":{"S":"a"},"new":{"N":"1"}}' }),
      changeLine({ keys: '{"id":{"S":"b"}}', oldImage: '{"id":{"S":"b"}}' }),
    ];
    storeExport(ports.archive, bucket, incrementalExport({ ...spec, files: [lines] }));
    expect(await request(fields, ports, "refused")).toMatchObject([
      {
        detail: {
          cause: "mode-not-possible",
          error: { message: expect.stringContaining("restore-mode empty-only") },
        },
      },
    ]);
    ports.tables.put(destination, item, '{"id":{"S":"b"}}', '{"id":{"S":"c"}}');
    await runTask({ ...fields, "restore-mode": "merge" }, ports);
    expect(
      ports.tables
        .items(destination)
        .map((bytes) => new TextDecoder().decode(bytes))
        .sort(),
    ).toEqual(['{"id":{"S":"a"},"new":{"N":"1"}}', '{"id":{"S":"c"}}']);
  });
});
