/** Who may send to the queues: exactly the rules that deliver to each, and other accounts' callers to the front door. */
import { UNDELIVERED_QUEUE } from "@ferry/core/topology";
import { account, arnOf, logical, partition, physical } from "./here.ts";
import { queues } from "./queues.ts";
import { rules } from "./routes.ts";
import { settings } from "./settings.ts";

type Statement = aws.types.input.iam.GetPolicyDocumentStatementArgs;

function policy(name: keyof typeof queues, statement: Statement) {
  new aws.sqs.QueuePolicy(`${logical(name)}Policy`, {
    queueUrl: queues[name].url,
    policy: aws.iam.getPolicyDocumentOutput({
      statements: [{ actions: ["sqs:SendMessage"], resources: [queues[name].arn], ...statement }],
    }).json,
  });
}

/** EventBridge, on behalf of these rules of this account alone. */
const fromRules = (arns: $util.Input<string>[]): Statement => ({
  sid: "FromRules",
  principals: [{ type: "Service", identifiers: ["events.amazonaws.com"] }],
  conditions: [
    { test: "ArnLike", variable: "aws:SourceArn", values: arns },
    { test: "StringEquals", variable: "aws:SourceAccount", values: [account] },
  ],
});

for (const name of new Set(rules.map((rule) => rule.queue)))
  policy(name, fromRules(rules.filter((rule) => rule.queue === name).map((rule) => rule.arn)));

// Every rule of the bus sets aside what it cannot deliver. As a pattern: a queue's policy may hold ten conditions, and
// AWS does not say whether sixteen ARNs are one.
policy(UNDELIVERED_QUEUE, fromRules([arnOf("events", `rule/${physical("bus")}/*`)]));

if (settings.callerAccounts.length > 0)
  policy("request-queue", {
    sid: "CallersOfOtherAccounts",
    principals: [
      {
        type: "AWS",
        identifiers: settings.callerAccounts.map((id) => $interpolate`arn:${partition}:iam::${id}:root`),
      },
    ],
  });
