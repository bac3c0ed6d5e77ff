/** The event bus, and the log of the events that it could not deliver. */
import { physicalNameOf } from "../naming/names.ts";
import { settings } from "../settings/stage-settings.ts";

// Events carry the keys of items, so the log leaves their detail out.
export const bus = new sst.aws.Bus("Ferry", {
  logging: { level: "error", detail: false },
  transform: { bus: { name: physicalNameOf("bus"), description: `Ferry, stage ${$app.stage}` } },
});

const logs = new aws.cloudwatch.LogGroup("BusLogs", {
  // For log groups under /aws/vendedlogs/ AWS keeps one resource policy. For others it adds an entry for each group, and such
  // a policy is limited to 5,120 characters.
  name: `/aws/vendedlogs/events/${physicalNameOf("bus")}`,
  retentionInDays: settings.logRetentionDays,
});

const source = new aws.cloudwatch.LogDeliverySource("BusErrors", {
  name: `${physicalNameOf("bus")}-errors`,
  logType: "ERROR_LOGS",
  resourceArn: bus.arn,
});

const destination = new aws.cloudwatch.LogDeliveryDestination("BusErrorsDestination", {
  name: `${physicalNameOf("bus")}-errors`,
  deliveryDestinationConfiguration: { destinationResourceArn: logs.arn },
});

new aws.cloudwatch.LogDelivery("BusErrorsDelivery", {
  deliverySourceName: source.name,
  deliveryDestinationArn: destination.arn,
});
