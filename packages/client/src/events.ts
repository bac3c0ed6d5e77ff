/**
 * Calls of a stage's bus, and events that a caller puts on it.
 */
import { type EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { translateErrors } from "@ferry/aws/errors";
import type { callerTypes } from "@ferry/core/topology";
import { ClientError, explained } from "./client-error.ts";
import type { Stage } from "./stage.ts";
import { noSuchStage } from "./task-rows.ts";

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
  const entry = {
    EventBusName: stage.bus,
    Source: CLIENT_SOURCE,
    DetailType: type,
    Detail: JSON.stringify(detail),
  };
  const answer = await onBus(stage, "PutEvents", (events) =>
    events.send(new PutEventsCommand({ Entries: [entry] })),
  );
  const [result] = answer.Entries ?? [];
  if (answer.FailedEntryCount !== 0 || result?.EventId === undefined)
    throw new ClientError("refused", "entries-refused", {
      message: `The bus refused the event: ${result?.ErrorCode ?? "no reason"}: ${result?.ErrorMessage ?? ""}`,
      hint: "If the reason is throttling, run it again.",
    });
  return { eventId: result.EventId };
}

/** Calls EventBridge. ClientErrors `no-such-stage`, if what is called does not exist; `access-denied`. */
export async function onBus<T>(
  stage: Stage,
  operation: string,
  run: (events: EventBridgeClient) => Promise<T>,
): Promise<T> {
  const call = { operation, resource: `bus ${stage.bus} in ${stage.region}` };
  try {
    return await translateErrors(call, () => run(stage.access.events(stage.region)));
  } catch (error) {
    const { code } = error as { code?: string };
    throw code === "no-such-table" ? noSuchStage(stage, error) : explained(error, call);
  }
}
