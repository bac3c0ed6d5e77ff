/**
 * The shapes in which callers put requests: a bare one, a wrapped one, and a message with a wrapped one, which the Pipe wraps again.
 */
import type { BusEvent } from "@ferry/core/events/events";

export type Fields = Readonly<Record<string, unknown>>;

interface Wrapped {
  readonly request: Fields;
  readonly "request-id"?: string;
}

/** The detail of the `n`th request, in a shape that depends on `n`. Without an id, a bare request has none. */
export function shaped(request: Fields, id: string | undefined, n: number): object {
  const wrapped: Wrapped = { request, ...(id !== undefined && { "request-id": id }) };
  if (n % 3 === 1 && id === undefined) return request;
  return n % 3 === 2 ? { request: wrapped, "request-id": `message-${n}` } : wrapped;
}

/** The request of an event of any shape, and its id. */
export function requestIn({ id, detail }: BusEvent): { readonly request: Fields; readonly id: string } {
  if (!("request" in (detail as object))) return { request: detail as Fields, id };
  const outer = detail as Wrapped;
  if (!("request" in outer.request)) return { request: outer.request, id: outer["request-id"] ?? id };
  const inner = outer.request as unknown as Wrapped;
  return { request: inner.request, id: inner["request-id"] ?? outer["request-id"] ?? id };
}
