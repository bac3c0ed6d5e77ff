/**
 * A rule and a queue of the smoke's own, for the time of a run: what Ferry says on its bus, as another system would
 * hear it. Only a real bus has rules to add.
 */
import {
  DeleteRuleCommand,
  PutEventsCommand,
  PutRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
} from "@aws-sdk/client-eventbridge";
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SetQueueAttributesCommand,
} from "@aws-sdk/client-sqs";
import { type BusEvent, SOURCE } from "@ferry/core/events";
import { physicalName } from "@ferry/core/topology";
import { eventually, type Stage } from "./stage.ts";

/** Nothing of Ferry's listens for it. */
const OPENED = "SmokeTapOpened";
const WAIT_SECONDS = 120;

export interface Heard {
  readonly event: BusEvent;
  /** The message group that EventBridge gave it. */
  readonly group?: string;
}

export interface EventListener {
  /** All that was heard so far. */
  heard(): Promise<readonly Heard[]>;
  close(): Promise<void>;
}

/** Opens a tap on all that Ferry says. The queue is encrypted, and grouped by event, as Ferry's own are by task. */
export async function openEventListener(stage: Stage): Promise<EventListener> {
  const name = `ferry-${stage.name}-smoke-${stage.run}`;
  const bus = { EventBusName: physicalName(stage.name, "bus") };
  const { RuleArn } = await stage.events.send(
    new PutRuleCommand({ ...bus, Name: name, EventPattern: JSON.stringify({ source: [SOURCE] }) }),
  );
  const { QueueUrl } = await stage.sqs.send(
    new CreateQueueCommand({
      QueueName: name,
      Attributes: { SqsManagedSseEnabled: "true", MessageRetentionPeriod: "3600" },
    }),
  );
  const { Attributes } = await stage.sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["QueueArn"] }),
  );
  const arn = Attributes!["QueueArn"]!;
  await stage.sqs.send(
    new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy: admits(RuleArn!, arn) } }),
  );
  const { FailedEntryCount } = await stage.events.send(
    new PutTargetsCommand({
      ...bus,
      Rule: name,
      Targets: [{ Id: "tap", Arn: arn, SqsParameters: { MessageGroupId: "$.id" } }],
    }),
  );
  if (FailedEntryCount !== 0) throw new Error("the smoke's rule could not be given its target");

  const kept: Heard[] = [];
  const tap: EventListener = {
    async heard() {
      for (;;) {
        const { Messages = [] } = await stage.sqs.send(
          new ReceiveMessageCommand({
            QueueUrl,
            MaxNumberOfMessages: 10,
            WaitTimeSeconds: 2,
            MessageSystemAttributeNames: ["MessageGroupId"],
          }),
        );
        if (Messages.length === 0) return kept;
        for (const { Body, Attributes: its } of Messages)
          kept.push({
            event: JSON.parse(Body!) as BusEvent,
            ...(its?.MessageGroupId !== undefined && { group: its.MessageGroupId }),
          });
        await stage.sqs.send(
          new DeleteMessageBatchCommand({
            QueueUrl,
            Entries: Messages.map(({ ReceiptHandle }, i) => ({ Id: String(i), ReceiptHandle })),
          }),
        );
      }
    },
    async close() {
      await stage.events.send(new RemoveTargetsCommand({ ...bus, Rule: name, Ids: ["tap"] }));
      await stage.events.send(new DeleteRuleCommand({ ...bus, Name: name }));
      await stage.sqs.send(new DeleteQueueCommand({ QueueUrl }));
    },
  };
  // A new rule takes its time: what is said before it works would be missed, and taken for a fault of Ferry's.
  await eventually("the smoke's own rule works", WAIT_SECONDS, async () => {
    await stage.events.send(
      new PutEventsCommand({
        Entries: [{ ...bus, Source: SOURCE, DetailType: OPENED, Detail: JSON.stringify({ run: stage.run }) }],
      }),
    );
    return (await tap.heard()).find(({ event }) => event["detail-type"] === OPENED);
  }).catch(async (error: unknown) => {
    await tap.close();
    throw error;
  });
  return tap;
}

const admits = (rule: string, queue: string) =>
  JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Principal: { Service: "events.amazonaws.com" },
        Action: "sqs:SendMessage",
        Resource: queue,
        Condition: { ArnEquals: { "aws:SourceArn": rule } },
      },
    ],
  });
