/** The bus, and the log of what it could not deliver. */
import { callerTypes } from "@ferry/core/topology";
import { partition, physical } from "./here.ts";
import { settings } from "./settings.ts";

// Without detail: events carry the keys of items.
export const bus = new sst.aws.Bus("Ferry", {
  logging: { level: "error", detail: false },
  transform: { bus: { name: physical("bus"), description: `Ferry, stage ${$app.stage}` } },
});

const logs = new aws.cloudwatch.LogGroup("BusLogs", {
  // AWS writes the policy that lets its log delivery in: one for all of /aws/vendedlogs/, elsewhere one entry a group,
  // and such a policy ends at 5,120 characters.
  name: `/aws/vendedlogs/events/${physical("bus")}`,
  retentionInDays: settings.logRetentionDays,
});

const source = new aws.cloudwatch.LogDeliverySource("BusErrors", {
  name: `${physical("bus")}-errors`,
  logType: "ERROR_LOGS",
  resourceArn: bus.arn,
});

const destination = new aws.cloudwatch.LogDeliveryDestination("BusErrorsDestination", {
  name: `${physical("bus")}-errors`,
  deliveryDestinationConfiguration: { destinationResourceArn: logs.arn },
});

new aws.cloudwatch.LogDelivery("BusErrorsDelivery", {
  deliverySourceName: source.name,
  deliveryDestinationArn: destination.arn,
});

// Another account's callers need the bus to admit them too; what they may put is what callers here may.
if (settings.callerAccounts.length > 0)
  new aws.cloudwatch.EventBusPolicy("CallerAccounts", {
    eventBusName: bus.name,
    policy: aws.iam.getPolicyDocumentOutput({
      statements: [
        {
          sid: "CallersOfOtherAccounts",
          actions: ["events:PutEvents"],
          resources: [bus.arn],
          principals: [
            {
              type: "AWS",
              identifiers: settings.callerAccounts.map(
                (id) => $interpolate`arn:${partition}:iam::${id}:root`,
              ),
            },
          ],
          conditions: [{ test: "StringEquals", variable: "events:detail-type", values: [...callerTypes] }],
        },
      ],
    }).json,
  });
