import { expect, it } from "vitest";
import { openEventListener } from "./event-listener.ts";
import type { DeployedStage } from "./stage.ts";

interface Command {
  readonly constructor: { readonly name: string };
  readonly input: { readonly Entries?: readonly { DetailType?: string; Detail?: string }[] };
}

/** A bus whose new rule misses the first events. */
function stageWithSlowRule(missed: number) {
  const sent: string[] = [];
  const waiting: string[] = [];
  let puts = 0;
  const send = async (command: unknown) => {
    const { constructor: type, input } = command as Command;
    sent.push(type.name);
    if (type.name === "PutEventsCommand" && ++puts > missed)
      waiting.push(JSON.stringify({ id: `e${puts}`, "detail-type": input.Entries?.[0]?.DetailType }));
    if (type.name === "ReceiveMessageCommand")
      return { Messages: waiting.splice(0).map((Body) => ({ Body, ReceiptHandle: "r" })) };
    return { RuleArn: "rule", QueueUrl: "url", Attributes: { QueueArn: "queue" }, FailedEntryCount: 0 };
  };
  const stage = { name: "beta", run: "r", events: { send }, sqs: { send } } as unknown as DeployedStage;
  return { stage, sent };
}

it("given a rule that misses the first event, the listener opens when the rule delivers", async () => {
  const { stage, sent } = stageWithSlowRule(1);
  const listener = await openEventListener(stage);
  expect(sent.filter((name) => name === "PutEventsCommand")).toHaveLength(2);
  expect(await listener.received()).toHaveLength(1);
  await listener.close();
  expect(sent.slice(-3)).toEqual(["RemoveTargetsCommand", "DeleteRuleCommand", "DeleteQueueCommand"]);
});
