/**
 * `npm run bench`: the CPU time of the hot path compared with the SDK's standard path, in one run. The absolute figures
 * depend on the machine; compare the ratios.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { gunzipSync, gzipSync } from "node:zlib";
import { BatchWriteItemCommand, DynamoDBClient, ScanCommand } from "@aws-sdk/client-dynamodb";
import { dynamodbClient, retryingDynamodbClient } from "@ferry/aws/clients";
import { zlibCodec } from "@ferry/aws/codec";
import { tableData } from "@ferry/aws/table";
import { blocksOf } from "@ferry/core/archive/blocks";
import { chunksOf } from "@ferry/core/archive/chunks";
import { lineSpans, readLine, toLines } from "@ferry/core/archive/data-file";
import { cutPage } from "@ferry/core/archive/page";
import type { Write } from "@ferry/core/ports";

/** The data has no binary attributes, so the SDK's cost of decoding and encoding base64 is not counted. */
const PAGES = 30;
const WARM_UP = 5;
const LEVEL = 6;
const WRITES_PER_CALL = 25;
const address = { region: "us-east-1", name: "cities" };

const server = fork(new URL("./canned-dynamodb.ts", import.meta.url), { stdio: "inherit" });
const [port] = (await once(server, "message")) as [number];
Object.assign(process.env, {
  AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
  AWS_ACCESS_KEY_ID: "bench",
  AWS_SECRET_ACCESS_KEY: "bench",
  AWS_REGION: address.region,
});
const stock = new DynamoDBClient();
const tables = tableData(dynamodbClient, retryingDynamodbClient);
const page = await tables.scan({ table: address, segment: 0, totalSegments: 1, consistent: false });
const lines = toLines(page, cutPage(page).items);
const file = gzipSync(lines, { level: LEVEL });

/** From a page to the gzipped lines of a data file. */
const backup = {
  async sdk() {
    const { Items = [] } = await stock.send(new ScanCommand({ TableName: address.name }));
    const text = Items.map((item) => `${JSON.stringify({ Item: item })}\n`).join("");
    gzipSync(text, { level: LEVEL });
  },
  async ferry() {
    const body = await tables.scan({ table: address, segment: 0, totalSegments: 1, consistent: false });
    const compressor = zlibCodec.compress(LEVEL);
    await compressor.write(toLines(body, cutPage(body).items));
    await compressor.finish();
  },
};

/** From a data file to BatchWriteItem calls. */
const restore = {
  async sdk() {
    const items = gunzipSync(file)
      .toString()
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line).Item);
    for (let at = 0; at < items.length; at += WRITES_PER_CALL) {
      const requests = items.slice(at, at + WRITES_PER_CALL).map((Item) => ({ PutRequest: { Item } }));
      await stock.send(new BatchWriteItemCommand({ RequestItems: { [address.name]: requests } }));
    }
  },
  async ferry() {
    for await (const writes of calls()) await tables.write(address, writes);
  },
};

/** The same with inserts, which never overwrite. The last call is left out, because it is not full. */
async function insertAll(): Promise<void> {
  for await (const writes of calls()) {
    if (writes.length < WRITES_PER_CALL) return;
    const items = writes.map((write) => ("put" in write ? write.put : write.remove));
    await tables.insert(address, items, ["country", "id"]);
  }
}

/** The writes of a data file, 25 per call. */
async function* calls(): AsyncGenerator<Write[]> {
  const blocks = blocksOf(zlibCodec.decompress(chunksOf(file)), (line) => new Error(`line ${line}`));
  let writes: Write[] = [];
  for await (const { bytes } of blocks)
    for (const span of lineSpans(bytes)) {
      writes.push(readLine(bytes, span, "items"));
      if (writes.length < WRITES_PER_CALL) continue;
      yield writes;
      writes = [];
    }
  if (writes.length > 0) yield writes;
}

console.log(
  `${PAGES} pages of ${(page.length / 1e6).toFixed(2)} MB, ${cutPage(page).items.length} items each; CPU time of this process`,
);
for (const [name, ways] of Object.entries({ backup, restore })) {
  const sdk = await cpuMs(ways.sdk);
  const ferry = await cpuMs(ways.ferry);
  const rate = (ms: number) =>
    `${ms.toFixed(1)} ms per page, ${(page.length / 1e3 / ms).toFixed(0)} MB/s per core`;
  console.log(`${name.padEnd(8)} SDK ${rate(sdk)}; Ferry ${rate(ferry)}; ratio ${(sdk / ferry).toFixed(1)}`);
}
const [merge, ifAbsent] = [await cpuMs(restore.ferry), await cpuMs(insertAll)];
console.log(
  `if-absent  merge ${merge.toFixed(1)} ms per page; if-absent ${ifAbsent.toFixed(1)} ms; ratio ${(ifAbsent / merge).toFixed(1)}`,
);
server.kill();

/** CPU time of one run, of all threads, ms. */
async function cpuMs(run: () => Promise<void>): Promise<number> {
  for (let i = 0; i < WARM_UP; i++) await run();
  const before = process.cpuUsage();
  for (let i = 0; i < PAGES; i++) await run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / PAGES;
}
