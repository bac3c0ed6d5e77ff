/** Invariants of protected stages and of developers' stages. */
import { physicalName, type TableName, tables, workerTable } from "@ferry/core/topology";
import { equalAsJson, type Invariants, resourcesOfType, violationUnless } from "./invariant.ts";

export const stageInvariants: Invariants = {
  "only-dev-stages-are-quiet": {
    reason:
      "A developer's stage has the tables of a shared stage, so its schedules and alarm actions are disabled. In other stages they are enabled.",
    violations: (deployment) => {
      const { dev } = deployment.graph;
      const state = dev ? "DISABLED" : "ENABLED";
      return [
        ...resourcesOfType(deployment, "Schedule").flatMap(({ inputs }) =>
          violationUnless(inputs.state === state, `${inputs.name} is ${inputs.state}, not ${state}`),
        ),
        ...resourcesOfType(deployment, "MetricAlarm").flatMap(({ inputs }) => [
          ...violationUnless(
            inputs.actionsEnabled === !dev,
            `${inputs.name} has actionsEnabled: ${inputs.actionsEnabled}`,
          ),
          ...violationUnless(inputs.alarmActions?.length > 0, `${inputs.name} has no actions`),
        ]),
      ];
    },
  },
  "protected-stages-keep-their-tables": {
    reason:
      "The status tables are the record of every archive, and `sst remove` must not delete them by mistake.",
    violations: (deployment) => {
      const { graph, settings } = deployment;
      const names = (Object.keys(tables) as TableName[]).map((name) => physicalName(graph.app.stage, name));
      return [
        // A table that was kept makes its re-creation fail; this one has nothing to keep.
        ...resourcesOfType(deployment, "Table")
          .filter(({ inputs }) => inputs.name === physicalName(graph.app.stage, workerTable.name))
          .flatMap(({ inputs, retainOnDelete }) =>
            violationUnless(retainOnDelete !== true, `${inputs.name} is kept when the stage is removed`),
          ),
        ...violationUnless(
          graph.app.protect === settings.protect,
          `the app has protect: ${graph.app.protect}`,
        ),
        ...resourcesOfType(deployment, "Table")
          .filter(({ inputs }) => names.includes(inputs.name))
          .flatMap(({ inputs, retainOnDelete = false }) => [
            ...violationUnless(
              inputs.deletionProtectionEnabled === settings.protect,
              `${inputs.name} has deletionProtectionEnabled: ${inputs.deletionProtectionEnabled}`,
            ),
            ...violationUnless(
              retainOnDelete === settings.protect,
              `${inputs.name} has retainOnDelete: ${retainOnDelete}`,
            ),
            ...violationUnless(
              inputs.pointInTimeRecovery?.enabled === true,
              `${inputs.name} has no point-in-time recovery`,
            ),
          ]),
      ];
    },
  },
  "protected-stages-are-never-dev": {
    reason: "In `sst dev` a stub reports success for the messages of a stage, and SQS deletes them.",
    violations: ({ graph, settings }) =>
      violationUnless(
        !(graph.dev && settings.protect),
        `the protected stage ${graph.app.stage} is built for sst dev`,
      ),
  },
  "stages-are-pinned": {
    reason:
      "With another account's credentials, or in another region, a deploy would create a second stage or fail at the roles, whose names are global.",
    violations: ({ graph, settings }) => {
      const { region, allowedAccountIds } = graph.app.providers.aws;
      return [
        ...violationUnless(
          region === settings.region,
          `the provider's region is ${region}, not ${settings.region}`,
        ),
        ...violationUnless(
          equalAsJson(allowedAccountIds, [settings.account]),
          `the provider accepts the accounts ${allowedAccountIds}, not only ${settings.account}`,
        ),
      ];
    },
  },
  "protected-stages-have-a-reader": {
    reason:
      "An alarm that notifies a topic without a subscription is not seen, unless the settings say so on purpose.",
    violations: (deployment) => {
      const { alarmEmail, protect } = deployment.settings;
      const addresses = resourcesOfType(deployment, "TopicSubscription").map(({ inputs }) => inputs.endpoint);
      const expected = alarmEmail === undefined || alarmEmail === "none" ? [] : [alarmEmail];
      return [
        ...violationUnless(!protect || alarmEmail !== undefined, "the settings name no address for alarms"),
        ...violationUnless(
          equalAsJson(addresses, expected),
          `the alarms are sent to ${addresses.join(", ") || "no address"}, not to ${expected.join(", ") || "none"}`,
        ),
      ];
    },
  },
};
