/**
 * A server that answers every Scan with one full page and accepts every write, so that only the client is measured. A
 * BatchExecuteStatement is answered as one of 25 statements.
 * It runs in a separate process, which ends with the one that forked it.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { cities } from "../demo/cities.ts";

const PAGE_BYTES = 1024 * 1024;

const items: object[] = [];
for (let bytes = 0, all = cities(10_000); bytes < PAGE_BYTES; ) {
  const item = all[items.length]!;
  bytes += JSON.stringify(item).length;
  items.push(item);
}
const units = { TableName: "cities", CapacityUnits: 128 };
const page = JSON.stringify({
  Items: items,
  Count: items.length,
  ScannedCount: items.length,
  ConsumedCapacity: units,
});
const written = JSON.stringify({ UnprocessedItems: {}, ConsumedCapacity: [units] });
const inserted = JSON.stringify({
  Responses: Array.from({ length: 25 }, () => ({ TableName: "cities" })),
  ConsumedCapacity: [units],
});

const server = createServer((request, response) => {
  request.resume().on("end", () => {
    const operation = String(request.headers["x-amz-target"]).split(".")[1]!;
    const answer = { Scan: page, BatchExecuteStatement: inserted }[operation] ?? written;
    response.writeHead(200, { "content-type": "application/x-amz-json-1.0" }).end(answer);
  });
});
server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));
process.on("disconnect", () => process.exit(0));
