/**
 * Records the calls of the AWS adapters: each function is wired as on AWS, every method of its ports that its code calls
 * is called once, and a server on 127.0.0.1 answers the SDK's requests.
 */

import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { itemOfRow } from "@ferry/aws/status/status-item";
import type { LateSetting, Ports, Slice } from "@ferry/core/ports";
import type { ProjectionPorts } from "@ferry/core/projection/projector";
import { newTaskRow, type SegmentRecord, type TaskRow } from "@ferry/core/projection/status";
import type { TaskRef } from "@ferry/core/request/task";
import { tables, workerTable } from "@ferry/core/topology";
import { pointSdkAt, TEST_REGION } from "../aws-subjects.ts";
import { type FunctionName, portMethods } from "./port-methods.ts";

/** A call of an AWS API. */
export interface AwsCall {
  readonly function: FunctionName;
  readonly service: "DynamoDB" | "EventBridge" | "Pipes" | "S3" | "SQS";
  /** The operation, as the service's API names it. */
  readonly operation: string;
  /** A name of the topology (`backup-table`), or `a table`, `a bucket` or `an object` of the settings, or `a Pipe`. */
  readonly resource: string;
}

const TABLE = "some-table";
/** A table that a restore may create. */
const CREATABLE = "some-creatable-table";
const BUCKET = "some-bucket";
/** A name that is too long for a statement: such an item is put alone. */
const LONG_NAME = "a".repeat(9000);
const task: TaskRef = {
  id: "key@1-0123456789abcdef",
  action: "backup",
  key: "key",
  timestamp: 1,
  "request-id": "request",
};
const finishing: TaskRow = {
  ...newTaskRow(task, "2026-11-01T02:00:00Z"),
  accepted: true,
  total: 1,
  completed: [0],
};
const record: SegmentRecord = {
  task: task.id,
  segment: 0,
  state: "queued",
  attempt: 1,
  batches: 0,
  items: 0,
  bytes: 0,
  updatedTime: "2026-11-01T02:00:00Z",
};
const plan = { "total-segments": 1, table: {} } as Slice["plan"];
const slice: Slice = { task, plan, segment: 0, attempt: 1, handoffs: 0, "deadline-ms": 1 };
const bucket = { region: TEST_REGION, name: BUCKET };
const table = { region: TEST_REGION, name: TABLE };
const CREATABLE_ARN = `arn:aws:dynamodb:${TEST_REGION}:1:table/${CREATABLE}`;
/** One of each name. */
const lateSettings: readonly LateSetting[] = [
  { name: "stream", viewType: "KEYS_ONLY" },
  { name: "time-to-live", attribute: "expires" },
  { name: "point-in-time-recovery" },
  { name: "deletion-protection" },
  { name: "tags", tags: { team: "data" } },
  { name: "resource-policy", policy: "{}" },
];
const creatable = { region: TEST_REGION, name: CREATABLE };
const page = { table, segment: 0, totalSegments: 1, consistent: true };
const encoder = new TextEncoder();
const items = [`{"id":{"S":"1"}}`, `{"id":{"S":"2"},"${LONG_NAME}":{"S":""}}`].map((item) =>
  encoder.encode(item),
);
const putOptions = { metadata: {}, contentType: "application/json", kmsKeyId: "alias/key" };
const refused = {
  version: 1,
  control: "cancel",
  cause: "no-such-task",
  reason: "",
  issues: [],
  hint: "",
  nearest: [],
  asked: {},
} as const;

type AllPorts = Ports & ProjectionPorts;

/** One call of each method of the ports. */
const calls: {
  readonly [Port in string]: { readonly [Method in string]: (ports: AllPorts) => unknown };
} = {
  tables: {
    describe: (ports) => ports.tables.describe(table),
    settings: (ports) => ports.tables.settings(table),
    identify: (ports) => ports.tables.identify(table),
    scan: (ports) => ports.tables.scan(page),
    count: (ports) => ports.tables.count(page),
    write: (ports) => ports.tables.write(table, [{ put: items[0]! }]),
    insert: (ports) => ports.tables.insert(table, items, ["id"]),
  },
  admin: {
    create: (ports) => ports.admin.create(creatable, {}, "owner"),
    async apply(ports) {
      for (const setting of lateSettings) await ports.admin.apply(creatable, CREATABLE_ARN, setting);
    },
    owner: (ports) => ports.admin.owner(creatable, CREATABLE_ARN),
  },
  archive: {
    putNew: (ports) => ports.archive.putNew(bucket, "k", new Uint8Array(1), putOptions),
    head: (ports) => ports.archive.head(bucket, "k"),
    get: (ports) => ports.archive.get(bucket, "k"),
    async open(ports) {
      const opened = await ports.archive.open(bucket, "k");
      for await (const _ of opened!.chunks);
    },
    list: (ports) => ports.archive.list(bucket, ""),
  },
  status: { read: (ports) => ports.status.read(task) },
  store: {
    read: (ports) => ports.store.read(task),
    // One of each table: the projector writes both.
    async write(ports) {
      await ports.store.write(finishing, undefined);
      await ports.store.write({ ...finishing, action: "restore" }, undefined);
    },
    raise: (ports) => ports.store.raise(record),
  },
  bus: {
    put: (ports) =>
      ports.bus.put([{ type: "TaskControlRefused", detail: { ...refused, "event-id": "e", time: "t" } }]),
  },
  limiter: {
    reserve: (ports) => ports.limiter.reserve(task, { durationMs: 1, nowMs: 1, latestMs: 2 }),
    release: (ports) => ports.limiter.release(task, { endMs: 2, durationMs: 1 }),
  },
  claims: {
    claim: (ports) => ports.claims.claim(slice, "m"),
    leave: (ports) => ports.claims.leave(slice, "w"),
    // The second of its two calls is made when all segments have arrived.
    arrive: (ports) => ports.claims.arrive(slice, { index: 0, first: 0, segments: 1 }),
    complete: (ports) => ports.claims.complete(slice, { batches: 0, items: 0, bytes: 0 }),
    release: (ports) => ports.claims.release(slice),
  },
  leases: {
    read: (ports) => ports.leases.read("arn"),
    replace: (ports) => ports.leases.replace("arn", undefined, { holders: [] }),
  },
  registry: {
    registerRequest: (ports) => ports.registry.registerRequest("r", { digest: "d", timeMs: 1 }),
    findRequest: (ports) => ports.registry.findRequest("r"),
    claimRow: (ports) => ports.registry.claimRow(task, "d"),
    isClaimed: (ports) => ports.registry.isClaimed(task),
    raiseAttempt: (ports) => ports.registry.raiseAttempt(task, 1),
    recordControl: (ports) => ports.registry.recordControl(task, "e", 2),
  },
  search: {
    ofKey: (ports) => ports.search.ofKey(task.key, 1, 1),
    inState: (ports) => ports.search.inState("running", 1),
  },
  lastErrors: {
    record: (ports) =>
      ports.lastErrors.record("e", { operation: "o", resource: "r", message: "m", hint: "h" }),
    read: (ports) => ports.lastErrors.read("e"),
  },
};

/**
 * Every distinct call that the functions' code makes, sorted. Points the SDK of this process at its server, and sets the links.
 */
export async function recordedCalls(): Promise<AwsCall[]> {
  const recorded = new Map<string, AwsCall>();
  let current: FunctionName = "backup";
  const server = createServer(async (request, response) => {
    const { call, answer } = answerOf(request, await text(request));
    const of = { function: current, ...call };
    recorded.set(JSON.stringify(of), of);
    response.end(typeof answer === "string" ? answer : JSON.stringify(answer));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  try {
    pointSdkAt(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    setLinks();
    for (const name of ["backup", "restore"] as const) {
      current = name;
      const { wireWorker } = await import("@ferry/aws/lambda/wiring");
      const worker = wireWorker(name);
      await worker.setVisibility("handle", 1);
      // A worker has the row table of its own action only.
      await callAll(name, { ...worker.ports } as unknown as AllPorts);
    }
    current = "projection";
    const { wireProjector } = await import("@ferry/aws/lambda/wire-projector");
    const projector = wireProjector();
    await callAll(current, projector as unknown as AllPorts);
    await projector.store.read({ ...task, action: "restore" });
    current = "monitor";
    const { handler } = await import("@ferry/aws/functions/monitor");
    await handler();
  } finally {
    server.close();
    server.closeAllConnections();
  }
  return [...recorded.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, call]) => call);
}

async function callAll(name: FunctionName, ports: AllPorts): Promise<void> {
  for (const [port, methods] of Object.entries<readonly string[]>(portMethods[name]))
    for (const method of methods) await calls[port]![method]!(withAction(ports, name));
}

/** A restore's worker reads the rows of restores. */
function withAction(ports: AllPorts, name: FunctionName): AllPorts {
  if (name !== "restore") return ports;
  return { ...ports, status: { read: (row) => ports.status.read({ ...row, action: "restore" }) } };
}

/** Links whose physical names are those of the topology. */
function setLinks(): void {
  const named = (name: string) => ({ name });
  const links = {
    App: { name: "ferry", stage: "test" },
    Bus: named("bus"),
    BackupQueue: { url: "http://127.0.0.1/1/backup-queue" },
    RestoreQueue: { url: "http://127.0.0.1/1/restore-queue" },
    BackupTable: named("backup-table"),
    RestoreTable: named("restore-table"),
    SegmentTable: named("segment-table"),
    WorkerTable: named(workerTable.name),
    Settings: { retryDelaySeconds: 1 },
    Monitor: {
      pipes: ["pipe"],
      stalledAfterMs: 1,
      schedules: [{ name: "nightly", keys: [task.key], overdueAfterMs: 1 }],
    },
  };
  for (const [name, value] of Object.entries(links))
    process.env[`SST_RESOURCE_${name}`] = JSON.stringify(value);
}

const OWN_TABLES: ReadonlySet<string> = new Set([...Object.keys(tables), workerTable.name]);

interface Body {
  readonly TableName?: string;
  readonly ResourceArn?: string;
  readonly RequestItems?: object;
  readonly Statements?: readonly { readonly Statement: string }[];
  readonly IndexName?: string;
  readonly QueueUrl?: string;
  readonly Entries?: readonly { readonly EventBusName: string }[];
  readonly ExpressionAttributeValues?: Readonly<Record<string, { readonly S?: string }>>;
}

/** The call of a request, and what the service answers. */
function answerOf(
  { method, url = "", headers }: IncomingMessage,
  body: string,
): { call: Omit<AwsCall, "function">; answer: object | string } {
  const [api, target] = String(headers["x-amz-target"] ?? "").split(".");
  if (target === undefined) return url.startsWith("/v1/pipes/") ? describePipe : objectCall(method!, url);
  const input = JSON.parse(body) as Body;
  if (api === "AmazonSQS") {
    const resource = input.QueueUrl!.split("/").at(-1)!;
    return { call: { service: "SQS", operation: target, resource }, answer: {} };
  }
  if (api === "AWSEvents") {
    const call = {
      service: "EventBridge",
      operation: target,
      resource: input.Entries![0]!.EventBusName,
    } as const;
    return { call, answer: { FailedEntryCount: 0, Entries: [{ EventId: "e" }] } };
  }
  const resource = tableOf(input);
  const answer = tableAnswers[target]?.(input) ?? {};
  return { call: { service: "DynamoDB", operation: target, resource }, answer };
}

const describePipe = {
  call: { service: "Pipes", operation: "DescribePipe", resource: "a Pipe" },
  answer: { CurrentState: "RUNNING" },
} as const;

/** The SDK puts the bucket in the path, because the endpoint is an IP address. */
function objectCall(method: string, url: string) {
  const { pathname, searchParams } = new URL(url, "http://localhost");
  if (searchParams.has("list-type"))
    return {
      call: { service: "S3", operation: "ListObjectsV2", resource: "a bucket" },
      answer: "<ListBucketResult/>",
    } as const;
  if (!pathname.startsWith(`/${BUCKET}/`)) throw new Error(`not a call of S3: ${method} ${url}`);
  const operation = { GET: "GetObject", HEAD: "HeadObject", PUT: "PutObject" }[method];
  return { call: { service: "S3", operation: operation!, resource: "an object" }, answer: "" } as const;
}

function tableOf({ TableName, ResourceArn, RequestItems, Statements, IndexName }: Body): string {
  const name =
    TableName ??
    ResourceArn?.split("/").at(-1) ??
    (Statements === undefined
      ? Object.keys(RequestItems!)[0]!
      : /"(.+?)"/.exec(Statements[0]!.Statement)![1]!);
  if (name === TABLE) return "a table";
  if (name === CREATABLE) return "a table with `create`";
  if (!OWN_TABLES.has(name)) throw new Error(`a call on another table than those of the recording: ${name}`);
  return IndexName === undefined ? name : `${name}, index ${IndexName}`;
}

const described = {
  TableArn: `arn:aws:dynamodb:${TEST_REGION}:1:table/${TABLE}`,
  KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
  AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
};

/** By operation. */
const tableAnswers: Readonly<Record<string, (input: Body) => object>> = {
  DescribeTable: () => ({ Table: described }),
  CreateTable: () => ({ TableDescription: described }),
  Scan: () => ({ Items: [], Count: 0 }),
  BatchWriteItem: () => ({ UnprocessedItems: {} }),
  BatchExecuteStatement: () => ({ Responses: [{ Error: { Code: "DuplicateItem" } }] }),
  BatchGetItem: () => ({ Responses: { [TABLE]: [] }, UnprocessedKeys: {} }),
  // The monitor finds a task in each table that waits for its announcement.
  Query: ({ ExpressionAttributeValues: values }) =>
    values?.[":state"]?.S === "finishing"
      ? { Items: [{ key: { S: task.key }, timestamp: { N: String(task.timestamp) } }] }
      : { Items: [] },
  GetItem: ({ TableName }) => ({
    Item: itemOfRow({ ...finishing, action: TableName === "restore-table" ? "restore" : "backup" }),
  }),
  // An item of the worker table: a lease, or the complete segments of a window.
  UpdateItem: () => ({ Attributes: { lease: { S: '{"holders":[]}' }, segments: { NS: ["0"] } } }),
};
