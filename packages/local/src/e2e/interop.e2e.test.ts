import { execFile, execFileSync, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path, { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { DuckDBInstance } from "@duckdb/node-api";
import { whyNoAwsTools } from "@ferry/contracts/aws-tools";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Host } from "../host.ts";
import type { TestClient } from "./test-client.ts";
import { sharedHost } from "./test-host.ts";

/** The commands are read from the page, so that they are tested as they are there. */
const page = readFileSync(new URL("../../../../docs/interop.md", import.meta.url), "utf8");
const N = "12345678901234567890123456789012345678";
const items = Array.from({ length: 60 }, (_, i) => ({
  id: { S: `song ${i} \u{1F3B5}` },
  n: { N: i === 0 ? N : String(i) },
}));
const ids = items.map(({ id }) => id.S).sort();

let host: Host;
let client: TestClient;
let folder: string;
beforeAll(async () => {
  const shared = await sharedHost();
  host = shared.host;
  ({ client } = shared);
  folder = mkdtempSync(join(tmpdir(), "ferry-interop-"));
  await client.createTables("songs", items);
  for (const compression of ["gzip", "zstd"]) {
    const prefix = { "bucket-prefix": `songs/${compression}` };
    const backup = {
      ...client.backupOf("songs"),
      ...prefix,
      compression,
      "total-segments": 3,
      "batch-bytes": 500,
    };
    expect(await client.runTask(backup, `b-${compression}`)).toMatchObject({ state: "succeeded" });
    for (const key of await client.keys(`songs/${compression}`)) {
      const path = join(folder, key);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, await client.object(key));
    }
    const restore = { ...client.restoreOf("songs"), ...prefix, "restore-mode": "merge" };
    expect(await client.runTask(restore, `r-${compression}`)).toMatchObject({ state: "succeeded" });
    expect(await client.identical("songs")).toBe(true);
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The code blocks of a section, in a language. */
function blocks(section: string, language: string): string[] {
  const text = page.split(/^## /m).find((part) => part.startsWith(`${section}\n`)) ?? "";
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\``, "gm"))].map(([, code]) => code!);
}

describe.each(["gzip", "zstd"])("an archive in %s", (compression) => {
  test("is read by DuckDB, with all digits", async () => {
    const [sql] = blocks("DuckDB", "sql");
    const connection = await (await DuckDBInstance.create(":memory:")).connect();
    const read = await connection.runAndReadAll(
      sql!.replace("s3://archives/songs/first", join(folder, "songs", compression)),
    );
    const rows = read.getRowsJson() as [string, string][];
    expect(rows.map(([id]) => id).sort()).toEqual(ids);
    expect(rows.find(([id]) => id === items[0]!.id.S)?.[1]).toBe(N);
    connection.closeSync();
  });

  const modules = ["pandas", ...(compression === "zstd" ? ["zstandard"] : [])];
  const python = spawnSync("python3", ["-c", `import ${modules.join(", ")}`]);
  if (python.status !== 0)
    test.skip(`is read by pandas: python3 with ${modules.join(" and ")} is not installed`, () => {});
  else
    test("is read by pandas", () => {
      const [code] = blocks("pandas", "python");
      const file = "0x0000/0x00000000.json.gz";
      const place = `s3://archives/songs/first/${file}`;
      expect(code).toContain(place);
      const local = join(
        folder,
        "songs",
        compression,
        file.replace("gz", compression === "zstd" ? "zst" : "gz"),
      );
      const printed = `${code!.replace(place, local)}print("\\n".join(ids))`;
      const output = execFileSync("python3", ["-c", printed], {
        encoding: "utf8",
        env: { ...process.env, PYTHONIOENCODING: "utf8" },
      });
      const read = output.trimEnd().split("\n");
      expect(read.length).toBeGreaterThan(1);
      expect(ids).toEqual(expect.arrayContaining(read));
    });

  const programs = [compression === "gzip" ? "zcat" : "zstd", "jq"];
  const missing = programs.filter((program) => spawnSync("which", [program]).status !== 0);
  if (missing.length > 0)
    test.skip(`is read by ${programs.join(" and ")}: not installed: ${missing}`, () => {});
  else
    test(`is read by ${programs.join(" and ")}`, () => {
      const command = blocks("zcat, zstd and jq", "sh").find((one) => one.startsWith(programs[0]!));
      const output = execFileSync("sh", ["-c", command!], {
        cwd: join(folder, "songs", compression),
        encoding: "utf8",
      });
      expect(output.trimEnd().split("\n").sort()).toEqual(ids);
    });
});

/** Runs a command of the AWS CLI. Returns the operation and the body that it sends. */
async function sentBy(command: string): Promise<{ operation: string | undefined; body: unknown }> {
  const sent = Promise.withResolvers<{ operation: string | undefined; body: unknown }>();
  const server = createServer(async (request, response) => {
    const body: unknown = JSON.parse(await text(request));
    sent.resolve({ operation: String(request.headers["x-amz-target"]).split(".").at(-1), body });
    response.writeHead(400, { "content-type": "application/x-amz-json-1.0" });
    response.end('{"__type":"AccessDeniedException"}');
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const AWS_ENDPOINT_URL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  // The page's region is that of the environment. A command that the CLI refuses sends nothing.
  const env = { ...process.env, ...host.env, AWS_ENDPOINT_URL, AWS_MAX_ATTEMPTS: "1" };
  execFile("sh", ["-c", command], { env }, (_, __, stderr) => sent.reject(new Error(stderr)));
  try {
    return await sent.promise;
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** The values of a command's options, without the quotes of the shell. */
function optionsIn(command: string): Record<string, string> {
  const options = command.matchAll(/ --([\w-]+) (?:'([^']*)'|(\S+))/g);
  return Object.fromEntries([...options].map(([, name, quoted, word]) => [name!, quoted ?? word!]));
}

test("the commands of the AWS CLI for ImportTable and Glue name the data files, and nothing else", async () => {
  const importTable = optionsIn(blocks("ImportTable", "sh")[0]!);
  const [, bucket, keyPrefix] = /^S3Bucket=(.*),S3KeyPrefix=(.*)$/.exec(importTable["s3-bucket-source"]!)!;
  const { targets } = optionsIn(blocks("Glue", "sh")[0]!);
  const [target] = JSON.parse(targets!).S3Targets;
  const folderUrl = "s3://archives/songs/first/";
  expect([`s3://${bucket}/`, target.Path]).toEqual(["s3://archives/", folderUrl]);
  for (const [compression, ending] of [
    ["gzip", ".json.gz"],
    ["zstd", ".json.zst"],
  ]) {
    const keys = await client.keys(`songs/${compression}`);
    const dataFiles = keys.filter((key) => key.endsWith(ending!));
    expect(dataFiles.length).toBeGreaterThan(3);
    expect(keys.filter((key) => key.startsWith(keyPrefix!.replace("first", compression!)))).toEqual(
      dataFiles,
    );
    const read = keys.filter(
      (key) =>
        !target.Exclusions.some((glob: string) => path.matchesGlob(key.split("/").slice(2).join("/"), glob)),
    );
    expect(read).toEqual(dataFiles);
  }
});

if (whyNoAwsTools !== undefined)
  test.skip(`the commands of the AWS CLI are those that it takes: ${whyNoAwsTools}`, () => {});
else
  test("the commands of the AWS CLI for ImportTable and Glue are those that it takes", async () => {
    const [importTable] = blocks("ImportTable", "sh");
    expect(await sentBy(importTable!)).toMatchObject({
      operation: "ImportTable",
      body: {
        S3BucketSource: { S3Bucket: "archives", S3KeyPrefix: "songs/first/0x" },
        InputFormat: "DYNAMODB_JSON",
        InputCompressionType: "GZIP",
        TableCreationParameters: { KeySchema: [{ AttributeName: "id", KeyType: "HASH" }] },
      },
    });
    const zstd = await sentBy(importTable!.replace("GZIP", "ZSTD"));
    expect(zstd.body).toMatchObject({ InputCompressionType: "ZSTD" });
    const [crawler] = blocks("Glue", "sh");
    expect(await sentBy(crawler!)).toMatchObject({
      operation: "CreateCrawler",
      body: { Targets: { S3Targets: [{ Path: "s3://archives/songs/first/" }] } },
    });
  });
