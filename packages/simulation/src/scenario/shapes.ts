/**
 * The shapes in which callers put requests: a bare one, a wrapped one, and a message with a bare or a wrapped one.
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
  return n % 3 === 2 ? messageWith(id === undefined ? request : wrapped, `message-${n}`) : wrapped;
}

/** A message of request-queue as its Pipe puts it. Without a time of its own, it has the time of its event. */
function messageWith(content: object, messageId: string): Message {
  return { eventSource: "aws:sqs", messageId, body: JSON.stringify(content), attributes: {} };
}

interface Message {
  readonly eventSource: string;
  readonly messageId: string;
  readonly body: string;
  readonly attributes: object;
}

/** The request of an event of any shape, and its id. */
export function requestIn({ id, detail }: BusEvent): { readonly request: Fields; readonly id: string } {
  if (!("body" in (detail as object))) return contentOf(detail as Fields | Wrapped, id);
  const { body, messageId } = detail as Message;
  return contentOf(JSON.parse(body) as Fields | Wrapped, messageId);
}

function contentOf(content: Fields | Wrapped, id: string) {
  return "request" in content
    ? { request: content.request as Fields, id: (content["request-id"] as string | undefined) ?? id }
    : { request: content, id };
}
