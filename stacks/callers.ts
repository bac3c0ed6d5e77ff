/** The managed policy for whoever may ask Ferry for something: attach it to a caller's role. */
import { callerTypes } from "@ferry/core/topology";
import { bus } from "./bus.ts";
import { named } from "./here.ts";
import { queues } from "./queues.ts";

export const callers = new aws.iam.Policy("Callers", {
  name: named("callers"),
  description: `May request, cancel and retry tasks of Ferry, stage ${$app.stage}; may not say anything that looks like a fact`,
  policy: aws.iam.getPolicyDocumentOutput({
    statements: [
      {
        sid: "Requests",
        actions: ["events:PutEvents"],
        resources: [bus.arn],
        conditions: [{ test: "StringEquals", variable: "events:detail-type", values: [...callerTypes] }],
      },
      {
        // The Pipe makes a TaskRequested of every message, whatever it holds.
        sid: "RequestQueue",
        actions: ["sqs:SendMessage", "sqs:GetQueueUrl"],
        resources: [queues["request-queue"].arn],
      },
    ],
  }).json,
});
