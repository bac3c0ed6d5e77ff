/**
 * Conversions between bytes and the streams of the ports.
 */
import type { StreamedBody } from "../ports.ts";

/** A stream of one chunk. */
export async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  yield bytes;
}

/** Reads a whole stream into memory. Only for streams that are known to be small. */
export async function gathered(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  // A part may be valid only until the next one is requested.
  for await (const part of chunks) parts.push(new Uint8Array(part));
  return concatenated(parts);
}

/** Reads the whole of a new object's body into memory. Throws if it has another size than it names. */
export async function gatheredBody(body: Uint8Array | StreamedBody): Promise<Uint8Array> {
  if (body instanceof Uint8Array) return body;
  const bytes = await gathered(body.chunks());
  if (bytes.length !== body.sizeBytes)
    throw new Error(`a body that names ${body.sizeBytes} bytes has ${bytes.length}`);
  return bytes;
}

/** A copy of all parts, in order. */
export function concatenated(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
