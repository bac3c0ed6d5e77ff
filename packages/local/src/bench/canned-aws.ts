/**
 * DynamoDB and S3 with prepared answers, in a separate process, so that only the client is measured. Every scan returns the
 * pages of one case, every write is accepted, and the bucket holds an archive of the same items. Answers of DynamoDB have the
 * CRC-32 that AWS sends; S3's have the one of the object, as AWS does, if the call asks for it. The process ends with the one that forked it.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { constants, crc32, gzipSync, zstdCompressSync } from "node:zlib";
import { encodeFiles, type ManifestFile } from "@ferry/core/archive/file-list";
import { dataFileKey, manifestFilesKey, manifestSummaryKey } from "@ferry/core/archive/keys";
import { type Case, type Fixture, fixtureOf, prefix, table } from "./fixture.ts";

/** What the server tells its parent when it listens. */
export interface Ready {
  readonly port: number;
  /** Of manifest-summary.json and manifest-files.json. */
  readonly objects: { readonly summary: Fingerprint; readonly files: Fingerprint };
  readonly files: number;
  readonly items: number;
  /** Bytes of all lines. */
  readonly bytes: number;
}

interface Fingerprint {
  readonly md5: string;
  readonly etag: string;
}

/** What was called since the last question. */
export interface Calls {
  readonly calls: number;
  /** Bytes of the bodies of PutObject and of BatchWriteItem. */
  readonly putBytes: number;
  readonly writtenBytes: number;
}

interface StoredObject {
  readonly body: Buffer;
  readonly metadata: Readonly<Record<string, string>>;
}

const bench = JSON.parse(process.argv[2]!) as Case;
const fixture = fixtureOf(bench);
const objects = new Map<string, StoredObject>();
/** What the current run put, without its bodies: a slice reads the heads of its segment's files. */
const puts = new Map<string, StoredObject>();
const lastPage = bench.pages - 1;
let calls = 0;
let putBytes = 0;
let writtenBytes = 0;

const bodies = fixture.pages.map(({ items }) => {
  const count = `"Count":${items.length},"ScannedCount":${items.length}`;
  const units = `"ConsumedCapacity":{"TableName":"${table.name}","CapacityUnits":128}`;
  const body = Buffer.from(`{"Items":[${items.join(",")}],${count},${units}`);
  return { body, crc: crc32(body) };
});
const written = Buffer.from(
  `{"ConsumedCapacity":[{"TableName":"${table.name}","CapacityUnits":25}],"UnprocessedItems":{}}`,
);
const writtenHeaders = dynamoHeaders(written.length, crc32(written));
const METADATA = "x-amz-meta-";

const listener: RequestListener = (request, response) => {
  calls++;
  const target = request.headers["x-amz-target"];
  let length = 0;
  const parts: Buffer[] = [];
  request.on("data", (part: Buffer) => {
    length += part.length;
    // Only a scan's body is read.
    if (target === "DynamoDB_20120810.Scan") parts.push(part);
  });
  request.on("end", () => {
    if (target === "DynamoDB_20120810.Scan") return scan(Buffer.concat(parts).toString(), response);
    if (target === "DynamoDB_20120810.BatchWriteItem") {
      writtenBytes += length;
      response.writeHead(200, writtenHeaders).end(written);
      return;
    }
    // The rows of tasks: none.
    if (target !== undefined) return response.writeHead(200, dynamoHeaders(2, crc32("{}"))).end("{}");
    return s3(request, length, response);
  });
};

function scan(body: string, response: ServerResponse): void {
  const previous = /"ExclusiveStartKey":\{"id":\{"S":"page(\d+)"\}\}/.exec(body)?.[1];
  const number = previous === undefined ? 0 : Number(previous) + 1;
  const page = bodies[number % bodies.length]!;
  const end = Buffer.from(number === lastPage ? "}" : `,"LastEvaluatedKey":{"id":{"S":"page${number}"}}}`);
  after(bench.scanMs, () => {
    response.writeHead(200, dynamoHeaders(page.body.length + end.length, crc32(end, page.crc)));
    response.write(page.body);
    response.end(end);
  });
}

function after(ms: number, answer: () => void): void {
  if (ms === 0) answer();
  else setTimeout(answer, ms);
}

function s3(request: IncomingMessage, length: number, response: ServerResponse): void {
  const { pathname, searchParams } = new URL(request.url ?? "", "http://localhost");
  const key = decodeURIComponent(pathname.split("/").slice(2).join("/"));
  if (request.method === "PUT") {
    putBytes += length;
    const headers = Object.entries(request.headers).flatMap(([name, value]) =>
      name.startsWith(METADATA) ? [[name.slice(METADATA.length), String(value)] as const] : [],
    );
    puts.set(key, { body: Buffer.alloc(0), metadata: Object.fromEntries(headers) });
    after(bench.putMs, () => response.writeHead(200, { etag: '"put"' }).end());
    return;
  }
  if (searchParams.has("list-type")) {
    response.writeHead(200, { "content-type": "application/xml" }).end(listing(searchParams));
    return;
  }
  const object = puts.get(key) ?? objects.get(key);
  if (object === undefined) {
    response
      .writeHead(404, { "content-type": "application/xml" })
      .end(request.method === "HEAD" ? "" : "<Error/>");
    return;
  }
  const checksum =
    request.headers["x-amz-checksum-mode"] === "ENABLED"
      ? { "x-amz-checksum-crc32": checksumOf(object) }
      : {};
  const metadata = Object.entries(object.metadata).map(([name, value]) => [`${METADATA}${name}`, value]);
  response.writeHead(200, {
    "content-length": object.body.length,
    etag: etagOf(object.body),
    ...checksum,
    ...Object.fromEntries(metadata),
  });
  response.end(request.method === "HEAD" ? "" : object.body);
}

/** As the SDK stores it with each put. */
function checksumOf({ body }: StoredObject): string {
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(body));
  return checksum.toString("base64");
}

function listing(parameters: URLSearchParams): string {
  const [prefix, after] = [parameters.get("prefix") ?? "", parameters.get("start-after") ?? ""];
  const contents = [...puts].flatMap(([key, { body }]) =>
    key.startsWith(prefix) && key > after
      ? [`<Contents><Key>${key}</Key><ETag>${etagOf(body)}</ETag></Contents>`]
      : [],
  );
  return `<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>false</IsTruncated>${contents.sort().join("")}</ListBucketResult>`;
}

function dynamoHeaders(length: number, crc: number) {
  return {
    "content-type": "application/x-amz-json-1.0",
    "content-length": length,
    "x-amz-crc32": crc,
    "x-amzn-requestid": "BENCHBENCHBENCHBENCHBENCHBENCHBENCHBENCHBENCHBENCHBE",
  };
}

/** Stores the archive of a restore's case, with the objects that its slices read. */
function storeArchive(): { objects: Ready["objects"]; files: number } {
  const files: ManifestFile[] = [];
  for (const { lines, items } of filesOf(fixture)) {
    const body = compressed(lines);
    const key = dataFileKey(prefix, 0, files.length, bench.compression.format);
    objects.set(key, { body, metadata: { "request-id": "bench", bytes: String(lines.length) } });
    files.push({ itemCount: items, md5Checksum: md5Of(body), etag: etagOf(body), dataFileS3Key: key });
  }
  const list = Buffer.from(encodeFiles(files));
  const summary = Buffer.from("{}");
  objects.set(manifestFilesKey(prefix), { body: list, metadata: {} });
  objects.set(manifestSummaryKey(prefix), { body: summary, metadata: {} });
  const fingerprint = (body: Buffer) => ({ md5: md5Of(body), etag: etagOf(body) });
  return { objects: { summary: fingerprint(summary), files: fingerprint(list) }, files: files.length };
}

function filesOf({ pageAt }: Fixture): { lines: Buffer; items: number }[] {
  const files: { lines: Buffer; items: number }[] = [];
  let parts: Buffer[] = [];
  let items = 0;
  for (let number = 0; number < bench.pages; number++) {
    const page = pageAt(number);
    parts.push(page.lines);
    items += page.items.length;
    const bytes = parts.reduce((sum, part) => sum + part.length, 0);
    if (bytes < bench.fileBytes && number < lastPage) continue;
    files.push({ lines: Buffer.concat(parts), items });
    parts = [];
    items = 0;
  }
  return files;
}

function compressed(lines: Buffer): Buffer {
  const { format, level } = bench.compression;
  return format === "gzip"
    ? gzipSync(lines, { level })
    : zstdCompressSync(lines, { params: { [constants.ZSTD_c_compressionLevel]: level } });
}

function md5Of(body: Buffer): string {
  return createHash("md5").update(body).digest("base64");
}

function etagOf(body: Buffer): string {
  return `"${createHash("md5").update(body).digest("hex")}"`;
}

const archive = storeArchive();
const pem = readFileSync(new URL("./loopback.pem", import.meta.url));
const server =
  bench.scheme === "https" ? createTlsServer({ key: pem, cert: pem }, listener) : createServer(listener);
server.keepAliveTimeout = 600_000;
server.listen(0, "127.0.0.1", () =>
  process.send?.({
    port: (server.address() as AddressInfo).port,
    ...archive,
    items: fixture.items,
    bytes: fixture.bytes,
  } satisfies Ready),
);
process.on("message", () => {
  process.send?.({ calls, putBytes, writtenBytes } satisfies Calls);
  puts.clear();
  calls = 0;
  putBytes = 0;
  writtenBytes = 0;
});
process.on("disconnect", () => process.exit(0));
