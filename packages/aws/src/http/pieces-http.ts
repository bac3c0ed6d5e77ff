/**
 * The request handler of the clients that put data files. It sends a large body in pieces. What is written to a TLS connection at once
 * is encrypted at once, so that a file of 64 MiB would be in memory a second time.
 */
import { Readable } from "node:stream";
import type { NodeHttpHandler } from "@smithy/node-http-handler";

export const PIECE_BYTES_MAX = 256 * 1024;

/** `other`: the handler that makes the calls. It reads a piece when the one before it is sent. */
export function piecesHttpHandler(
  other: Pick<NodeHttpHandler, "handle" | "destroy">,
): Pick<NodeHttpHandler, "handle" | "destroy"> {
  return {
    handle(request, handling) {
      const { body } = request;
      if (!(body instanceof Uint8Array) || body.length <= PIECE_BYTES_MAX)
        return other.handle(request, handling);
      // The SDK repeats a failed call with the request, which keeps its body. The length is in its head already.
      const inPieces = request.clone();
      inPieces.body = Readable.from(piecesOf(body), { objectMode: false });
      return other.handle(inPieces, handling);
    },
    destroy: () => other.destroy(),
  };
}

function* piecesOf(body: Uint8Array): Generator<Uint8Array, void, void> {
  for (let at = 0; at < body.length; at += PIECE_BYTES_MAX) yield body.subarray(at, at + PIECE_BYTES_MAX);
}
