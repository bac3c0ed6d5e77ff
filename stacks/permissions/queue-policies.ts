/**
 * The queues' policies. They allow the rules that deliver to a queue to send; on the request queue, callers of other
 * accounts.
 */
import { UNDELIVERED_QUEUE } from "@ferry/core/topology";
import { rules } from "../bus/rules.ts";
import { account, accountRoots, arnOf } from "../naming/arns.ts";
import { logicalNameOf, physicalNameOf } from "../naming/names.ts";
import { stageQueues } from "../queues/queues.ts";
import { settings } from "../settings/stage-settings.ts";

type Statement = aws.types.input.iam.GetPolicyDocumentStatementArgs;

function policy(name: keyof typeof stageQueues, statement: Statement) {
  return new aws.sqs.QueuePolicy(`${logicalNameOf(name)}Policy`, {
    queueUrl: stageQueues[name].url,
    policy: aws.iam.getPolicyDocumentOutput({
      statements: [{ actions: ["sqs:SendMessage"], resources: [stageQueues[name].arn], ...statement }],
    }).json,
  });
}

/** Allows EventBridge to send for these rules of this account. */
const fromRules = (arns: $util.Input<string>[]): Statement => ({
  sid: "FromRules",
  principals: [{ type: "Service", identifiers: ["events.amazonaws.com"] }],
  conditions: [
    { test: "ArnLike", variable: "aws:SourceArn", values: arns },
    { test: "StringEquals", variable: "aws:SourceAccount", values: [account] },
  ],
});

const deliveryQueues = [...new Set(rules.map((rule) => rule.queue))];

/** The policies without which the rules cannot deliver. */
export const queuePolicies = [
  ...deliveryQueues.map((name) =>
    policy(name, fromRules(rules.filter((rule) => rule.queue === name).map((rule) => rule.arn))),
  ),
  // Every rule of the bus sends the events that it cannot deliver to this queue. The condition is a pattern, because a
  // queue's policy may have ten conditions, and AWS does not document whether sixteen ARNs count as one.
  policy(UNDELIVERED_QUEUE, fromRules([arnOf("events", `rule/${physicalNameOf("bus")}/*`)])),
];

if (settings.callerAccounts.length > 0)
  policy("request-queue", {
    sid: "CallersOfOtherAccounts",
    principals: [{ type: "AWS", identifiers: accountRoots(settings.callerAccounts) }],
  });
