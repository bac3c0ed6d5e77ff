import { accepted, backupRequest, bucket, world } from "@ferry/memory/testing/tasks";
import { describe, expect, test } from "vitest";
import type { BackupPlan } from "../events/events.ts";
import { claimPrefix, decodeTaskFile, requireOwnPrefix } from "./task-file.ts";

const key = "backups/one/task.json";
const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

/** A world in which a backup has claimed its prefix. Returns the backup's plan too. */
async function claimed() {
  const ports = world();
  const [segment] = await accepted({ ...backupRequest, "total-segments": 2 }, ports);
  return { ports, plan: segment!.plan as BackupPlan };
}

describe("task.json", () => {
  test("holds the whole plan and its format version, is indented and ends with a line feed", async () => {
    const { ports, plan } = await claimed();
    const { body } = (await ports.archive.get(bucket, key))!;
    const text = new TextDecoder().decode(body);
    expect(text).toBe(`${JSON.stringify({ "format-version": 1, ...plan }, null, 2)}\n`);
    expect(decodeTaskFile(bucket, key, body)).toEqual({ requestId: "request-1", keyNames: ["id"] });
  });

  const good = { "format-version": 1, task: { "request-id": "r" }, table: { keys: ["id"] } };
  test.each<[string, unknown, string, string]>([
    [
      "of another version",
      { ...good, "format-version": 2 },
      "unknown-format",
      "has format-version 2; this version of Ferry supports 1.",
    ],
    ["without a version", { ...good, "format-version": undefined }, "broken-archive", "cannot be read: "],
    ["without a request-id", { ...good, task: {} }, "broken-archive", "cannot be read: "],
    ["without keys", { ...good, table: {} }, "broken-archive", "cannot be read: "],
    [
      "with keys that are not strings",
      { ...good, table: { keys: [7] } },
      "broken-archive",
      "cannot be read: ",
    ],
  ])("%s is refused", (_, value, code, message) => {
    expect(() => decodeTaskFile(bucket, key, encode(value))).toThrow(
      expect.objectContaining({
        kind: "permanent",
        code,
        resource: `s3://archives/${key}`,
        message: expect.stringContaining(message),
      }),
    );
  });

  test("that is not JSON is refused", () => {
    const broken = () => decodeTaskFile(bucket, key, new TextEncoder().encode("{"));
    expect(broken).toThrow(expect.objectContaining({ code: "broken-archive" }));
  });
});

describe("a prefix", () => {
  const taken = (message: string) => ({
    kind: "permanent",
    code: "prefix-taken",
    operation: "use prefix",
    resource: "s3://archives/backups/one/",
    message: `The prefix s3://archives/backups/one/ is not free: ${message}`,
    hint: expect.stringContaining("its own prefix"),
  });

  test("belongs to a backup as long as its task.json exists", async () => {
    const { ports, plan } = await claimed();
    await requireOwnPrefix(plan, ports);
    ports.archive.remove(bucket, key);
    await expect(requireOwnPrefix(plan, ports)).rejects.toMatchObject(taken(`${key} no longer exists.`));
  });

  test("belongs to the task or program that its task.json names", async () => {
    const { ports, plan } = await claimed();
    const other = { ...plan, task: { ...plan.task, id: "another" } };
    await expect(requireOwnPrefix(other, ports)).rejects.toMatchObject(
      taken(`${key} belongs to task ${plan.task.id}.`),
    );
    ports.archive.store(bucket, key, encode({ task: { id: 7 } }));
    await expect(requireOwnPrefix(plan, ports)).rejects.toMatchObject(
      taken(`${key} belongs to another program.`),
    );
  });

  test("that is claimed again keeps the stored plan", async () => {
    const { ports, plan } = await claimed();
    expect(await claimPrefix({ ...plan, "total-segments": 9 }, ports)).toStrictEqual(plan);
  });

  test.each([
    "0x0000/x",
    "table.json",
    "index/0000.json",
    "manifest-files.json",
    "manifest-files.md5",
    "manifest-summary.json",
    "manifest-summary.md5",
  ])("with a %s and no task.json is taken", async (name) => {
    const { ports, plan } = await claimed();
    for (const one of ports.archive.keys(bucket)) ports.archive.remove(bucket, one);
    ports.archive.store(bucket, `backups/one/${name}`, new Uint8Array(1));
    await expect(claimPrefix(plan, ports)).rejects.toMatchObject(
      taken(`backups/one/${name} exists already.`),
    );
  });

  test("is checked with one read, and one list call with limit 1 for each kind of object", async () => {
    const { ports, plan } = await claimed();
    for (const one of ports.archive.keys(bucket)) ports.archive.remove(bucket, one);
    const lists: unknown[] = [];
    let reads = 0;
    const archive: typeof ports.archive = {
      ...ports.archive,
      get: (...args) => {
        reads++;
        return ports.archive.get(...args);
      },
      list: (...args) => {
        lists.push(args.slice(1));
        return ports.archive.list(...args);
      },
    };
    await claimPrefix(plan, { archive });
    // An object that was just put is not read again.
    expect(reads).toBe(1);
    expect(lists).toEqual(
      ["0x", "table.json", "index/", "manifest-"].map((name) => [`backups/one/${name}`, { limit: 1 }]),
    );
  });
});
