/** The topic of the alarms, and its mail subscription. */
import { account } from "../naming/arns.ts";
import { resourceName } from "../naming/names.ts";
import { settings } from "../settings/stage-settings.ts";

export const topic = new aws.sns.Topic("Alarms", { name: resourceName("alarms") });

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

if (settings.alarmEmail !== undefined)
  new aws.sns.TopicSubscription("AlarmEmail", {
    topic: topic.arn,
    protocol: "email",
    endpoint: settings.alarmEmail,
  });
