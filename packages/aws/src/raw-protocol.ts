/**
 * DynamoDB's protocol with the items' bytes passed through: signing, retries, credentials and errors stay the SDK's,
 * but nothing parses or builds the bodies that hold items.
 *
 * A command whose input carries a raw body (`withRawBody`) is sent with exactly those bytes, in every retry. The operations
 * of RAW_ANSWERS answer with the raw bytes of a successful response (`rawBodyOf`). All others are ordinary.
 */
import { crc32 } from "node:zlib";
import { AwsJson1_0Protocol } from "@aws-sdk/core/protocols";

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
 * An input that is sent as `body`. Its own fields should say no more than what names the table, for endpoints are
 * resolved by them.
 */
export function withRawBody<Input extends object>(input: Input, body: Uint8Array): Input {
  return { ...input, [REQUEST]: body };
}

/** The body of the response of an operation in RAW_ANSWERS, as the bytes that came. */
export function rawBodyOf(output: object): Uint8Array {
  const body = (output as { [RESPONSE]?: Uint8Array })[RESPONSE];
  if (body === undefined) throw new TypeError("the client that sent this does not speak RawProtocol");
  return body;
}

/** To be given to a DynamoDBClient as `protocol`. */
export class RawProtocol extends AwsJson1_0Protocol {
  override async serializeRequest<Input extends object>(
    operation: Operation,
    input: Input,
    context: RequestContext,
  ): Promise<Request> {
    const request = await super.serializeRequest(operation, input, context);
    const body = (input as { [REQUEST]?: Uint8Array })[REQUEST];
    // Its length and signature are reckoned later, for each try.
    if (body !== undefined) request.body = body;
    return request;
  }

  // The base's type parameter is its result, which no caller can check: `never` fits them all.
  override async deserializeResponse(
    operation: Operation,
    context: ResponseContext,
    response: Response,
  ): Promise<never> {
    if (response.statusCode >= 300) return super.deserializeResponse(operation, context, response);
    const body = await collect(response.body);
    check(body, response.headers["x-amz-crc32"]);
    if (!RAW_ANSWERS.has(operation.name)) {
      response.body = body;
      return super.deserializeResponse(operation, context, response);
    }
    return { [RESPONSE]: body, $metadata: this.deserializeMetadata(response) } as never;
  }
}

async function collect(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}

/** DynamoDB sends the CRC-32 of each body. What does not match was damaged on its way: the SDK asks again. */
function check(body: Uint8Array, expected: string | undefined): void {
  if (expected === undefined || crc32(body) === Number(expected)) return;
  throw Object.assign(new Error(`the body's CRC-32 is ${crc32(body)}, DynamoDB says ${expected}`), {
    name: "ChecksumMismatch",
    $retryable: {},
  });
}
