/** The permissions of callers: a managed policy to attach to their role. Callers of other accounts are also in the bus's policy. */
import { callerTypes } from "@ferry/core/topology";
import { bus } from "../bus/bus.ts";
import { resourceName } from "../naming/names.ts";
import { stageQueues } from "../queues/queues.ts";
import { useOwnKey } from "./own-key.ts";

/** Requests, cancels and retries. Callers may not put facts. */
export const putRequests = {
  actions: ["events:PutEvents"],
  resources: [bus.arn],
  conditions: [{ test: "StringEquals", variable: "events:detail-type", values: [...callerTypes] }],
};

export const callerPolicy = new aws.iam.Policy("Callers", {
  name: resourceName("callers"),
  description: `May request, cancel and retry tasks of Ferry, stage ${$app.stage}; may not put facts`,
  policy: aws.iam.getPolicyDocumentOutput({
    statements: [
      { sid: "Requests", ...putRequests },
      {
        // The Pipe on the request queue turns every message into a TaskRequested, whatever its body is.
        sid: "RequestQueue",
        actions: ["sqs:SendMessage", "sqs:GetQueueUrl"],
        resources: [stageQueues["request-queue"].arn],
      },
      ...useOwnKey("sqs"),
    ],
  }).json,
});
