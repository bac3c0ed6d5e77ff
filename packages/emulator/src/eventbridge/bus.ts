/**
 * The bus: PutEvents over EventBridge's wire protocol (JSON 1.1), and for this host's own Pipes.
 */
import { randomUUID } from "node:crypto";
import type { Reply } from "../engines/http.ts";
import { type EventEnvelope, type PutEventsOutput, readPutEvents, ValidationError } from "./put-events.ts";

export interface BusOptions {
  /** The name of the one bus that has rules. */
  readonly name: string;
  readonly account: string;
  /** The region it is in. */
  readonly region: string;
  /** Called with each event, after the answer: what it does is nobody's to wait for. */
  readonly deliver: (event: EventEnvelope) => void;
  readonly log: (line: string) => void;
}

export interface LocalBus {
  /** PutEvents as a client in `region` calls it. Throws a ValidationError when the whole call is refused. */
  put(region: string, input: unknown): PutEventsOutput;
  /** One call of any operation of EventBridge, from its X-Amz-Target header and body. */
  call(region: string, target: string | undefined, body: Buffer): Reply;
}

export function createBus(options: BusOptions): LocalBus {
  const arn = `arn:aws:events:${options.region}:${options.account}:event-bus/${options.name}`;

  const put = (region: string, input: unknown): PutEventsOutput => {
    const { output, accepted } = readPutEvents(input, {
      account: options.account,
      region,
      nowMs: Date.now(),
      newId: randomUUID,
    });
    for (const { bus, event } of accepted) {
      if (region === options.region && (bus === options.name || bus === arn))
        setImmediate(options.deliver, event);
      // EventBridge answers 200 and drops the event; here at least it is said.
      else
        options.log(
          `event ${event.id} (${event["detail-type"]}) was put to bus "${bus}" in ${region}, which has no rules here, ` +
            `and is dropped: the one that has is "${options.name}" in ${options.region}`,
        );
    }
    return output;
  };

  const call = (region: string, target: string | undefined, body: Buffer): Reply => {
    if (target !== "AWSEvents.PutEvents")
      return failure(
        "UnknownOperationException",
        `${target ?? "An operation without X-Amz-Target"} is not here: of EventBridge the local host has PutEvents only`,
      );
    try {
      return json(200, put(region, JSON.parse(body.toString())));
    } catch (error) {
      if (error instanceof ValidationError) return failure(error.name, error.message);
      if (error instanceof SyntaxError) return failure("SerializationException", error.message);
      throw error;
    }
  };

  return { put, call };
}

function failure(code: string, message: string): Reply {
  return json(400, { __type: code, message });
}

function json(status: number, value: unknown): Reply {
  return {
    status,
    headers: { "content-type": "application/x-amz-json-1.1", "x-amzn-requestid": randomUUID() },
    body: JSON.stringify(value),
  };
}
