/**
 * The SDK's DynamoDB client over memory: the SDK serializes and retries requests and signs those on items, and this module answers
 * them, with network faults. Time is the invocation's.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { crc32 } from "node:zlib";
import { DynamoDBClient, type DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import { RawProtocol } from "@ferry/aws/http/raw-protocol";
import { FerryError } from "@ferry/core/errors/errors";
import { workerTable } from "@ferry/core/topology";
import type { MemoryTableAdmin } from "@ferry/memory/table-admin";
import type { Faults } from "../faults.ts";
import type { Invocation } from "../invocation.ts";
import type { Rng, Scheduler } from "../scheduler.ts";
import type { Visit } from "../visitor.ts";
import { callItemTables, type ItemTables } from "./item-tables.ts";
import { DynamoDbError, type OwnTables } from "./own-tables.ts";

/** The SDK's client of a region. `triesMax`: how often it tries a call. */
export type SharedClients = (region: string, triesMax: number) => DynamoDBClient;

export interface ClientContext {
  readonly clients: SharedClients;
  readonly invocation: Invocation;
  readonly visit: Visit;
  readonly faults: Faults;
  readonly rng: Rng;
  readonly outside: Scheduler["outside"];
  readonly tables: ItemTables;
  readonly admin: MemoryTableAdmin;
  /** Whether PartiQL statements are supported. */
  readonly statements: boolean;
  readonly ownTables: OwnTables;
}

interface HttpRequest {
  readonly hostname: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

interface HttpResponse {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | AsyncIterable<Uint8Array>;
}

const RETRY_MS_MAX = 20_000;
const RETRY_BASE_MS = 100;
/** Operation on items → the port's method. */
const METHODS: Readonly<Record<string, string>> = {
  Scan: "scan",
  BatchWriteItem: "write",
  BatchExecuteStatement: "insert",
  BatchGetItem: "get",
  PutItem: "insert",
};
const encoder = new TextEncoder();

/** A call in progress on a shared client. */
interface Call {
  readonly answer: (request: HttpRequest) => Promise<HttpResponse>;
  /** Waits this long. */
  readonly pass: Invocation["pass"];
}

const calls = new AsyncLocalStorage<Call>();

/**
 * The SDK's clients, each made once: what the SDK resolves for a client takes longer than several calls. The invocations of a run
 * share them, as those of a Lambda function do.
 */
export function openSharedClients(rng: Rng): SharedClients {
  const opened = new Map<string, DynamoDBClient>();
  return (region, triesMax) => {
    const name = `${region} ${triesMax}`;
    const client = opened.get(name) ?? sharedClient(region, triesMax, rng);
    opened.set(name, client);
    return client;
  };
}

function sharedClient(region: string, triesMax: number, rng: Rng): DynamoDBClient {
  return new DynamoDBClient({
    region,
    endpoint: `https://dynamodb.${region}.amazonaws.com`,
    credentials: { accessKeyId: "simulation", secretAccessKey: "simulation" },
    protocol: RawProtocol,
    maxAttempts: triesMax,
    // Ferry's own sender adds middleware to commands and signs as the SDK does, but only for a client that tries a call once.
    ...(triesMax > 1 && { cacheMiddleware: true, signer: unsigned }),
    // The SDK's default logger logs nothing, but the SDK prepares each line.
    logger: {} as NonNullable<DynamoDBClientConfig["logger"]>,
    retryStrategy: retries(triesMax, rng),
    requestHandler: handlerOf((request) => calls.getStore()!.answer(request)),
  });
}

/** Does not sign: the simulated DynamoDB checks no signature. */
const unsigned = async () => ({ sign: async <Request>(request: Request) => request });

function handlerOf(answer: Call["answer"]) {
  const handle = async (request: unknown) => ({ response: await answer(request as HttpRequest) });
  return { metadata: { handlerProtocol: "http/1.1" }, handle } as never;
}

/** A region's client of one invocation. `triesMax`: how often the SDK tries a call. */
export function simulatedDynamoDb(region: string, triesMax: number, context: ClientContext): DynamoDBClient {
  const shared = context.clients(region, triesMax);
  const answerTo = (request: HttpRequest) => answer(request, region, context);
  const client = {
    // A call like an earlier one comes from Ferry's own sender, which reads no files: see packages/aws/src/http/lean-send.ts.
    config: { ...shared.config, requestHandler: handlerOf(answerTo) },
    // The SDK reads files before its first request.
    async send(command: Parameters<typeof shared.send>[0]) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const entered = context.outside(() => promise);
      const call: Call = {
        async answer(request) {
          resolve();
          await entered;
          return answerTo(request);
        },
        pass: context.invocation.pass,
      };
      try {
        return await calls.run(call, () => shared.send(command));
      } finally {
        resolve();
      }
    },
  };
  return client as unknown as DynamoDBClient;
}

async function answer(
  { headers, body }: HttpRequest,
  region: string,
  context: ClientContext,
): Promise<HttpResponse> {
  const { visit, faults, rng, ownTables, tables } = context;
  const operation = headers["x-amz-target"]!.split(".")[1]!;
  const bytes = typeof body === "string" ? encoder.encode(body) : body;
  const input = JSON.parse(new TextDecoder().decode(bytes)) as { TableName?: string };
  const isOwn = input.TableName !== undefined && ownTables.has(input.TableName);
  const port = !isOwn ? "table" : input.TableName === workerTable.name ? "worker-table" : "status";
  const method = isOwn ? operation : (METHODS[operation] ?? "describe");
  try {
    const sent = (await visit(port, method, describeCall(operation, input), async () => {
      if (faults.occurs("serverError"))
        return rng.happens(0.5) ? "failed before" : await effect("failed after");
      return effect();
    })) as Uint8Array | string;
    if (typeof sent === "string") return failed(500, { __type: "#InternalServerError", message: sent });
    return { statusCode: 200, headers: { "x-amz-crc32": String(crc32(sent)) }, body: onTheWire(sent) };
  } catch (error) {
    if (error instanceof DynamoDbError) return failed(400, error.body);
    if (error instanceof FerryError) return failed(400, errorBodyOf(error));
    throw Object.assign(error as Error, { code: "ECONNRESET" });
  }

  async function effect(instead?: string): Promise<Uint8Array | string> {
    const result = isOwn
      ? encoder.encode(JSON.stringify(ownTables.call(operation, input)))
      : await callItemTables(operation, region, bytes, tables, context);
    return instead ?? result;
  }

  /** The body in chunks; a fault may cut it off or damage it. */
  async function* onTheWire(sent: Uint8Array): AsyncGenerator<Uint8Array> {
    const at = rng.between(0, sent.length);
    if (faults.occurs("cutAnswer")) {
      yield sent.subarray(0, at);
      throw Object.assign(new Error("aborted"), { code: "ECONNRESET" });
    }
    if (faults.occurs("damagedAnswer")) {
      const damaged = sent.slice();
      damaged[Math.min(at, sent.length - 1)]! ^= 1;
      yield damaged;
      return;
    }
    yield sent.subarray(0, at);
    yield sent.subarray(at);
  }
}

function failed(statusCode: number, body: object): HttpResponse {
  return { statusCode, headers: {}, body: encoder.encode(JSON.stringify(body)) };
}

/** The body of an error that happens before a call reaches its table. */
function errorBodyOf({ code }: FerryError): object {
  const type = code === "throttled" ? "ProvisionedThroughputExceededException" : "AccessDeniedException";
  return { __type: `com.amazonaws.dynamodb.v20120810#${type}`, message: code };
}

function describeCall(operation: string, input: object): string {
  const { TableName, Segment, ExclusiveStartKey, RequestItems, Key } = input as Record<string, object>;
  const [writes] = Object.values(RequestItems ?? {}) as object[][];
  const parts = { Segment, after: ExclusiveStartKey, writes: writes?.length, Key };
  return `${operation} ${TableName ?? ""} ${JSON.stringify(parts)}`;
}

/** The SDK's standard retry strategy in virtual time: the SDK's own uses the process's clock. */
function retries(triesMax: number, rng: Rng) {
  const tokenOf = (count: number) => ({ getRetryCount: () => count, getRetryDelay: () => 0 });
  return {
    acquireInitialRetryToken: async () => tokenOf(0),
    async refreshRetryTokenForRetry(
      token: { getRetryCount(): number },
      { errorType }: { errorType: string },
    ) {
      const count = token.getRetryCount() + 1;
      if (count >= triesMax || (errorType !== "THROTTLING" && errorType !== "TRANSIENT"))
        throw new Error("no more tries");
      await calls.getStore()!.pass(rng.random() * Math.min(RETRY_MS_MAX, RETRY_BASE_MS * 2 ** (count - 1)));
      return tokenOf(count);
    },
    recordSuccess() {},
  };
}
