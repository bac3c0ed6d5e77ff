/**
 * A rule and a queue for the time of a run, which receive Ferry's events as another system would. Only a real bus accepts
 * new rules.
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
import { type DeployedStage, waitFor } from "./stage.ts";

/** A type that none of Ferry's rules matches. The bus denies Ferry's source to this command. */
const OPENED = "SmokeListenerOpened";
const OWN_SOURCE = "ferry.smoke";
const WAIT_SECONDS = 120;

export interface ReceivedEvent {
  readonly event: BusEvent;
  /** The message group that EventBridge set. */
  readonly group?: string;
}

export interface EventListener {
  /** All events received so far. */
  received(): Promise<readonly ReceivedEvent[]>;
  close(): Promise<void>;
}

/**
 * Opens a listener for all of Ferry's events. Its queue is encrypted, like Ferry's, and has a message group per event, where
 * Ferry's have one per task.
 */
export async function openEventListener(stage: DeployedStage): Promise<EventListener> {
  const name = `ferry-${stage.name}-smoke-${stage.run}`;
  const bus = { EventBusName: physicalName(stage.name, "bus") };
  const { RuleArn } = await stage.events.send(
    new PutRuleCommand({
      ...bus,
      Name: name,
      EventPattern: JSON.stringify({ $or: [{ source: [SOURCE] }, { "detail-type": [OPENED] }] }),
    }),
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
    new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy: queuePolicy(RuleArn!, arn) } }),
  );
  const { FailedEntryCount } = await stage.events.send(
    new PutTargetsCommand({
      ...bus,
      Rule: name,
      Targets: [{ Id: "listener", Arn: arn, SqsParameters: { MessageGroupId: "$.id" } }],
    }),
  );
  if (FailedEntryCount !== 0)
    throw new Error("the listener's queue could not be added to its rule as a target");

  const events: ReceivedEvent[] = [];
  const listener: EventListener = {
    async received() {
      for (;;) {
        const { Messages = [] } = await stage.sqs.send(
          new ReceiveMessageCommand({
            QueueUrl,
            MaxNumberOfMessages: 10,
            WaitTimeSeconds: 2,
            MessageSystemAttributeNames: ["MessageGroupId"],
          }),
        );
        if (Messages.length === 0) return events;
        for (const { Body, Attributes: attributes } of Messages)
          events.push({
            event: JSON.parse(Body!) as BusEvent,
            ...(attributes?.MessageGroupId !== undefined && { group: attributes.MessageGroupId }),
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
      await stage.events.send(new RemoveTargetsCommand({ ...bus, Rule: name, Ids: ["listener"] }));
      await stage.events.send(new DeleteRuleCommand({ ...bus, Name: name }));
      await stage.sqs.send(new DeleteQueueCommand({ QueueUrl }));
    },
  };
  // A new rule works only after some time. Events that it missed until then would be reported as a fault of Ferry.
  await waitFor("the listener's rule delivers an event", WAIT_SECONDS, async () => {
    await stage.events.send(
      new PutEventsCommand({
        Entries: [
          { ...bus, Source: OWN_SOURCE, DetailType: OPENED, Detail: JSON.stringify({ run: stage.run }) },
        ],
      }),
    );
    return (await listener.received()).find(({ event }) => event["detail-type"] === OPENED);
  }).catch(async (error: unknown) => {
    await listener.close();
    throw error;
  });
  return listener;
}

const queuePolicy = (rule: string, queue: string) =>
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
