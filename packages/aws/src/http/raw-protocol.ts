/**
 * DynamoDB's protocol with the items' bytes passed through. The SDK still resolves endpoints and credentials and reads errors,
 * but nothing parses or builds the bodies that hold items.
 *
 * A command whose input carries a raw body (`withRawBody`) is sent with exactly those bytes, in every retry. The operations
 * in RAW_ANSWERS return the raw bytes of a successful response (`rawBodyOf`). All others are unchanged.
 */
import { crc32 } from "node:zlib";
import { AwsJson1_0Protocol } from "@aws-sdk/core/protocols";
import { gathered } from "@ferry/core/archive/chunks";

const REQUEST = Symbol("raw request body");
const RESPONSE = Symbol("raw response body");
const RAW_ANSWERS: ReadonlySet<string> = new Set([
  "Scan",
  "BatchWriteItem",
  "BatchExecuteStatement",
  "BatchGetItem",
]);

type Operation = Parameters<AwsJson1_0Protocol["serializeRequest"]>[0];
type RequestContext = Parameters<AwsJson1_0Protocol["serializeRequest"]>[2];
type Request = Awaited<ReturnType<AwsJson1_0Protocol["serializeRequest"]>>;
type ResponseContext = Parameters<AwsJson1_0Protocol["deserializeResponse"]>[1];
type Response = Parameters<AwsJson1_0Protocol["deserializeResponse"]>[2];

/**
 * An input that is sent as `body`. Its fields should only name the table: the SDK resolves the endpoint by them.
 */
export function withRawBody<Input extends object>(input: Input, body: Uint8Array): Input {
  return { ...input, [REQUEST]: body };
}

/** The response's body, unchanged, of an operation in RAW_ANSWERS. */
export function rawBodyOf(output: object): Uint8Array {
  const body = (output as { [RESPONSE]?: Uint8Array })[RESPONSE];
  if (body === undefined) throw new TypeError("the command was sent by a client without RawProtocol");
  return body;
}

/** The `protocol` option of a DynamoDBClient. */
export class RawProtocol extends AwsJson1_0Protocol {
  override async serializeRequest<Input extends object>(
    operation: Operation,
    input: Input,
    context: RequestContext,
  ): Promise<Request> {
    const request = await super.serializeRequest(operation, input, context);
    const body = (input as { [REQUEST]?: Uint8Array })[REQUEST];
    // The SDK computes its length and signature later, for each try.
    if (body !== undefined) request.body = body;
    return request;
  }

  // The base's type parameter is its result, which no caller can check: `never` is assignable to all.
  override async deserializeResponse(
    operation: Operation,
    context: ResponseContext,
    response: Response,
  ): Promise<never> {
    if (response.statusCode >= 300) return super.deserializeResponse(operation, context, response);
    // The clients of items read a body before they return the response.
    const body = response.body instanceof Uint8Array ? response.body : await gathered(response.body);
    check(body, response.headers["x-amz-crc32"]);
    if (!RAW_ANSWERS.has(operation.name)) {
      response.body = body;
      return super.deserializeResponse(operation, context, response);
    }
    return { [RESPONSE]: body, $metadata: this.deserializeMetadata(response) } as never;
  }
}

/** DynamoDB sends the CRC-32 of each body. If it does not match, the body was damaged in transit: the SDK retries. */
function check(body: Uint8Array, expected: string | undefined): void {
  if (expected === undefined || crc32(body) === Number(expected)) return;
  throw Object.assign(new Error(`the body's CRC-32 is ${crc32(body)}, but DynamoDB sent ${expected}`), {
    name: "ChecksumMismatch",
    $retryable: {},
  });
}
