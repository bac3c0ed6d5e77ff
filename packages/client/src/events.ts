/**
 * Puts events on a stage's bus as a caller.
 */
import { PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { translateErrors } from "@ferry/aws/errors";
import type { callerTypes } from "@ferry/core/topology";
import { ClientError, explained } from "./client-error.ts";
import type { Stage } from "./stage.ts";
import { noSuchStage } from "./task-rows.ts";

/** The source of the client's events. */
const CLIENT_SOURCE = "ferry.client";

/** Puts one event. ClientErrors `no-such-stage`, `entries-refused`, `access-denied`. */
export async function putEvent(
  stage: Stage,
  type: (typeof callerTypes)[number],
  detail: object,
): Promise<{ readonly eventId: string }> {
  const call = { operation: "PutEvents", resource: `bus ${stage.bus} in ${stage.region}` };
  const entry = {
    EventBusName: stage.bus,
    Source: CLIENT_SOURCE,
    DetailType: type,
    Detail: JSON.stringify(detail),
  };
  let answer: Awaited<ReturnType<typeof send>>;
  const send = () => stage.access.events(stage.region).send(new PutEventsCommand({ Entries: [entry] }));
  try {
    answer = await translateErrors(call, send);
  } catch (error) {
    const { code } = error as { code?: string };
    throw code === "no-such-table" ? noSuchStage(stage, error) : explained(error, call);
  }
  const [result] = answer.Entries ?? [];
  if (answer.FailedEntryCount !== 0 || result?.EventId === undefined)
    throw new ClientError("refused", "entries-refused", {
      message: `The bus refused the event: ${result?.ErrorCode ?? "no reason"}: ${result?.ErrorMessage ?? ""}`,
      hint: "If the reason is throttling, run it again.",
    });
  return { eventId: result.EventId };
}
