/**
 * Calls of a stage's bus, and events that a caller puts on it.
 */
import {
  type EventBridgeClient,
  PutEventsCommand,
  type PutEventsResultEntry,
} from "@aws-sdk/client-eventbridge";
import { stopped } from "@ferry/core/errors/errors";
import type { callerTypes } from "@ferry/core/topology";
import { ClientError } from "../client-error.ts";
import { callingStage, type Stage } from "../stage/stage.ts";

/** The source of the client's events. */
const CLIENT_SOURCE = "ferry.client";

/** The type of an event that asks for nothing: no rule of Ferry matches it. It shows that a caller may put events, and that they arrive. */
export const PROBE_TYPE = "FerryProbe";

/** Puts one event. ClientErrors `no-such-stage`, `entries-refused`, `access-denied`. */
export async function putEvent(
  stage: Stage,
  type: (typeof callerTypes)[number] | typeof PROBE_TYPE,
  detail: object,
): Promise<{ readonly eventId: string }> {
  const {
    EventId: eventId,
    ErrorCode: code,
    ErrorMessage: message,
  } = await putEntry(stage, type, JSON.stringify(detail));
  if (eventId !== undefined) return { eventId };
  if (DENIED.test(code ?? ""))
    throw new ClientError("refused", "access-denied", {
      message: `PutEvents on the bus ${stage.bus} in ${stage.region} failed: ${code}: ${stopped(message ?? "no reason")}`,
      hint: `Attach the policy ferry-${stage.name}-callers to your role.`,
    });
  throw new ClientError("refused", "entries-refused", {
    message: `The bus refused the event: ${code ?? "no code"}: ${stopped(message ?? "no reason")}`,
    hint: "If the reason is throttling, run it again.",
  });
}

/**
 * Whether the caller may put events of any type, requests alone, or none. The first try is an event that no rule matches. If it
 * is denied, as by the policy `ferry-STAGE-callers`, the second one is a request whose detail is not JSON: EventBridge refuses it
 * as malformed, so that it never becomes an event, but only after the permission. (That order is not documented by AWS.)
 */
export async function mayPutEvents(stage: Stage): Promise<"any" | "requests" | "none"> {
  const tryEntry = async (type: string, detail: string) => {
    try {
      return (await putEntry(stage, type, detail)).ErrorCode;
    } catch (error) {
      if ((error as ClientError).code === "access-denied") return "AccessDeniedException";
      throw error;
    }
  };
  const any = await tryEntry(PROBE_TYPE, "{}");
  if (any === undefined) return "any";
  if (!DENIED.test(any)) throw refusedProbe(any);
  const request = await tryEntry("TaskRequested", "{");
  if (request === "MalformedDetail") return "requests";
  if (request !== undefined && DENIED.test(request)) return "none";
  throw refusedProbe(request ?? "an event with a malformed detail was accepted");
}

function refusedProbe(reason: string): ClientError {
  return new ClientError("failed", "entries-refused", {
    message: `The bus answered ${reason}.`,
    hint: "Run it again.",
  });
}

/** ErrorCodes of an entry that the caller may not put. */
const DENIED = /^(AccessDenied|NotAuthorized)/;

async function putEntry(stage: Stage, DetailType: string, Detail: string): Promise<PutEventsResultEntry> {
  const entry = { EventBusName: stage.bus, Source: CLIENT_SOURCE, DetailType, Detail };
  const { Entries: [result] = [] } = await onBus(stage, "PutEvents", (events) =>
    events.send(new PutEventsCommand({ Entries: [entry] })),
  );
  return result ?? {};
}

/** Calls EventBridge. ClientErrors `no-such-stage`, if what is called does not exist; `access-denied`. */
export function onBus<T>(
  stage: Stage,
  operation: string,
  run: (events: EventBridgeClient) => Promise<T>,
): Promise<T> {
  const call = { operation, resource: `bus ${stage.bus} in ${stage.region}` };
  return callingStage(stage, call, () => run(stage.access.events(stage.region)));
}
