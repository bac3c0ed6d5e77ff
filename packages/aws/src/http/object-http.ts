/**
 * The request handler of the clients that read data files. It makes GetObject on Ferry's own connections, which receive a body into buffers
 * that are used again. Other calls are left to the SDK's handler, and so is an object that comes without its length.
 */
import { Readable } from "node:stream";
import type { NodeHttpHandler } from "@smithy/node-http-handler";
import type { BodyStream } from "./body-stream.ts";
import type { ConnectionOptions } from "./connections.ts";
import { BodyOfUnknownLength } from "./response-reader.ts";
import { connectionsByOrigin, headOf } from "./sdk-requests.ts";

type HttpRequest = Parameters<NodeHttpHandler["handle"]>[0];

/** `other`: the handler of what is not made here. */
export function objectHttpHandler(
  options: ConnectionOptions,
  other: Pick<NodeHttpHandler, "handle" | "destroy">,
): Pick<NodeHttpHandler, "handle" | "destroy"> {
  const { connectionsTo, destroy } = connectionsByOrigin(options);
  return {
    async handle(request, handling) {
      if (!readsObject(request)) return other.handle(request, handling);
      try {
        const response = await connectionsTo(request).open(headOf(request, Object.entries(request.headers)));
        return { response: { ...response, body: readable(response.body) } };
      } catch (error) {
        if (!(error instanceof BodyOfUnknownLength)) throw error;
        return other.handle(request, handling);
      }
    },
    destroy() {
      destroy();
      other.destroy();
    },
  };
}

/** The SDK marks each call with the name of its operation. */
function readsObject({ query }: HttpRequest): boolean {
  return query["x-id"] === "GetObject";
}

function readable(body: Uint8Array | BodyStream): Readable {
  return body instanceof Uint8Array ? Readable.from([body]) : new ObjectBody(body);
}

/**
 * The SDK requires a Readable. Its iteration is the body's own, without a copy: a chunk is valid until the next one is requested. Read in
 * any other way, it makes copies.
 */
class ObjectBody extends Readable {
  readonly #body: BodyStream;
  readonly #chunks: AsyncGenerator<Uint8Array, undefined, void>;

  constructor(body: BodyStream) {
    super();
    this.#body = body;
    this.#chunks = body.chunks();
  }

  override [Symbol.asyncIterator](): AsyncGenerator<Uint8Array, undefined, void> {
    return this.#chunks;
  }

  override _read(): void {
    this.#chunks.next().then(
      ({ value }) => this.push(value === undefined ? null : Buffer.from(value)),
      (error: Error) => this.destroy(error),
    );
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#body.stop();
    callback(error);
  }
}
