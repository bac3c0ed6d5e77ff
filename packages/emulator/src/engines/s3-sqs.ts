/**
 * S3 and SQS: fauxqs, with the features that it lacks: conditional writes, empty objects, objects larger than 11 MiB, queue
 * URLs that any client can reach, messages with any character that SQS accepts, and dead letters whose receive count starts at 0. No port is opened: requests are passed on within the
 * process.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { type BuildAppOptions, buildApp } from "fauxqs";
import { ACCOUNT, emulatedQueueUrl } from "../arns.ts";
import type { JsonObject } from "../json.ts";
import { authorizationFor, errorOf } from "./http.ts";

/** The largest body: S3's limit for one put. Objects are held in memory. */
const BODY_BYTES_MAX = 5 * 1024 ** 3;

export interface S3Sqs {
  /** Processes a request to S3, SQS or STS. */
  handle(request: IncomingMessage, response: ServerResponse): void;
  /** Calls an operation of SQS, for the emulator. Throws an Error with the name and message of SQS's error. */
  sqs(region: string, operation: string, input: object): Promise<JsonObject>;
}

type Stores = NonNullable<BuildAppOptions["stores"]>;

/** `endpoint` is the address that clients use: queue URLs start with it. */
export async function createS3Sqs(endpoint: string): Promise<S3Sqs> {
  const stores = await createStores();
  await acceptAstralCharacters();
  adaptQueues(stores.sqsStore, endpoint);
  adaptListings(stores.s3Store);
  const app = buildApp({ logger: false, stores });
  app.addContentTypeParser("*", { parseAs: "buffer", bodyLimit: BODY_BYTES_MAX }, (_request, body, done) =>
    done(null, body),
  );

  // The check and the handlers are synchronous, so no other request runs between the check and the write.
  app.addHook("preHandler", (request, reply, done) => {
    const rejection = precondition(stores.s3Store, request.method, request.params, request.headers);
    if (rejection === undefined) {
      // An empty body has no content type, so no parser is called for it.
      if (request.method === "PUT") request.body ??= Buffer.alloc(0);
      return done();
    }
    reply.status(rejection.status).header("content-type", "application/xml");
    reply.send(
      `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${rejection.code}</Code><Message>${rejection.message}</Message></Error>`,
    );
  });
  await app.ready();

  const sqs = async (region: string, operation: string, input: object) => {
    const reply = await app.inject({
      method: "POST",
      url: "/",
      headers: {
        "content-type": "application/x-amz-json-1.0",
        "x-amz-target": `AmazonSQS.${operation}`,
        authorization: authorizationFor(region, "sqs"),
      },
      payload: JSON.stringify(input),
    });
    const output = (reply.payload === "" ? {} : reply.json()) as JsonObject;
    if (reply.statusCode !== 200) throw errorOf(operation, { message: reply.payload, ...output });
    return output;
  };

  return { handle: (request, response) => app.routing(request, response), sqs };
}

/** A module of fauxqs that it does not export. */
const load = (file: string) => import(new URL(file, import.meta.resolve("fauxqs")).href);

/** Characters that SQS refuses in a message. Source: AWS, SendMessage. */
const REFUSED_BY_SQS = /[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u;

/** fauxqs refuses characters above U+FFFF, such as emoji, with a regular expression that it does not export. */
async function acceptAstralCharacters(): Promise<void> {
  const { INVALID_MESSAGE_BODY_CHAR } = await load("./sqs/sqsTypes.js");
  INVALID_MESSAGE_BODY_CHAR.test = (text: string) => REFUSED_BY_SQS.test(text);
}

/** The stores of fauxqs: it accepts them as an option, but does not export them. */
async function createStores(): Promise<Stores> {
  const { SqsStore } = await load("./sqs/sqsStore.js");
  const { SnsStore } = await load("./sns/snsStore.js");
  const { S3Store } = await load("./s3/s3Store.js");
  return { sqsStore: new SqsStore(), snsStore: new SnsStore(), s3Store: new S3Store() };
}

/** S3 lists keys in the order of their UTF-8 bytes. fauxqs sorts them by locale, and compares `startAfter` in a third order. */
function adaptListings(store: Stores["s3Store"]): void {
  const listObjects = store.listObjects.bind(store);
  store.listObjects = (bucket, options = {}) => {
    const { prefix = "", delimiter, maxKeys = 1000 } = options;
    const after = options.startAfter ?? options.marker ?? "";
    const { objects } = listObjects(bucket, { prefix, maxKeys: Number.POSITIVE_INFINITY });
    /** An object's key, or its common prefix. */
    const listedName = (key: string) => {
      const end = delimiter ? key.indexOf(delimiter, prefix.length) : -1;
      return end === -1 || !delimiter ? key : key.slice(0, end + delimiter.length);
    };
    const named = new Map(objects.map((object) => [listedName(object.key), object]));
    const names = [...named.keys()].filter((name) => compareBytes(name, after) > 0).sort(compareBytes);
    const page = names.slice(0, maxKeys);
    return {
      objects: page.flatMap((name) => (named.get(name)!.key === name ? [named.get(name)!] : [])),
      commonPrefixes: page.filter((name) => named.get(name)!.key !== name),
      isTruncated: names.length > page.length,
    };
  };
}

function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function adaptQueues(store: Stores["sqsStore"], endpoint: string): void {
  // The URLs of fauxqs name hosts (sqs.us-east-1.localhost) that some machines do not resolve.
  store.buildQueueUrl = (name, _port, _host, region) => emulatedQueueUrl(endpoint, region, name);
  store.getQueue = (url) => {
    const [region, , name] = url.split("/").slice(-3);
    return store.getQueueByArn(`arn:aws:sqs:${region}:${ACCOUNT}:${name}`);
  };
  // A message keeps its first queue's receive count in the dead-letter queue, and would exceed that queue's attempts at once.
  const createQueue = store.createQueue.bind(store);
  store.createQueue = (...queueOptions) => {
    const queue = createQueue(...queueOptions);
    const enqueue = queue.enqueue.bind(queue);
    queue.enqueue = (message) => {
      message.approximateReceiveCount = 0;
      enqueue(message);
    };
    return queue;
  };
}

interface Rejection {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

/** Returns why a request is refused: its If-None-Match or If-Match does not hold, or the bucket has another owner. */
function precondition(
  store: Stores["s3Store"],
  method: string,
  params: unknown,
  headers: IncomingMessage["headers"],
): Rejection | undefined {
  const owner = headers["x-amz-expected-bucket-owner"];
  if (owner !== undefined && owner !== ACCOUNT)
    return { status: 403, code: "AccessDenied", message: `The bucket's owner is ${ACCOUNT}` };
  if (method !== "PUT" && method !== "POST") return undefined;
  const absent = headers["if-none-match"];
  const etag = headers["if-match"];
  if (absent === undefined && etag === undefined) return undefined;
  const { bucket, "*": key } = params as { bucket?: string; "*"?: string };
  // The handler reports a missing bucket.
  if (bucket === undefined || !key || !store.hasBucket(bucket)) return undefined;
  const current = find(store, bucket, key);
  const failed = { status: 412, code: "PreconditionFailed", message: "A precondition does not hold" };
  if (absent !== undefined && absent !== "*")
    return { status: 501, code: "NotImplemented", message: "If-None-Match takes * only" };
  if (absent === "*" && current !== undefined) return failed;
  if (etag !== undefined && current === undefined)
    return { status: 404, code: "NoSuchKey", message: "The specified key does not exist." };
  return etag !== undefined && current?.etag !== etag ? failed : undefined;
}

function find(store: Stores["s3Store"], bucket: string, key: string): { etag: string } | undefined {
  try {
    return store.headObject(bucket, key);
  } catch {
    return undefined;
  }
}
