import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { whyNoAwsTools } from "@ferry/contracts/aws-tools";
import { afterAll, beforeAll, expect, test } from "vitest";
import { someItems, type TestClient } from "./test-client.ts";
import { sharedHost } from "./test-host.ts";

const tool = (name: string) => fileURLToPath(new URL(`../../../../docs/migrating/${name}`, import.meta.url));
const python = (...args: string[]) => spawnSync("python3", args, { cwd: folder, encoding: "utf8" });
const version = spawnSync("python3", ["-c", "import sys; assert sys.version_info >= (3, 8)"]);

const PICKLE_PAGES = `
import gzip, os, pickle, sys
import boto3
table = boto3.resource("dynamodb", region_name="us-east-1").Table(sys.argv[1])
os.makedirs(sys.argv[2])
start, number = {}, 0
while True:
    page = table.scan(Limit=20, **start)
    with open(os.path.join(sys.argv[2], "0x%08x" % number), "wb") as file:
        file.write(gzip.compress(pickle.dumps(page["Items"])))
    number += 1
    if "LastEvaluatedKey" not in page:
        break
    start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
`;

let folder: string;
let client: TestClient;

if (version.status !== 0)
  test.skip("pickled archives are converted: python3, 3.8 or later, is not installed", () => {});
else {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "ferry-pickle-"));
    const written = python(tool("write_samples.py"), folder);
    expect(written.stderr).toBe("");
    ({ client } = await sharedHost());
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const convert = (source: string, ...more: string[]) =>
    python(
      tool("convert.py"),
      source,
      `${source}-out`,
      "--bucket",
      "archives",
      "--prefix",
      `old/${source}`,
      ...more,
    );

  /** Puts the archive that was made of a folder into the bucket. */
  async function putConverted(source: string) {
    const request = client.restoreOf(source);
    const s3 = new S3Client({ region: request["bucket-region"] });
    const out = join(folder, `${source}-out`);
    for (const path of readdirSync(out, { recursive: true, withFileTypes: true }).filter((one) =>
      one.isFile(),
    )) {
      const file = join(path.parentPath, path.name);
      await s3.send(
        new PutObjectCommand({
          Bucket: request["bucket-name"],
          Key: `old/${source}/${relative(out, file)}`,
          Body: readFileSync(file),
        }),
      );
    }
  }

  /** Converts a folder, puts the archive into the bucket and restores it. Returns the table's items. */
  async function restored(source: string, ...more: string[]) {
    expect(convert(source, ...more)).toMatchObject({ stderr: "", status: 0 });
    await client.createTables(source);
    await putConverted(source);
    const request = { ...client.restoreOf(source), "bucket-prefix": `old/${source}` };
    const row = await client.runTask(request, `r-${source}`);
    expect(row).toMatchObject({ state: "succeeded" });
    return client.copied(source);
  }

  test("items of every type, pickled in every protocol, are restored", async () => {
    const items = await restored("resource", "--keys", "id:S");
    const ids = items.map((item) => item["id"]?.S);
    const protocols = [...Array(6).keys()];
    expect(ids.sort()).toEqual(["one", ...protocols.flatMap((p) => [`list ${p}`, `page ${p}`])].sort());
    for (const item of items)
      expect(item).toMatchObject({
        n: { N: "12345678901234567890123456789012345678" },
        b: { B: Uint8Array.of(0, 255) },
        raw: { B: Uint8Array.of(1) },
        ss: { SS: ["x", "y"] },
        ns: { NS: expect.arrayContaining(["1", "-2.5"]) },
        bs: { BS: [Uint8Array.of(2)] },
        l: { L: [{ NULL: true }, { BOOL: true }, { S: "\u{1F600}" }, { L: [{ N: "0" }] }] },
        m: { M: { nested: { M: { deep: { BOOL: false } } } } },
      });
  });

  if (whyNoAwsTools !== undefined)
    test.skip(`pages that boto3 itself reads and that are pickled are restored: ${whyNoAwsTools}`, () => {});
  else
    test("pages that boto3 itself reads and that are pickled are restored, each item as it was", async () => {
      await client.createTables("boto3-pages", [
        ...someItems(60),
        {
          id: { S: "every type" },
          ss: { SS: ["x", "\u{1F600}"] },
          ns: { NS: ["1", "-2.5", "12345678901234567890123456789012345678"] },
          bs: { BS: [Uint8Array.of(0, 255)] },
          m: { M: { deep: { L: [{ NULL: true }, { BOOL: false }, { N: "1E-130" }] } } },
          empty: { S: "" },
        },
      ]);
      // A page a file, as a tool writes them that pickles what the resource interface returns.
      const pickled = python("-c", PICKLE_PAGES, "boto3-pages", "pages");
      expect(pickled).toMatchObject({ stderr: "", status: 0 });
      expect(readdirSync(join(folder, "pages")).length).toBeGreaterThan(2);
      expect(convert("pages", "--keys", "id:S")).toMatchObject({ stderr: "", status: 0 });
      await putConverted("pages");
      const request = { ...client.restoreOf("boto3-pages"), "bucket-prefix": "old/pages" };
      expect(await client.runTask(request, "r-pages")).toMatchObject({ state: "succeeded" });
      // Python's sets have no order.
      const inOrder = (items: object) =>
        JSON.parse(JSON.stringify(items), (name, value) =>
          /^[SNB]S$/.test(name) ? value.map((one: unknown) => JSON.stringify(one)).sort() : value,
        );
      const copied = await client.copied("boto3-pages");
      expect(copied).toHaveLength(61);
      expect(inOrder(copied)).toEqual(inOrder(await client.items("us-east-1", "boto3-pages")));
    });

  test("items in the form of boto3's client are restored", async () => {
    expect(await restored("client", "--client")).toEqual([
      { id: { S: "client" }, b: { B: Uint8Array.of(3) }, l: { L: [{ BS: [Uint8Array.of(4)] }] } },
    ]);
  });

  test.each([
    ["attack", /it names (posix|nt)\.system, which is not a type of an item/],
    ["float", /a value has the type float, which DynamoDB does not have/],
    ["damaged", /it is not a pickle of items/],
  ])("a folder with the file %s is refused, and has no manifest", (source, reason) => {
    const { status, stderr } = convert(source);
    expect(status).toBe(1);
    expect(stderr).toMatch(new RegExp(`${source}/0x0: `));
    expect(stderr).toMatch(reason);
    expect(existsSync(join(folder, `${source}-out`, "manifest-summary.json"))).toBe(false);
    expect(existsSync(join(folder, "executed"))).toBe(false);
  });
}
