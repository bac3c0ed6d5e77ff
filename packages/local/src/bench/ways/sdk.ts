/**
 * The ordinary way: the SDK's clients as they come, objects in between, `JSON.stringify` and `JSON.parse`.
 */
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import {
  type AttributeValue,
  BatchWriteItemCommand,
  DynamoDBClient,
  paginateScan,
} from "@aws-sdk/client-dynamodb";
import { GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { dataFileKey } from "@ferry/core/archive/keys";
import { benchBucket, prefix, table } from "../fixture.ts";
import { CALLS_IN_FLIGHT, openCompressor, openDecompressor, type Way } from "./way.ts";

type Item = Record<string, AttributeValue>;

const WRITES_PER_CALL = 25;

export const sdk: Way = {
  backup(setup) {
    const dynamodb = new DynamoDBClient();
    const s3 = new S3Client({ forcePathStyle: true });
    return async () => {
      const gzip = openCompressor(setup.case.compression);
      const chunks: Buffer[] = [];
      gzip.on("data", (chunk: Buffer) => chunks.push(chunk));
      for await (const { Items = [] } of paginateScan({ client: dynamodb }, { TableName: table.name })) {
        const lines = Items.map((item) => `${JSON.stringify({ Item: item }, toBase64)}\n`).join("");
        if (!gzip.write(lines)) await once(gzip, "drain");
      }
      gzip.end();
      await once(gzip, "end");
      const Key = dataFileKey(prefix, 0, 0, setup.case.compression.format);
      await s3.send(new PutObjectCommand({ Bucket: benchBucket.name, Key, Body: Buffer.concat(chunks) }));
      return undefined;
    };
  },
  restore(setup) {
    const dynamodb = new DynamoDBClient();
    const s3 = new S3Client({ forcePathStyle: true });
    return async () => {
      const inFlight = new Set<Promise<unknown>>();
      const send = async (items: readonly Item[]) => {
        const requests = items.map((Item) => ({ PutRequest: { Item } }));
        const call = dynamodb.send(new BatchWriteItemCommand({ RequestItems: { [table.name]: requests } }));
        inFlight.add(call);
        call.finally(() => inFlight.delete(call)).catch(() => {});
        if (inFlight.size >= CALLS_IN_FLIGHT) await Promise.race(inFlight);
      };
      for (let file = 0; file < setup.ready.files; file++) {
        const Key = dataFileKey(prefix, 0, file, setup.case.compression.format);
        const { Body } = await s3.send(new GetObjectCommand({ Bucket: benchBucket.name, Key }));
        let items: Item[] = [];
        for await (const line of createInterface({
          input: (Body as Readable).pipe(openDecompressor(setup.case.compression)),
        })) {
          items.push((JSON.parse(line, fromBase64) as { Item: Item }).Item);
          if (items.length < WRITES_PER_CALL) continue;
          await send(items);
          items = [];
        }
        if (items.length > 0) await send(items);
      }
      await Promise.all(inFlight);
      return undefined;
    };
  },
};

/** For `JSON.stringify`: binary as base64. */
function toBase64(_name: string, value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value;
}

/** For `JSON.parse`: the reverse. No attribute of the bench is named B. */
function fromBase64(name: string, value: unknown): unknown {
  return name === "B" ? Buffer.from(value as string, "base64") : value;
}
