/**
 * The floor: the same bytes received, compressed or decompressed, and sent by the thinnest code that Node allows. Nothing is
 * signed, checked, cut or joined: the lines of a backup and the bodies of a restore are prepared before. Calls of DynamoDB and reads of
 * S3 are made on sockets, with Ferry's own connections; in the second floor with node:http, the thinnest client that comes with Node.
 * S3's few puts are made with node:http in both.
 */
import { once } from "node:events";
import { Agent as HttpAgent, type IncomingMessage, request as overHttp } from "node:http";
import { Agent as HttpsAgent, request as overHttps } from "node:https";
import type { Duplex } from "node:stream";
import { finished } from "node:stream/promises";
import { writeBody } from "@ferry/aws/dynamodb/write-body";
import { openConnections } from "@ferry/aws/http/connections";
import { dataFileKey } from "@ferry/core/archive/keys";
import { benchBucket, type Case, fixtureOf, prefix, table } from "../fixture.ts";
import { CALLS_IN_FLIGHT, callsOf, openCompressor, openDecompressor, type Setup, type Way } from "./way.ts";

const encoder = new TextEncoder();

export const floor = floorOf(onSockets);
export const httpFloor = floorOf(onHttp);

interface Calls {
  /** Makes a call of DynamoDB, and reads the response to its end. */
  post(body: Uint8Array, operation: string): Promise<unknown>;
  /** Reads an object. */
  get(path: string): Promise<AsyncIterable<Uint8Array>>;
}

function floorOf(connectCalls: (setup: Setup) => Calls): Way {
  return {
    backup(setup) {
      const { send } = connect(setup);
      const { post } = connectCalls(setup);
      const fixture = fixtureOf(setup.case);
      return async () => {
        const gzip = openCompressor(setup.case.compression, { chunkSize: 64 * 1024 });
        const chunks: Buffer[] = [];
        let scanMs = 0;
        gzip.on("data", (chunk: Buffer) => chunks.push(chunk));
        for (let number = 0; number < setup.case.pages; number++) {
          const after = number === 0 ? "" : `,"ExclusiveStartKey":{"id":{"S":"page${number - 1}"}}`;
          const begin = performance.now();
          await post(encoder.encode(`{"TableName":"${table.name}"${after}}`), "Scan");
          scanMs += performance.now() - begin;
          if (!gzip.write(fixture.pageAt(number).lines)) await once(gzip, "drain");
        }
        gzip.end();
        await once(gzip, "end");
        const path = `/${benchBucket.name}/${dataFileKey(prefix, 0, 0, setup.case.compression.format)}`;
        await drained(await send("PUT", path, Buffer.concat(chunks)));
        return scanMs / 1000;
      };
    },
    restore(setup) {
      const { post, get } = connectCalls(setup);
      const bodies = bodiesOf(setup.case);
      return async () => {
        for (let file = 0; file < setup.ready.files; file++) {
          const object = await get(
            `/${benchBucket.name}/${dataFileKey(prefix, 0, file, setup.case.compression.format)}`,
          );
          const gunzip = openDecompressor(setup.case.compression, { chunkSize: 256 * 1024 });
          gunzip.resume();
          await pump(object, gunzip);
        }
        let next = 0;
        const worker = async () => {
          for (let body = bodies[next++]; body !== undefined; body = bodies[next++])
            await post(body, "BatchWriteItem");
        };
        await Promise.all(Array.from({ length: CALLS_IN_FLIGHT }, worker));
        return undefined;
      };
    },
  };
}

function onSockets({ endpoint }: Setup): Calls {
  const { protocol, hostname: host, port } = new URL(endpoint);
  const { send, open } = openConnections(
    { isTls: protocol === "https:", host, port: Number(port) },
    { connectionTimeoutMs: 60_000, socketTimeoutMs: 60_000, maxSockets: CALLS_IN_FLIGHT },
  );
  return {
    post: (body, operation) =>
      send(
        `POST / HTTP/1.1\r\nhost: ${host}:${port}\r\ncontent-length: ${body.length}\r\nx-amz-target: DynamoDB_20120810.${operation}\r\n\r\n`,
        body,
      ),
    async get(path) {
      const { body } = await open(`GET ${path} HTTP/1.1\r\nhost: ${host}:${port}\r\n\r\n`);
      if (body instanceof Uint8Array) throw new Error(`${path} was not streamed`);
      return body.chunks();
    },
  };
}

function onHttp(setup: Setup): Calls {
  const { send } = connect(setup);
  return {
    post: async (body, operation) => drained(await send("POST", "/", body, operation)),
    get: (path) => send("GET", path),
  };
}

/** A chunk of a body is valid until the next one is requested, so `pipeline`, which has several of them waiting, cannot be used. */
async function pump(object: AsyncIterable<Uint8Array>, gunzip: Duplex): Promise<void> {
  for await (const chunk of object)
    await new Promise<void>((resolve, reject) => {
      gunzip.write(chunk, (error) => (error ? reject(error) : resolve()));
    });
  gunzip.end();
  await finished(gunzip);
}

/** The bodies that Ferry sends. */
function bodiesOf(bench: Case): Uint8Array[] {
  return [...callsOf(fixtureOf(bench), bench.pages)].map((items) =>
    writeBody(
      table.name,
      items.map((item) => ({ put: encoder.encode(item) })),
    ),
  );
}

function connect({ endpoint }: Setup) {
  const { hostname, port, protocol } = new URL(endpoint);
  const [request, Agent] = protocol === "https:" ? [overHttps, HttpsAgent] : [overHttp, HttpAgent];
  const agent = new Agent({ keepAlive: true });
  return {
    send(
      method: string,
      path: string,
      body: string | Uint8Array = "",
      operation?: string,
    ): Promise<IncomingMessage> {
      return new Promise((resolve, reject) => {
        const headers = {
          "content-length": Buffer.byteLength(body),
          ...(operation !== undefined && { "x-amz-target": `DynamoDB_20120810.${operation}` }),
        };
        request({ hostname, port, method, path, agent, headers }, resolve).on("error", reject).end(body);
      });
    },
  };
}

async function drained(response: IncomingMessage): Promise<void> {
  response.resume();
  await once(response, "end");
}
