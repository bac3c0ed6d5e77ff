import { accepted, backupRequest, bucket, world } from "@ferry/memory/testing/tasks";
import { describe, expect, test } from "vitest";
import { type BackupPlan, noCounts } from "../events/events.ts";
import type { ArchiveStore } from "../ports.ts";
import { adopt, metadataOf, readChain, start } from "./chain.ts";
import { toLines } from "./data-file.ts";
import { dataFileKey } from "./keys.ts";

const key = (batch: number) => dataFileKey("backups/one", 0, batch, "gzip");
const metadata = (change: object = {}) => ({
  "request-id": "request-1",
  segments: "1",
  items: "1",
  bytes: "30",
  md5: "m",
  ...change,
});

async function given(...files: object[]) {
  const ports = world();
  const [segment] = await accepted({ ...backupRequest, "total-segments": 1 }, ports);
  files.forEach((change, batch) => {
    ports.archive.store(bucket, key(batch), new Uint8Array(1), metadata(change));
  });
  return { ports, plan: segment!.plan as BackupPlan };
}

/** Stores a data file of these items as the writer does. */
async function stored(ports: ReturnType<typeof world>, batch: number, items: string[], end = false) {
  const text = new TextEncoder().encode(items.join(""));
  let at = 0;
  const bounds = items.flatMap((one) => {
    const from = at;
    at += one.length;
    return [from, at];
  });
  const lines = toLines(text, Uint32Array.from(bounds));
  const compressor = ports.codec.compress("gzip", 6);
  await compressor.write(lines);
  const body = await compressor.finish();
  const file = {
    requestId: "request-1",
    segments: 1,
    items: items.length,
    bytes: lines.length,
    md5: ports.codec.md5(body),
    end,
  };
  ports.archive.store(bucket, key(batch), body, metadataOf(file));
}

describe("the start of a chain", () => {
  test("is batch 0 with no counts", () => {
    expect(start).toStrictEqual({ batch: 0, counts: noCounts, ended: false });
  });
});

describe("a chain", () => {
  test("is read with the metadata of each file", async () => {
    const { ports, plan } = await given({}, { items: "20", bytes: "300", md5: "n", end: "true" });
    const etags = await Promise.all(
      [key(0), key(1)].map(async (one) => (await ports.archive.head(bucket, one))!.etag),
    );
    expect(await readChain(plan, 0, 0, ports)).toStrictEqual([
      { key: key(0), items: 1, bytes: 30, md5: "m", etag: etags[0], end: false },
      { key: key(1), items: 20, bytes: 300, md5: "n", etag: etags[1], end: true },
    ]);
  });

  test("can be read from a later batch on", async () => {
    const { ports, plan } = await given({ "request-id": "request-2" }, {}, {});
    expect((await readChain(plan, 0, 1, ports)).map((file) => file.key)).toEqual([key(1), key(2)]);
    await expect(readChain(plan, 0, 0, ports)).rejects.toMatchObject({ code: "foreign-file" });
  });

  test("with a file that was written for another number of segments is refused", async () => {
    const { ports, plan } = await given({}, { segments: "4" });
    await expect(readChain(plan, 0, 0, ports)).rejects.toMatchObject({
      kind: "permanent",
      code: "foreign-file",
      resource: `s3://archives/${key(1)}`,
      message: expect.stringContaining("was written for 4 segments, not for 1."),
    });
  });

  test("of many files is read with 32 concurrent requests, and every file is checked in order", async () => {
    const { ports, plan } = await given(...Array.from({ length: 70 }, () => ({})));
    let inFlight = 0;
    let inFlightMax = 0;
    const archive: ArchiveStore = {
      ...ports.archive,
      head: async (where, what) => {
        inFlightMax = Math.max(inFlightMax, ++inFlight);
        const head = await ports.archive.head(where, what);
        inFlight--;
        return head;
      },
    };
    const files = await readChain(plan, 0, 3, { archive });
    expect(files.map((file) => file.key)).toEqual(Array.from({ length: 67 }, (_, n) => key(n + 3)));
    expect(inFlightMax).toBe(32);
  });

  test.each([
    ["is not the next file of its segment", [{}, {}], 1],
    ["follows the segment's last file", [{ end: "true" }, {}], 0],
    ["has an invalid count in its metadata items", [{ items: "1.5" }], 0],
    ["has an invalid count in its metadata items", [{ items: "x1" }], 0],
    ["has an invalid count in its metadata items", [{ items: undefined }], 0],
    ["has an invalid count in its metadata bytes", [{ bytes: "-1" }], 0],
  ])("with a file that %s is broken", async (message, files, missing) => {
    const { ports, plan } = await given(...files);
    const archive: ArchiveStore = {
      ...ports.archive,
      list: async (...args) => (await ports.archive.list(...args)).slice(missing),
    };
    await expect(readChain(plan, 0, 0, { archive })).rejects.toMatchObject({
      kind: "permanent",
      code: "broken-chain",
      operation: "read chain",
      resource: expect.stringMatching(/^s3:\/\/archives\/backups\/one\/0x0000\/0x0000000[01]\.json\.gz$/),
      message: expect.stringContaining(message),
    });
  });

  test("with a file that was listed but does not exist is broken", async () => {
    const { ports, plan } = await given({});
    const archive: ArchiveStore = { ...ports.archive, head: async () => undefined };
    await expect(readChain(plan, 0, 0, { archive })).rejects.toMatchObject({
      code: "broken-chain",
      message: expect.stringContaining("was listed but does not exist"),
    });
  });

  test.each([
    ["request-9", "request-9"],
    [undefined, "(none)"],
  ])("with a file of request %s is refused, and the error names the request", async (id, named) => {
    const { ports, plan } = await given({ "request-id": id });
    await expect(readChain(plan, 0, 0, ports)).rejects.toMatchObject({
      kind: "permanent",
      code: "foreign-file",
      operation: "read chain",
      resource: `s3://archives/${key(0)}`,
      message: expect.stringContaining(`was written by request ${named}, not by request-1.`),
    });
  });
});

describe("files that are adopted", () => {
  const item = (n: number) => `{"id":{"S":"item-${n}"}}`;

  test("advance the position past them, to the key of the last line", async () => {
    const { ports, plan } = await given();
    await stored(ports, 0, [item(1), item(2)]);
    await stored(ports, 1, [item(3)]);
    const before = { batch: 0, counts: { batches: 5, items: 50, bytes: 500 }, ended: false };
    const files = await readChain(plan, 0, 0, ports);
    expect(await adopt(before, files, plan, ports)).toStrictEqual({
      batch: 2,
      after: { id: { S: "item-3" } },
      counts: { batches: 7, items: 53, bytes: 500 + 3 * 31 },
      ended: false,
    });
  });

  test("that end the segment have no last key", async () => {
    const { ports, plan } = await given();
    await stored(ports, 0, [item(1)], true);
    const position = await adopt(start, await readChain(plan, 0, 0, ports), plan, ports);
    expect(position).toStrictEqual({ batch: 1, counts: { batches: 1, items: 1, bytes: 31 }, ended: true });
  });

  test("given none, the position does not change", async () => {
    const { ports, plan } = await given();
    expect(await adopt(start, [], plan, ports)).toBe(start);
  });

  test("whose last file is empty and has no end mark are broken", async () => {
    const { ports, plan } = await given();
    await stored(ports, 0, []);
    await expect(adopt(start, await readChain(plan, 0, 0, ports), plan, ports)).rejects.toMatchObject({
      code: "broken-chain",
      message: expect.stringContaining("is empty and has no end mark"),
    });
  });
});
