/**
 * DynamoDB streams, which dynalite lacks: writes to a streamed table run one at a time, and the images before and after
 * each write become a record, as on AWS with NEW_AND_OLD_IMAGES.
 */
import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { StatusTableSpec } from "@ferry/core/topology";
import { type JsonObject, parseObject } from "../json.ts";
import { type DynamoDb, type HttpRequest, operationOf, refusal } from "./dynamodb.ts";
import type { Reply } from "./http.ts";

/** An item as DynamoDB JSON. */
export type Image = JsonObject;

/** One change, as a stream's reader (a Pipe) receives it. An absent image has no field. */
export interface StreamRecord {
  readonly eventID: string;
  readonly eventName: "INSERT" | "MODIFY" | "REMOVE";
  readonly eventVersion: "1.1";
  readonly eventSource: "aws:dynamodb";
  readonly awsRegion: string;
  readonly dynamodb: {
    /** Seconds since 1970. */
    readonly ApproximateCreationDateTime: number;
    readonly Keys: Image;
    readonly OldImage?: Image;
    readonly NewImage?: Image;
    readonly SequenceNumber: string;
    readonly StreamViewType: "NEW_AND_OLD_IMAGES";
  };
}

export interface StreamsOptions {
  readonly dynamodb: DynamoDb;
  readonly region: string;
  /** The streamed tables, by physical name. */
  readonly tables: ReadonlyMap<string, StatusTableSpec>;
  /** Called with every change, in the order of the table's writes. */
  readonly emit: (table: string, record: StreamRecord) => void;
}

const writes = new Set(["PutItem", "UpdateItem", "DeleteItem"]);
const unsupported = new Set(["BatchWriteItem", "TransactWriteItems"]);

/** Returns DynamoDB's `handle` with streams on the given tables. */
export function withStreams(options: StreamsOptions): DynamoDb["handle"] {
  const { dynamodb, tables } = options;
  const locks = new Map<string, Promise<unknown>>();
  let sequence = 0;

  /** Runs the writes to a table one after the other. */
  const serialize = <T>(table: string, work: () => Promise<T>): Promise<T> => {
    const before = locks.get(table) ?? Promise.resolve();
    const current = before.then(work, work);
    locks.set(table, current);
    return current;
  };

  const write = async (
    table: string,
    spec: StatusTableSpec,
    input: Image,
    request: HttpRequest,
  ): Promise<Reply> => {
    const keys = keysOf(input, spec);
    // A malformed request: dynalite returns the error.
    if (keys === undefined) return dynamodb.handle(options.region, request);
    const read = async () =>
      (await dynamodb.call(options.region, "GetItem", { TableName: table, Key: keys, ConsistentRead: true }))[
        "Item"
      ] as Image | undefined;

    const before = await read().catch(() => undefined);
    const reply = await dynamodb.handle(options.region, request);
    if (reply.status !== 200) return reply;
    const after = await read();
    // A write that changes nothing creates no record.
    if (isDeepStrictEqual(before, after)) return reply;
    options.emit(table, {
      eventID: randomUUID(),
      eventName: before === undefined ? "INSERT" : after === undefined ? "REMOVE" : "MODIFY",
      eventVersion: "1.1",
      eventSource: "aws:dynamodb",
      awsRegion: options.region,
      dynamodb: {
        ApproximateCreationDateTime: Math.floor(Date.now() / 1000),
        Keys: keys,
        ...(before === undefined ? {} : { OldImage: before }),
        ...(after === undefined ? {} : { NewImage: after }),
        SequenceNumber: String(++sequence).padStart(21, "0"),
        StreamViewType: "NEW_AND_OLD_IMAGES",
      },
    });
    return reply;
  };

  return async (region, request) => {
    const operation = operationOf(request);
    const relevant = region === options.region && (writes.has(operation) || unsupported.has(operation));
    // Parse only the bodies that name a streamed table.
    const named = relevant ? [...tables.keys()].filter((table) => request.body.includes(`"${table}"`)) : [];
    if (named.length === 0) return dynamodb.handle(region, request);
    if (unsupported.has(operation))
      // Their changes would not be in the stream.
      return refusal(
        "ValidationException",
        `${operation} on ${named.join(", ")} is not supported by the local host: its streams need single writes`,
      );
    const input = parseObject(request.body);
    const table = String(input?.["TableName"]);
    const spec = tables.get(table);
    if (input === undefined || spec === undefined) return dynamodb.handle(region, request);
    return serialize(table, () => write(table, spec, input, request));
  };
}

function keysOf(input: Image, spec: StatusTableSpec): Image | undefined {
  const from = (input["Key"] ?? input["Item"]) as Image | undefined;
  const hash = from?.[spec.hash.name];
  const range = from?.[spec.range.name];
  if (hash === undefined || range === undefined) return undefined;
  return { [spec.hash.name]: hash, [spec.range.name]: range };
}
