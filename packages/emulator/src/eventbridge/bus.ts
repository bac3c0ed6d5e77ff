/**
 * The bus: PutEvents and clients' rules in EventBridge's protocol (JSON 1.1), and PutEvents for the emulator's Pipes.
 */
import { randomUUID } from "node:crypto";
import { ACCOUNT, busArn } from "../arns.ts";
import type { Reply } from "../engines/http.ts";
import { type ClientRules, RuleError } from "./client-rules.ts";
import { type EventEnvelope, type PutEventsOutput, readPutEvents, ValidationError } from "./put-events.ts";

export interface BusOptions {
  /** The name of the only bus with rules. */
  readonly name: string;
  /** The bus's region. */
  readonly region: string;
  /** Called with each event after the response, which does not wait for it. */
  readonly deliver: (event: EventEnvelope) => void;
  /** The operations on rules. */
  readonly rules: Pick<ClientRules, "call">;
  readonly log: (line: string) => void;
}

export interface LocalBus {
  /** PutEvents, called by a client in `region`. Throws a ValidationError if the whole call is refused. */
  put(region: string, input: unknown): PutEventsOutput;
  /** A call of any EventBridge operation, from its X-Amz-Target header and body. */
  call(region: string, target: string | undefined, body: Buffer): Reply;
}

export function createLocalBus(options: BusOptions): LocalBus {
  const arn = busArn(options.region, options.name);

  const put = (region: string, input: unknown): PutEventsOutput => {
    const { output, accepted } = readPutEvents(input, {
      account: ACCOUNT,
      region,
      nowMs: Date.now(),
      newId: randomUUID,
    });
    for (const { bus, event } of accepted) {
      if (region === options.region && (bus === options.name || bus === arn))
        setImmediate(options.deliver, event);
      // EventBridge answers 200 and drops the event without notice; the emulator also logs it.
      else
        options.log(
          `event ${event.id} (${event["detail-type"]}) was put to bus "${bus}" in ${region}, which has no rules, ` +
            `and is dropped: the local host's only bus with rules is "${options.name}" in ${options.region}`,
        );
    }
    return output;
  };

  const call = (region: string, target: string | undefined, body: Buffer): Reply => {
    const operation = target?.replace(/^AWSEvents\./, "") ?? "";
    try {
      const input: unknown = JSON.parse(body.toString());
      if (operation === "PutEvents") return json(200, put(region, input));
      const output = options.rules.call(operation, region, input);
      if (output !== undefined) return json(200, output);
      return failure(
        "UnknownOperationException",
        `${target ?? "An operation without X-Amz-Target"} is not supported: the local host's EventBridge has PutEvents, PutRule, PutTargets, RemoveTargets, DeleteRule and ListRules only`,
      );
    } catch (error) {
      if (error instanceof ValidationError || error instanceof RuleError)
        return failure(error.name, error.message);
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
