/**
 * The rule and the queue of an event feed, which have one name.
 *
 * The rule's description says until when it is in use; an open feed extends that time. A rule whose time is over was left by a
 * process that was killed: the next feed of the stage removes it, and its queue. The rule is created first and deleted last, so
 * that no queue is left without a rule that names it.
 */
import { randomUUID } from "node:crypto";
import {
  DeleteRuleCommand,
  ListRulesCommand,
  PutRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
  type Rule,
} from "@aws-sdk/client-eventbridge";
import {
  CreateQueueCommand,
  DeleteQueueCommand,
  GetQueueUrlCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { nameOf } from "@ferry/aws/errors";
import { stopped } from "@ferry/core/errors/errors";
import { SOURCE } from "@ferry/core/events/events";
import { ClientError, calling } from "../client-error.ts";
import type { Stage } from "../stage/stage.ts";
import { type EventType, isCallerType } from "./event-summary.ts";
import { onBus, PROBE_TYPE } from "./events.ts";

/** How long a rule is in use after it was put. */
export const IN_USE_MS = 15 * 60_000;
const TARGET = "feed";
/** Events of a closed laptop's queue are of no use for longer. */
const RETENTION_SECONDS = 3600;

const feedPrefix = ({ name }: Stage) => `ferry-${name}-events-`;

const DESCRIPTION = "Temporary rule of `ferry events`, with a queue of its name. In use until ";

function descriptionOf(timeMs: number): string {
  return `${DESCRIPTION}${new Date(timeMs).toISOString()}.`;
}

/** Whether a killed process left the rule: its time is over. A rule with another description was not made by `ferry events`. */
export function isLeftover({ Description = "" }: Pick<Rule, "Description">, nowMs: number): boolean {
  return (
    Description.startsWith(DESCRIPTION) &&
    Date.parse(Description.slice(DESCRIPTION.length).replace(/\.$/, "")) < nowMs
  );
}

/** Ferry's own types need its source: other systems may use the same names. */
export function patternOf(name: string, types: readonly EventType[]): object {
  const facts = types.filter((type) => !isCallerType(type));
  const requests = types.filter(isCallerType);
  return {
    $or: [
      ...(facts.length === 0 ? [] : [{ source: [SOURCE], "detail-type": facts }]),
      ...(requests.length === 0 ? [] : [{ "detail-type": requests }]),
      { "detail-type": [PROBE_TYPE], detail: { feed: [name] } },
    ],
  };
}

/** The name of a new feed's rule and queue. */
export function newFeedName(stage: Stage): string {
  return `${feedPrefix(stage)}${randomUUID().slice(0, 13)}`;
}

/** Creates the rule, or extends the time in which it is in use. Returns its ARN. */
export async function putFeedRule(stage: Stage, name: string, pattern: object): Promise<string> {
  const { RuleArn } = await onBus(stage, "PutRule", (events) =>
    events.send(
      new PutRuleCommand({
        EventBusName: stage.bus,
        Name: name,
        EventPattern: JSON.stringify(pattern),
        Description: descriptionOf(Date.now() + IN_USE_MS),
      }),
    ),
  );
  return RuleArn!;
}

/** Creates the queue, for messages of this rule alone. */
export async function createFeedQueue(
  stage: Stage,
  sqs: SQSClient,
  name: string,
  ruleArn: string,
): Promise<{ readonly queueUrl: string; readonly queueArn: string }> {
  const queueArn = ruleArn.replace(/^(arn:[^:]+):events:([^:]+):(\d+):.*$/, `$1:sqs:$2:$3:${name}`);
  const { QueueUrl } = await onQueue(stage, name, "CreateQueue", () =>
    sqs.send(
      new CreateQueueCommand({
        QueueName: name,
        Attributes: {
          Policy: queuePolicy(ruleArn, queueArn),
          SqsManagedSseEnabled: "true",
          MessageRetentionPeriod: String(RETENTION_SECONDS),
        },
      }),
    ),
  );
  return { queueUrl: QueueUrl!, queueArn };
}

/** Makes the queue the target of its rule. */
export async function putFeedTarget(
  stage: Stage,
  name: string,
  queueArn: string,
  messageGroup: string | undefined,
): Promise<void> {
  const group = messageGroup === undefined ? {} : { SqsParameters: { MessageGroupId: messageGroup } };
  const { FailedEntryCount, FailedEntries } = await onBus(stage, "PutTargets", (events) =>
    events.send(
      new PutTargetsCommand({
        EventBusName: stage.bus,
        Rule: name,
        Targets: [{ Id: TARGET, Arn: queueArn, ...group }],
      }),
    ),
  );
  if (FailedEntryCount !== 0)
    throw new ClientError("failed", "entries-refused", {
      message: `EventBridge refused the queue ${name} as the rule's target: ${stopped(FailedEntries?.[0]?.ErrorMessage ?? "no reason")}`,
      hint: "Run it again.",
    });
}

/** Removes what killed processes left. Returns the names. */
export async function removeLeftovers(stage: Stage, sqs: SQSClient): Promise<string[]> {
  const leftovers: string[] = [];
  let NextToken: string | undefined;
  do {
    const answer = await onBus(stage, "ListRules", (events) =>
      events.send(
        new ListRulesCommand({
          EventBusName: stage.bus,
          NamePrefix: feedPrefix(stage),
          ...(NextToken !== undefined && { NextToken }),
        }),
      ),
    );
    leftovers.push(
      ...(answer.Rules ?? []).filter((rule) => isLeftover(rule, Date.now())).map(({ Name }) => Name!),
    );
    NextToken = answer.NextToken;
  } while (NextToken !== undefined);
  for (const name of leftovers) await removeFeed(stage, sqs, name);
  return leftovers;
}

/** Removes a feed's rule and queue, as far as they exist. Each step is tried, whether or not another one fails. */
export async function removeFeed(stage: Stage, sqs: SQSClient, name: string): Promise<void> {
  const rule = { EventBusName: stage.bus };
  const errors: unknown[] = [];
  const attempt = async (step: () => Promise<unknown>) => {
    try {
      await unlessMissing(step(), undefined);
    } catch (error) {
      errors.push(error);
    }
  };
  await attempt(() =>
    onBus(stage, "RemoveTargets", (events) =>
      events.send(new RemoveTargetsCommand({ ...rule, Rule: name, Ids: [TARGET] })),
    ),
  );
  await attempt(async () => {
    const { QueueUrl } = await onQueue(stage, name, "GetQueueUrl", () =>
      sqs.send(new GetQueueUrlCommand({ QueueName: name })),
    );
    await onQueue(stage, name, "DeleteQueue", () => sqs.send(new DeleteQueueCommand({ QueueUrl })));
  });
  // Without its rule, a queue that is left would not be found again.
  if (errors.length === 0)
    await attempt(() =>
      onBus(stage, "DeleteRule", (events) => events.send(new DeleteRuleCommand({ ...rule, Name: name }))),
    );
  const [error] = errors;
  if (error === undefined) return;
  throw new ClientError("failed", "feed-not-removed", {
    message: `The rule ${name} of bus ${stage.bus}, or the queue of its name, could not be removed: ${stopped((error as Error).message)}`,
    hint: `Delete both; or a \`ferry events\` that may delete them does it, once ${IN_USE_MS / 60_000} minutes have passed.`,
    cause: error,
  });
}

const MISSING = /^ResourceNotFound|QueueDoesNotExist|NonExistentQueue/;

/** Whether the rule, its target or the queue does not exist. */
export function isMissing(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) if (MISSING.test(nameOf(at))) return true;
  return false;
}

/** Resolves with `otherwise` if what is called does not exist. */
export async function unlessMissing<T>(result: Promise<T>, otherwise: T): Promise<T> {
  try {
    return await result;
  } catch (error) {
    if (isMissing(error)) return otherwise;
    throw error;
  }
}

/** Calls SQS. ClientErrors such as `access-denied`. */
export function onQueue<T>(stage: Stage, name: string, operation: string, run: () => Promise<T>): Promise<T> {
  return calling({ operation, resource: `queue ${name} in ${stage.region}` }, run);
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
