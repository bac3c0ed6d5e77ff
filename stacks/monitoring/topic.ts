/** The topic of the alarms, and its mail subscription. */
import { account } from "../naming/arns.ts";
import { resourceName } from "../naming/names.ts";
import { settings } from "../settings/stage-settings.ts";

export const topic = new aws.sns.Topic("Alarms", {
  name: resourceName("alarms"),
  ...(settings.ownKmsKey !== undefined && { kmsMasterKeyId: settings.ownKmsKey }),
});

new aws.sns.TopicPolicy("AlarmsPolicy", {
  arn: topic.arn,
  policy: aws.iam.getPolicyDocumentOutput({
    statements: [
      {
        actions: ["sns:Publish"],
        resources: [topic.arn],
        principals: [{ type: "Service", identifiers: ["cloudwatch.amazonaws.com"] }],
        conditions: [{ test: "StringEquals", variable: "aws:SourceAccount", values: [account] }],
      },
    ],
  }).json,
});

const address = settings.alarmEmail === "none" ? undefined : settings.alarmEmail;

const subscription =
  address === undefined
    ? undefined
    : new aws.sns.TopicSubscription("AlarmEmail", { topic: topic.arn, protocol: "email", endpoint: address });

/** What a deploy prints: who receives the alarms. */
export const mail =
  subscription === undefined
    ? "no subscription: nothing is sent when an alarm starts"
    : $interpolate`${subscription.endpoint}, ${subscription.pendingConfirmation.apply((pending) =>
        pending ? "not confirmed when it was last read: open the link in the mail" : "confirmed",
      )}`;
