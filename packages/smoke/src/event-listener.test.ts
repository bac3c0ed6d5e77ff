import { expect, it } from "vitest";
import { openEventListener } from "./event-listener.ts";
import type { Stage } from "./stage.ts";

interface Command {
  readonly constructor: { readonly name: string };
  readonly input: { readonly Entries?: readonly { DetailType?: string; Detail?: string }[] };
}

/** A bus whose new rule hears nothing of the first events. */
function slowStage(deaf: number) {
  const sent: string[] = [];
  const waiting: string[] = [];
  let puts = 0;
  const send = async (command: unknown) => {
    const { constructor: of, input } = command as Command;
    sent.push(of.name);
    if (of.name === "PutEventsCommand" && ++puts > deaf)
      waiting.push(JSON.stringify({ id: `e${puts}`, "detail-type": input.Entries?.[0]?.DetailType }));
    if (of.name === "ReceiveMessageCommand")
      return { Messages: waiting.splice(0).map((Body) => ({ Body, ReceiptHandle: "r" })) };
    return { RuleArn: "rule", QueueUrl: "url", Attributes: { QueueArn: "queue" }, FailedEntryCount: 0 };
  };
  const stage = { name: "beta", run: "r", events: { send }, sqs: { send } } as unknown as Stage;
  return { stage, sent };
}

it("given a rule that takes its time, opens when it hears, and not before", async () => {
  const { stage, sent } = slowStage(1);
  const tap = await openEventListener(stage);
  expect(sent.filter((name) => name === "PutEventsCommand")).toHaveLength(2);
  expect(await tap.heard()).toHaveLength(1);
  await tap.close();
  expect(sent.slice(-3)).toEqual(["RemoveTargetsCommand", "DeleteRuleCommand", "DeleteQueueCommand"]);
});
