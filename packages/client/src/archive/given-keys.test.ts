import {
  changeLine,
  fullExport,
  incrementalExport,
  itemLine,
  storeExport,
} from "@ferry/memory/native-export";
import { backupRequest, bucket, runTask, source, world } from "@ferry/memory/testing/tasks";
import { describe, expect, test } from "vitest";
import { archiveItems } from "./archive-items.ts";
import { openGivenKeys, readGivenKeys } from "./given-keys.ts";
import { type OpenArchive, openArchive } from "./open-archive.ts";

const keys = [
  { name: "id", type: "S" },
  { name: "n", type: "N" },
];
const read = (...texts: string[]) => readGivenKeys(texts, async () => keys);

describe("given keys", () => {
  test("may be plain values, which get the types of the archive's keys, or DynamoDB JSON", async () => {
    expect(await read('{"id":"a"}', '{"id":"a","n":1.50}', '{"id":{"S":"a"},"n":{"N":"7"}}')).toEqual([
      { id: { S: "a" } },
      { id: { S: "a" }, n: { N: "1.50" } },
      { id: { S: "a" }, n: { N: "7" } },
    ]);
    expect(await read('{"id":7,"n":{"from":"1","to":{"N":"9"}}}')).toEqual([
      { id: { S: "7" }, n: { from: { N: "1" }, to: { N: "9" } } },
    ]);
  });

  test("keep all digits of a number", async () => {
    const digits = "12345678901234567890123456789012345678";
    expect(await read(`{"id":"a","n":${digits}}`)).toEqual([{ id: { S: "a" }, n: { N: digits } }]);
  });

  test("need no key schema if every value has its type", async () => {
    const none = async () => Promise.reject(new Error("was asked for the keys"));
    expect(await readGivenKeys(['{"id":{"S":"a"}}'], none)).toEqual([{ id: { S: "a" } }]);
    await expect(readGivenKeys(['{"id":{"S":"a"}}', '{"id":"b"}'], none)).rejects.toThrow("was asked");
  });

  test.each([
    ["id=1", "--only id=1: it is not JSON"],
    ['"a"', '--only "a": it is not an object'],
    ["7", "--only 7: it is not an object"],
    ["[]", "--only []: it is not an object"],
    ['{"name":"a"}', "name is not a key attribute; the keys are id (S), n (N)"],
    ['{"id":"a","n":true}', `--only {"id":"a","n":true}: n must be a value in DynamoDB JSON`],
    ['{"id":"a","n":"x"}', `--only {"id":"a","n":"x"}: n.N must be a number`],
  ])("that are invalid are refused: %s", async (text, message) => {
    await expect(read(text)).rejects.toMatchObject({
      group: "usage",
      code: "invalid-key",
      message: expect.stringContaining(message),
    });
  });
});

describe("the items of given keys", () => {
  const item = (n: number) => `{"n":{"N":"${n}"},"id":{"S":"item-${n}"}}`;
  const place = (prefix: string) => ({ bucket: bucket.name, prefix });

  async function opened(ports: ReturnType<typeof world>, prefix: string): Promise<OpenArchive> {
    return openArchive({ archive: ports.archive, region: async () => bucket.region }, place(prefix));
  }
  const opening = (archive: OpenArchive, only: readonly string[], whole: readonly string[] = []) =>
    openGivenKeys(archive, { only, whole });
  async function found(archive: OpenArchive, only: readonly string[], whole: readonly string[] = []) {
    const { isWanted, itemsMax } = await opening(archive, only, whole);
    const items: string[] = [];
    for await (const bytes of archiveItems(archive, isWanted)) items.push(new TextDecoder().decode(bytes));
    return { items: items.sort(), itemsMax };
  }

  test("are those of one of Ferry's archives with these keys", async () => {
    const ports = world();
    ports.tables.put(source, ...[1, 2, 3].map(item));
    await runTask(backupRequest, ports);
    const archive = await opened(ports, "backups/one");
    expect(await found(archive, ['{"id":"item-1"}', '{"id":{"S":"item-3"}}', '{"id":"none"}'])).toEqual({
      items: [item(1), item(3)],
      itemsMax: 3,
    });
    expect(await found(archive, ['{"id":"item-1"}'], ['{"id":"item-3"}'])).toEqual({
      items: [item(1), item(3)],
      itemsMax: 2,
    });
    await expect(opening(archive, ['{"n":{"N":"1"}}'])).rejects.toMatchObject({
      code: "invalid-key",
      message: expect.stringContaining('--only {"n":{"N":"1"}}: it has no value of the partition key id'),
    });
  });

  test("with --key is one item's: a whole key, without a range", async () => {
    const ports = world();
    const native = fullExport({ bucket: bucket.name, id: "01-a", files: [[item(1), item(2)].map(itemLine)] });
    storeExport(ports.archive, bucket, native);
    const archive = await opened(ports, native.prefix);
    const withKeys: OpenArchive = { ...archive, manifest: { ...archive.manifest, keys } };
    expect(await found(withKeys, [], ['{"id":"item-2","n":2.0}'])).toEqual({ items: [item(2)], itemsMax: 1 });
    expect(await found(withKeys, [], ['{"id":"item-2","n":1}'])).toEqual({ items: [], itemsMax: 1 });
    // Without the table's schema, the sort key is not known.
    expect(await found(archive, [], ['{"id":{"S":"item-2"}}'])).toEqual({
      items: [item(2)],
      itemsMax: Number.POSITIVE_INFINITY,
    });
    for (const [key, message] of [
      ['{"id":"item-2"}', '--key {"id":"item-2"}: it is not a whole key: id (S), n (N)'],
      ['{"id":"item-2","n":{"from":1}}', "it is not a whole key"],
      ['{"n":2}', '--key {"n":2}: it has no value of the partition key id'],
      ['{"id":"a","n":"x"}', '--key {"id":"a","n":"x"}: n.N must be a number'],
      ["id", "--key id: it is not JSON"],
    ] as const)
      await expect(opening(withKeys, [], [key])).rejects.toMatchObject({
        group: "usage",
        code: "invalid-key",
        message: expect.stringContaining(message),
      });
  });

  test("are found in an export without table.json if they have types", async () => {
    const ports = world();
    const native = fullExport({ bucket: bucket.name, id: "01-a", files: [[item(1), item(2)].map(itemLine)] });
    storeExport(ports.archive, bucket, native);
    const archive = await opened(ports, native.prefix);
    const range = '{"n":{"from":{"N":"0"},"to":{"N":"9"}},"id":{"S":"item-2"}}';
    expect(await found(archive, [range])).toEqual({ items: [item(2)], itemsMax: Number.POSITIVE_INFINITY });
    await expect(opening(archive, ['{"id":"item-2"}'])).rejects.toMatchObject({
      message: expect.stringContaining("id has no type, and the archive has no table.json"),
    });
    await expect(opening(archive, ['{"id":{"S":"a"}}', '{"n":{"N":"1"}}'])).rejects.toMatchObject({
      message: expect.stringContaining("do not name one partition key"),
    });
  });

  test("are whole lines in an incremental export, found by their Keys", async () => {
    const ports = world();
    const key = (n: number) => `{"id":{"S":"item-${n}"}}`;
    const lines = [changeLine({ keys: key(1) }), changeLine({ keys: key(2), newImage: item(2) })];
    const native = incrementalExport({ bucket: bucket.name, id: "01-b", files: [lines] });
    storeExport(ports.archive, bucket, native);
    const archive = await opened(ports, native.prefix);
    expect((await found(archive, ['{"id":{"S":"item-1"}}'])).items).toEqual([lines[0]]);
  });
});
