import type { Ferry } from "@ferry/client/ferry";
import { expect, it } from "vitest";
import { openEventListener } from "./event-listener.ts";

/** A stage that accepts rules and queues, and whose rules deliver nothing because no event may be put. */
function stageWithoutEvents() {
  const sent: string[] = [];
  const send = async (command: unknown) => {
    const { name } = (command as { constructor: { name: string } }).constructor;
    sent.push(name);
    if (name === "PutEventsCommand") throw Object.assign(new Error("no"), { name: "AccessDeniedException" });
    return {
      RuleArn: "arn:aws:events:eu-west-1:111122223333:rule/ferry-beta/r",
      QueueUrl: "url",
      FailedEntryCount: 0,
    };
  };
  const access = { events: () => ({ send }), client: () => ({ send }) };
  const stage = { name: "beta", region: "eu-west-1", bus: "ferry-beta", access };
  return { ferry: { stage } as unknown as Ferry, sent };
}

it("given a rule that delivers nothing, the listener says so and leaves nothing behind", async () => {
  const { ferry, sent } = stageWithoutEvents();
  await expect(openEventListener({ ferry })).rejects.toThrow(
    /the rule ferry-beta-events-\S+ delivers no event/,
  );
  expect(sent.slice(-2)).toEqual(["DeleteQueueCommand", "DeleteRuleCommand"]);
});
