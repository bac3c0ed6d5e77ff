/** What an operator sees who looks: every alarm, queue and Pipe, and how fast things go. */
import { type Check, differences, ofType, unless } from "./check.ts";

export const dashboardShowsAll: Check = {
  name: "dashboard-shows-all",
  broken: (deployment) => {
    const [dashboard] = ofType(deployment, "Dashboard");
    const body: string = dashboard?.inputs.dashboardBody ?? '{"widgets":[]}';
    // In its JSON by their ARNs; throws on what is no JSON.
    const shown: string[] = JSON.parse(body).widgets.flatMap(
      (widget: { properties: { alarms?: string[] } }) => widget.properties.alarms ?? [],
    );
    const alarms = ofType(deployment, "MetricAlarm").map(({ inputs }) => inputs.name);
    const metrics = [
      "TasksAccepted",
      "TasksFailed",
      "RequestsRejected",
      "StalledTasks",
      "ApproximateAgeOfOldestMessage",
      "Items",
      "Bytes",
      "ConsumedReadCapacityUnits",
      "ConsumedWriteCapacityUnits",
      "ReadThrottleEvents",
      "WriteThrottleEvents",
      "ExecutionFailed",
    ];
    const names = [...ofType(deployment, "Queue"), ...ofType(deployment, "Pipe")].map(
      ({ inputs }) => inputs.name,
    );
    return [
      ...differences(
        "the dashboard's alarm",
        alarms,
        shown.map((arn) => arn.split(":alarm:")[1]!),
      ),
      ...[...metrics, ...names].flatMap((name) =>
        unless(body.includes(`"${name}"`), `the dashboard does not show ${name}`),
      ),
    ];
  },
};
